"""The lines of the table: how they are judged, printed and written down."""

import os
import platform
import subprocess
from datetime import date
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.trial import Spread
from roster.storage import postmaster

OUT = Path(__file__).with_name("out")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with its bar. `most` or `least` is the bar; without either it is told and not judged."""

    name: str
    figure: float
    unit: str = "x"
    most: float | None = None
    least: float | None = None
    low: float | None = None
    high: float | None = None
    detail: str = ""

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


def ratio(name: str, found: Spread, *, most: float | None = None, least: float | None = None, detail: str = "") -> Line:
    """A line whose figure is the median of ratios."""
    return Line(
        name=name, figure=found.median, low=found.least, high=found.greatest, most=most, least=least, detail=detail
    )


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    conditions: dict[str, str]
    lines: list[Line]

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
    for line in report.lines:
        style = "red" if line.verdict == "MISSED" else ""
        table.add_row(line.name, line.shown, line.bar, line.verdict, line.range, line.detail, style=style)
    Console(width=None if os.isatty(1) else 180).print(table)


def write(report: Report) -> Path:
    """As JSON; the path of the file."""
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / f"{'quick' if report.conditions['run'].startswith('quick') else 'full'}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return file


def markdown(report: Report) -> str:
    """The table for the documents."""
    rows = [
        f"| {line.name} | {line.shown} | {line.bar} | {line.verdict} | {line.range} | {line.detail} |"
        for line in report.lines
    ]
    said = "\n".join(f"- {name}: {value}" for name, value in report.conditions.items())
    head = "| What | Figure | Bar | Verdict | Rounds | Detail |\n| --- | ---: | ---: | --- | --- | --- |\n"
    return f"{said}\n\n{head}" + "\n".join(rows) + "\n"


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
