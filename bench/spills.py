"""Queries that spilled to disk: PostgreSQL notes every temporary file in its log, and every statement that took long.

A prepared statement's file is noted when it is done with, without its name; it is the last long one of that process.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

from bench.report import Line
from roster.storage.embedded import Embedded

_SETTINGS: Final = "log_temp_files = 0\nlog_min_duration_sample = 10ms\nlog_statement_sample_rate = 1\n"
"""Sorting more than `work_mem` holds takes longer than ten milliseconds; hardly anything else does."""
_SHOWN: Final = 200
_ENTRY: Final = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\w+):  (.*(?:\n\t.*)*)", re.MULTILINE)
_FILE: Final = re.compile(r"temporary file: path .*, size (\d+)$")
_LONG: Final = re.compile(r"duration: \S+ ms  (?:statement|execute [^:]*): (.*)", re.DOTALL)


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
        if _SETTINGS not in settings.read_text():
            with settings.open("a") as conf:
                conf.write("\n" + _SETTINGS)
        log = Embedded(data).log
        self._logs[log] = log.stat().st_size

    def found(self) -> list[Spill]:
        """Since then, the largest first."""
        spilled: dict[str, int] = {}
        for log, begin in self._logs.items():
            for each in noted(_since(log, begin)):
                spilled[each.statement] = spilled.get(each.statement, 0) + each.bytes
        return sorted((Spill(*each) for each in spilled.items()), key=lambda each: -each.bytes)

    def line(self) -> Line:
        """No statement of a run may spill; the note names those that did."""
        found = self.found()
        named = "; ".join(f"{each.bytes / 1e6:.1f} MB: {each.statement[:_SHOWN]}" for each in found)
        return Line(name="statements that spilled to disk, all parts", figure=len(found), unit="", most=0, note=named)


def noted(log: str) -> list[Spill]:
    """The temporary files that a log tells of."""
    spills: list[Spill] = []
    last: dict[str, str] = {}
    before = ("", "")
    for process, kind, text in _ENTRY.findall(log):
        if long := _LONG.match(text):
            last[process] = _on_one_line(long[1])
        elif file := _FILE.match(text):
            spills.append(Spill(last.get(process, "nobody knows which"), int(file[1])))
        elif kind == "STATEMENT" and before[0] == process and _FILE.match(before[1]):
            spills[-1] = msgspec.structs.replace(spills[-1], statement=_on_one_line(text))
        before = process, text
    return spills


def _on_one_line(statement: str) -> str:
    return " ".join(statement.split())


def _since(log: Path, begin: int) -> str:
    """A log that has become shorter was begun anew, and the old one kept."""
    written = log.read_bytes()
    if len(written) < begin:
        written = log.with_suffix(".log.1").read_bytes() + written
    return written[begin:].decode(errors="replace")
