"""The lines of the table: how they are judged, printed and written down."""

import itertools
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console
from rich.table import Table

from bench.trial import Cost, Spread
from roster.storage import postmaster

T = TypeVar("T")

OUT = Path(__file__).with_name("out")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with its bar. `most` or `least` is the bar; without either it is told and not judged.

    `costs` are those of a request, by whose they are: the subject's has no name.
    """

    name: str
    figure: float
    unit: str = "x"
    most: float | None = None
    least: float | None = None
    low: float | None = None
    high: float | None = None
    costs: dict[str, Cost] = {}
    note: str = ""

    @property
    def detail(self) -> str:
        """The note, and the costs."""
        told = [f"{whose}: {cost}" if whose else str(cost) for whose, cost in self.costs.items()]
        return "; ".join(filter(None, [self.note, *told]))

    @property
    def verdict(self) -> str:
        """met, MISSED, or nothing when there is no bar."""
        if self.most is not None:
            return "met" if self.figure <= self.most else "MISSED"
        if self.least is not None:
            return "met" if self.figure >= self.least else "MISSED"
        return ""

    @property
    def bar(self) -> str:
        """As in the table."""
        if self.most is not None:
            return f"≤ {_number(self.most, self.unit)}"
        return "" if self.least is None else f"≥ {_number(self.least, self.unit)}"

    @property
    def shown(self) -> str:
        """The figure with its unit."""
        return _number(self.figure, self.unit)

    @property
    def range(self) -> str:
        """From the least to the greatest round."""
        return "" if self.low is None or self.high is None else f"{self.low:.2f} to {self.high:.2f}"


def ratio(name: str, found: Spread, *, most: float | None = None, least: float | None = None, note: str = "") -> Line:
    """A line whose figure is the median of ratios."""
    return Line(name=name, figure=found.median, low=found.least, high=found.greatest, most=most, least=least, note=note)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run: its lines, by the part of the bench that they come from."""

    conditions: dict[str, str]
    parts: dict[str, list[Line]]

    @property
    def lines(self) -> Iterator[Line]:
        """Of all parts."""
        return itertools.chain.from_iterable(self.parts.values())

    @property
    def missed(self) -> list[str]:
        """Names of the lines that did not reach their bar."""
        return [line.name for line in self.lines if line.verdict == "MISSED"]


def conditions(*, quick: bool, people: int) -> dict[str, str]:
    """Under which the figures were found."""
    system = f"{platform.system()} {platform.release()}"
    return {
        "date": date.today().isoformat(),  # noqa: DTZ011 - a day of the person who runs it
        "run": f"{'quick' if quick else 'full'}, {people:,} people",
        "machine": f"{os.cpu_count()} cores, {_processor()}, {_memory_gib():.0f} GiB, {system}",
        "load at the end": f"{os.getloadavg()[1]:.1f} over five minutes",
        "software": f"Python {platform.python_version()}, PostgreSQL {_postgres()}",
    }


def show(report: Report) -> None:
    """Print the table."""
    table = Table(title=", ".join(report.conditions.values()), title_justify="left")
    for heading in ("what", "figure", "bar", "verdict", "rounds", "detail"):
        table.add_column(heading, justify="right" if heading in ("figure", "bar") else "left")
    for lines in report.parts.values():
        for line in lines:
            table.add_row(*cells(line), style="red" if line.verdict == "MISSED" else "")
        table.add_section()
    Console(width=None if os.isatty(1) else 180).print(table)


def cells(line: Line) -> tuple[str, ...]:
    """What, figure, bar, verdict, rounds, detail."""
    return line.name, line.shown, line.bar, line.verdict, line.range, line.detail


def write(report: Report) -> Path:
    """As JSON; the path of the file."""
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / f"{report.conditions['run'].partition(',')[0]}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return file


def read(file: Path) -> Report:
    """What `write` has written."""
    return msgspec.json.decode(file.read_bytes(), type=Report)


def changes(base: Report, made: Report) -> list[str]:
    """What lies outside of everything that both runs found, a line each; with one figure alone, by a tenth and more."""
    before = {line.name: line for line in base.lines}
    return [
        f"{line.name}: {before[line.name].shown} -> {line.shown}"
        for line in made.lines
        if line.name in before and _is_apart(before[line.name], line)
    ]


def _is_apart(before: Line, now: Line) -> bool:
    (low, high), (least, most) = _reach(before), _reach(now)
    return high < least or most < low


def _reach(line: Line) -> tuple[float, float]:
    if line.low is None or line.high is None:
        return line.figure * 0.95, line.figure * 1.05
    return line.low, line.high


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.0f} %"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _postgres() -> str:
    said = subprocess.run([postmaster.binaries() / "postgres", "--version"], check=True, capture_output=True, text=True)
    return said.stdout.split()[-1]


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def step(name: str, work: Callable[[], T]) -> T:
    """What the work gives; its name is told while it goes on, and then how long it took."""
    began = time.monotonic()
    print(f"{name} …", end="", flush=True, file=sys.stderr)
    done = work()
    print(f" {time.monotonic() - began:.0f} s", file=sys.stderr)
    return done
