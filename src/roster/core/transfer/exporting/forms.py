"""People as lines of a file."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, cast
from uuid import UUID

import msgspec

from roster.core.transfer.exporting.record import Record
from roster.core.transfer.models import ReportLine
from roster.core.transfer.sources.csv import ATTRIBUTE, LISTS, joined

_ENCODER: Final = msgspec.json.Encoder()
_REPORT: Final = msgspec.json.Decoder(ReportLine)
_FORMULA: Final = re.compile(r"[=@\t\r']|[+-](?![\d ()./-]*$)")


class Form(Protocol):
    """Writes a file part by part."""

    def head(self) -> bytes:
        """What comes before the first person."""
        ...

    def lines(self, people: Sequence[Record], secrets: Mapping[UUID, Mapping[str, str]]) -> bytes:
        """These people; `secrets` by person and field."""
        ...


class Ndjson:
    """One JSON object a line; what is empty is left out."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def lines(self, people: Sequence[Record], secrets: Mapping[UUID, Mapping[str, str]]) -> bytes:
        """See `Form`."""
        return _ENCODER.encode_lines([self._named(person, secrets.get(person.id, {})) for person in people])

    def _named(self, person: Record, secrets: Mapping[str, str]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name in self._fields:
            value = secrets[name] if name in secrets else getattr(person, name, None)
            if value or value not in (None, [], {}):  # most have a value, which need not be compared then
                found[name] = value
        return found


class Table:
    """CSV as `sources.csv` reads it: UTF-8, comma, a header row.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV injection").
    """

    def __init__(self, fields: Sequence[str], attributes: Sequence[str]) -> None:
        self._fields = [name for name in fields if name not in ("attributes", "facets")]
        self._attributes = attributes if "attributes" in fields else ()

    def head(self) -> bytes:
        """The names of the columns."""
        return _rows([[*self._fields, *(ATTRIBUTE + name for name in self._attributes)]])

    def lines(self, people: Sequence[Record], secrets: Mapping[UUID, Mapping[str, str]]) -> bytes:
        """See `Form`."""
        return _rows(self._cells(person, secrets.get(person.id, {})) for person in people)

    def _cells(self, person: Record, secrets: Mapping[str, str]) -> list[str]:
        cells = [
            _cell(name, secrets[name] if name in secrets else getattr(person, name, None)) for name in self._fields
        ]
        return [_guarded(cell) for cell in (*cells, *(_json(person.attributes.get(name)) for name in self._attributes))]


async def report_table(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a report as CSV."""
    yield _rows([ReportLine.__struct_fields__])
    async for piece in pieces:
        lines = _REPORT.decode_lines(piece)
        yield _rows([str(line.row), line.field, line.code, line.text] for line in lines)


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cell(name: str, value: object) -> str:
    if name in LISTS and isinstance(value, list):
        return joined(filter(None, map(_name, cast("list[object]", value))))
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def _name(given: object) -> str:
    """Of a role that is limited to places a table can say the name only, so it leaves such out."""
    return given if isinstance(given, str) else ""


def _json(value: object) -> str:
    """Texts as they are, other values as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return _ENCODER.encode(value).decode()


def _guarded(cell: str) -> str:
    return "'" + cell if _FORMULA.match(cell) else cell
