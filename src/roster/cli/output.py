"""What commands print: tables for people, JSON for programs.

Results go to standard output, everything else to standard error.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec

from roster.core.flows.provision import FirstAdministrator
from roster.kit import clock

Row = Mapping[str, object]


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


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    """For people as wide as their terminal; for programs one row on one line, however long."""
    texts = [[_text(value) for value in line] for line in lines]
    if sys.stdout.isatty():
        _rich_table(head, texts)
        return
    every = [list(head), *texts] if head else texts
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for line in every:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    sys.stdout.flush()


def _rich_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=bool(head), header_style="bold")
    for number in range(len(lines[0])):
        table.add_column(head[number] if head else "", overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    Console().print(table)


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
