r"""Tables: a header row with the names of the columns, then one person a row.

Columns: id, username, email, email_verified, email_verified_at, phone, phone_verified, phone_verified_at, display_name,
given_name, family_name, locale, personal_number, picture, status, tags, roles, created_at, password, password_hash,
totp, and `attributes.<name>` for custom fields. Comma, semicolon or tab between them, UTF-8 with or without byte order
mark. Several tags or roles are separated by `|`, which `\|` writes inside a name. An empty cell says nothing.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from roster.core.attributes.models import Definition
from roster.core.transfer.errors import MalformedSource
from roster.core.transfer.sources.lines import Lines
from roster.core.transfer.sources.person import LONGEST, Person, Read, checked, refused
from roster.kit.errors import Problem

COLUMNS: Final = frozenset(Person.__struct_fields__) - {"attributes", "facets"}
LISTS: Final = frozenset({"tags", "roles"})
ATTRIBUTE: Final = "attributes."
SEPARATOR: Final = "|"
_BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_FLAGS: Final = frozenset({"email_verified", "phone_verified"})
_NUMBERS: Final = frozenset({"number", "version"})
_UNQUOTED: Final = re.compile(r'"[^"]*"')
_PARTS: Final = re.compile(r"(?:[^|\\]|\\.|\\$)+", re.DOTALL)
_TYPED: Final = frozenset({"integer", "number", "boolean", "list", "any"})
_GUARDED: Final = re.compile(r"'[=@+\-\t\r']")

csv.field_size_limit(LONGEST)


class CsvSource:
    """Rows are records, counted from 1 behind the header; empty ones count but say nothing."""

    def __init__(self, after: int = 0, known: Mapping[str, Definition] | None = None) -> None:
        """`known` custom fields say of what type the cells in their columns are; others are text."""
        self.roles: dict[str, str] = {}
        self._after = after
        self._known = known or {}
        self._row = 0
        self._header: list[str] | None = None
        self._delimiter = ","
        self._lines = Lines(LONGEST)
        self._open: list[str] = []
        self._open_size = 0
        self._is_quoted = False

    def feed(self, data: bytes) -> Iterator[Read]:
        """See `Source`."""
        for line in self._lines.feed(data):
            yield from self._line(line)

    def finish(self) -> Iterator[Read]:
        """See `Source`."""
        for line in self._lines.finish():
            yield from self._line(line)
        yield from self._records()
        if self._header is None:
            raise MalformedSource.because("The file has no header row.")

    def _line(self, line: bytes | None) -> Iterator[Read]:
        """A record may span lines: it ends where the number of quotes so far is even."""
        try:
            text = None if line is None else line.decode()
        except UnicodeDecodeError:
            yield from self._unreadable("not_utf8", "The row is not valid UTF-8.")
            return
        if text is None:
            yield from self._unreadable("too_long", f"A row has at most {LONGEST // 1024} KiB.")
            return
        self._open.append(text)
        self._open_size += len(text)
        self._is_quoted ^= text.count('"') % 2 == 1
        if not self._is_quoted or self._open_size > LONGEST:
            yield from self._records()

    def _records(self) -> Iterator[Read]:
        lines, self._open, self._open_size, self._is_quoted = self._open, [], 0, False
        if self._header is None and lines:
            lines[0] = lines[0].removeprefix("\ufeff")
            self._delimiter = _sniffed(lines[0])
        try:
            for cells in csv.reader(lines, delimiter=self._delimiter):
                yield from self._record(cells)
        except csv.Error:
            yield from self._unreadable("malformed", "The row cannot be read.")

    def _record(self, cells: list[str]) -> Iterator[Read]:
        if self._header is None:
            self._header = _checked_header(cells) if any(cells) else None
            return
        self._row += 1
        if self._row > self._after and any(cells):
            yield self._read(cells, self._header)

    def _read(self, cells: list[str], header: list[str]) -> Read:
        if len(cells) != len(header):
            return refused(self._row, "", "wrong_columns", f"The row has {len(cells)} cells instead of {len(header)}.")
        if any("\0" in cell for cell in cells):
            return refused(self._row, "", "invalid_text", "The row has characters that cannot be stored.")

        def made() -> tuple[Person, tuple[Problem, ...]]:
            return msgspec.convert(self._values(cells, header), Person), ()

        return checked(self._row, made)

    def _values(self, cells: list[str], header: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        attributes: dict[str, object] = {}
        for name, cell in zip(header, cells, strict=True):
            text = cell[1:] if _GUARDED.match(cell) else cell
            if text == "":
                continue
            if name.startswith(ATTRIBUTE):
                attributes[name[len(ATTRIBUTE) :]] = self._attribute(name[len(ATTRIBUTE) :], text)
            else:
                found[name] = _value(name, text)
        if attributes:
            found["attributes"] = attributes
        return found

    def _attribute(self, name: str, text: str) -> object:
        """Cells of fields whose kind is not text are JSON; what is none is left for the check of the kind to refuse."""
        definition = self._known.get(name)
        if definition is None or definition.kind not in _TYPED:
            return text
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return text

    def _unreadable(self, code: str, text: str) -> Iterator[Read]:
        """A record that cannot be read takes the lines with it that it had begun with."""
        if self._header is None:
            raise MalformedSource.because("The header row cannot be read; it must be UTF-8 text of moderate length.")
        self._open, self._open_size, self._is_quoted = [], 0, False
        self._row += 1
        if self._row > self._after:
            yield refused(self._row, "", code, text)


def _sniffed(header: str) -> str:
    bare = _UNQUOTED.sub("", header)
    return max(",;\t", key=bare.count)


def _checked_header(cells: Iterable[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    for name in header:
        if name not in COLUMNS and not (name.startswith(ATTRIBUTE) and name != ATTRIBUTE):
            shown = "".join(sign for sign in name[:60] if sign.isprintable())
            raise MalformedSource.because(f"There is no column {shown!r}; the first row must name the columns.")
    if len(set(header)) < len(header):
        raise MalformedSource.because("The header names a column twice.")
    return header


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return split(text)
    if name in _FLAGS:
        return _BOOLEANS.get(text.strip().lower(), text)
    if name in _NUMBERS:
        return None
    return text


def split(text: str) -> list[str]:
    """The names in a cell that holds several."""
    return [re.sub(r"\\(.)", r"\1", part) for part in _PARTS.findall(text)]


def joined(names: Iterable[str]) -> str:
    """A cell that holds several names."""
    return SEPARATOR.join(re.sub(r"([\\|])", r"\\\1", name) for name in names)
