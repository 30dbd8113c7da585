"""What commands print: tables for people, JSON for programs.

Results go to standard output, everything else to standard error.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

import msgspec

from roster.core.flows.provision import FirstAdministrator
from roster.kit import clock

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, object]
_ENDLESS: Final = 10_000
"""Columns of a line that no terminal shows: programs like `grep` and `cut` want one row on one line."""


def rows(found: Sequence[Row], *, as_json: bool) -> None:
    """A list of results."""
    if as_json:
        json([_plain(row) for row in found])
    elif found:
        _table([name.replace("_", " ").upper() for name in found[0]], [list(row.values()) for row in found])
    else:
        note("Nothing found.")


def row(found: Row, *, as_json: bool) -> None:
    """One result."""
    if as_json:
        json(_plain(found))
    else:
        _table([], [[name.replace("_", " "), value] for name, value in found.items()])


def note(text: str) -> None:
    """Something to know that is not the result."""
    print(text, file=sys.stderr, flush=True)


def json(value: object, *, indent: int = 2) -> None:
    """Any value as JSON; with a negative indent on one line."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=indent) + b"\n")
    sys.stdout.buffer.flush()


def first_administrator(made: FirstAdministrator | None, *, as_json: bool = False) -> None:
    """Tell, once, who may do everything."""
    if made is None:
        return
    if as_json:
        json({"administrator": made.username, "password": made.password}, indent=-1)
        return
    note(f"Administrator: {made.username}")
    note(f"Password:      {made.password}   (shown this once)" if made.password else "Password:      as given")


def console() -> "Console":
    """Standard output; as wide as it takes when nobody looks."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _ENDLESS, highlight=False)


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=bool(head), header_style="bold")
    for number in range(len(lines[0])):
        table.add_column(head[number] if head else "", overflow="fold")
    for line in lines:
        table.add_row(*(Text(_text(value)) for value in line))
    console().print(table)


def _plain(row: Row) -> dict[str, object]:
    return {name: clock.instant(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _text(value: object) -> str:
    """On one line, and without what a terminal would obey: names come from strangers."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return clock.instant(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, cast("Sequence[object]", value)))
    text = str(value) if isinstance(value, (str, int, UUID)) else msgspec.json.encode(value).decode()
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
