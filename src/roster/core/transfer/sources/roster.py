"""Our own form: NDJSON, one person a line, as an export writes it."""

from collections.abc import Iterable, Iterator

import msgspec

from roster.core.transfer.sources.lines import Lines
from roster.core.transfer.sources.person import DEEPEST, LONGEST, Person, Read, checked, refused, unstorable
from roster.kit.errors import Problem

_DECODER = msgspec.json.Decoder(Person)
_BOM = b"\xef\xbb\xbf"


class RosterSource:
    """Rows are lines, counted from 1; empty ones count but say nothing."""

    def __init__(self, after: int = 0) -> None:
        """Rows up to `after` are counted, not read."""
        self.roles: dict[str, str] = {}
        self._after = after
        self._row = 0
        self._lines = Lines(LONGEST)

    def feed(self, data: bytes) -> Iterator[Read]:
        """See `Source`."""
        return self._rows(self._lines.feed(data))

    def finish(self) -> Iterator[Read]:
        """See `Source`."""
        return self._rows(self._lines.finish())

    def _rows(self, lines: Iterable[bytes | None]) -> Iterator[Read]:
        for line in lines:
            self._row += 1
            if self._row <= self._after:
                continue
            if line is None:
                yield refused(self._row, "", "too_long", f"A row has at most {LONGEST // 1024} KiB.")
                continue
            text = line.strip()
            if text and text != _BOM:
                yield _read(self._row, text.removeprefix(_BOM) if self._row == 1 else text)


def _read(row: int, text: bytes) -> Read:
    def made() -> tuple[Person, tuple[Problem, ...]]:
        return _DECODER.decode(text), ()

    found = checked(row, made)
    if found.person is None or not _suspicious(text):
        return found
    problem = unstorable(msgspec.json.decode(text))
    return found if problem is None else Read(row, None, (problem,))


def _suspicious(text: bytes) -> bool:
    """Cheap signs that a closer look is due: an escaped NUL, or more brackets than depth is allowed."""
    return b"\\u0000" in text or text.count(b"[") + text.count(b"{") > DEEPEST
