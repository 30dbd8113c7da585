"""`roster settings`: what is in force, and where it came from."""

from roster.cli import opened, output
from roster.settings import explain


def settings(data: opened.Data = opened.DEFAULT_DATA, json: opened.Json = False) -> None:  # noqa: FBT001, FBT002
    """Show every setting in force with its origin; secrets are masked."""
    found = explain(opened.settings_of(data))
    output.rows([{"key": each.key, "value": each.value, "origin": each.origin} for each in found], as_json=json)
