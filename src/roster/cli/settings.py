"""`roster settings`: what is in force, and where it came from."""

from roster.cli import opened, output
from roster.settings import explain


def settings(
    *, data: opened.Data = opened.DEFAULT_DATA, database_url: opened.Url = None, json: opened.Json = False
) -> None:
    """Show every setting in force and where it came from; secrets are masked."""
    found = explain(opened.existing(data, database_url))
    output.rows([{"key": each.key, "value": each.value, "origin": each.origin} for each in found], as_json=json)


app = opened.command(settings)
