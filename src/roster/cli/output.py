"""What commands print: tables for people, JSON for programs. Results go to standard output, everything else beside it."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from rich.console import Console
from rich.table import Table

from roster.core.flows.provision import FirstAdministrator
from roster.kit import clock

Row = Mapping[str, object]


def rows(found: Sequence[Row], *, as_json: bool) -> None:
    """A list of results."""
    if as_json:
        _json([_plain(row) for row in found])
        return
    table = Table(box=None, pad_edge=False)
    for name in found[0] if found else ():
        table.add_column(name.replace("_", " ").upper(), overflow="fold")
    for row in found:
        table.add_row(*(_text(value) for value in row.values()))
    Console().print(table if found else "nothing found")


def row(found: Row, *, as_json: bool) -> None:
    """One result."""
    if as_json:
        _json(_plain(found))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in found.items():
        table.add_row(name.replace("_", " "), _text(value))
    Console().print(table)


def note(text: str) -> None:
    """Something to know that is not the result."""
    print(text, file=sys.stderr)


def first_administrator(made: FirstAdministrator | None) -> None:
    """Tell, once, who may do everything."""
    if made is None:
        return
    note(f"Administrator: {made.username}")
    note(f"Password:      {made.password} (shown this once)" if made.password else "Password:      as given")


def _json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def _plain(row: Row) -> dict[str, object]:
    return {name: clock.instant(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return clock.instant(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, cast("Sequence[object]", value)))
    if isinstance(value, (str, int, UUID)):
        return str(value)
    return msgspec.json.encode(value).decode()
