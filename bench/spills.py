"""Queries that spilled to disk: PostgreSQL notes every temporary file in its log, with the statement that made it."""

import re
from pathlib import Path

import msgspec

from bench.report import Line
from roster.storage.embedded import Embedded

_SETTING = "log_temp_files = 0"
_SHOWN = 200
_NOTED = re.compile(
    r"temporary file: path \"[^\"]*\", size (?P<bytes>\d+)\n(?:[^\n\t]*STATEMENT:  (?P<statement>.*(?:\n\t.*)*))?"
)


class Spill(msgspec.Struct, frozen=True):
    """A statement, and the bytes of all its temporary files."""

    statement: str
    bytes: int


class Watch:
    """Over the databases of a run."""

    def __init__(self) -> None:
        self._logs: dict[Path, int] = {}

    def over(self, data: Path) -> None:
        """Have the database of this data folder note them, from its next start on."""
        settings = Embedded(data).folder / "postgresql.conf"
        if _SETTING not in settings.read_text():
            with settings.open("a") as conf:
                conf.write(f"\n{_SETTING}\n")
        log = Embedded(data).log
        self._logs[log] = log.stat().st_size

    def found(self) -> list[Spill]:
        """Since then, the largest first."""
        spilled: dict[str, int] = {}
        for log, begin in self._logs.items():
            for statement, size in noted(_since(log, begin)):
                spilled[statement] = spilled.get(statement, 0) + size
        return sorted((Spill(*each) for each in spilled.items()), key=lambda each: -each.bytes)

    def line(self) -> Line:
        """No statement of a run may spill; the note names those that did."""
        found = self.found()
        named = "; ".join(f"{each.bytes / 1e6:.1f} MB: {each.statement[:_SHOWN]}" for each in found)
        return Line(name="statements that spilled to disk, all parts", figure=len(found), unit="", most=0, note=named)


def noted(log: str) -> list[tuple[str, int]]:
    """Statement and size of each temporary file that a log tells of."""
    return [
        (" ".join((each["statement"] or "a process without a statement").split()), int(each["bytes"]))
        for each in _NOTED.finditer(log)
    ]


def _since(log: Path, begin: int) -> str:
    """A log that has become shorter was begun anew."""
    written = log.read_bytes()
    return written[begin if begin <= len(written) else 0 :].decode(errors="replace")
