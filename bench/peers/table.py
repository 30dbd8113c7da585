"""What a run has found: compared, printed, written down as JSON and as docs/peers.md."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench import report, trial
from bench.trial import Spread, Window

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
OURS = "Roster"
_WORK = ("What", "Who", "CPU over Roster's", "Rounds", "Per core", "Server", "PostgreSQL", "p50", "p99", "Rate")


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One product at one task: CPU for each request in microseconds, times in seconds, requests a second."""

    server: float
    database: float
    p50: float
    p99: float
    rate: float
    over_ours: Spread

    @property
    def per_core(self) -> float:
        """Requests for each second of CPU, PostgreSQL's included."""
        return 1e6 / (self.server + self.database)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One task, by product; `failed` says what went wrong with which."""

    title: str
    sides: dict[str, Side]
    failed: dict[str, str] = {}


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure that is no request's, by product; less is better."""

    title: str
    unit: str
    found: dict[str, Spread]
    detail: dict[str, str] = {}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    conditions: dict[str, str]
    work: list[Comparison]
    figures: list[Figure]


def compare(title: str, windows: Mapping[str, Sequence[Window]], failed: dict[str, str]) -> Comparison:
    """Each product's rounds with Roster's of the same turns."""
    ours = [each.both_us for each in windows[OURS]]
    sides = {name: _side(mine, trial.ratios([each.both_us for each in mine], ours)) for name, mine in windows.items()}
    return Comparison(title=title, sides=sides, failed=failed)


def _side(windows: Sequence[Window], over_ours: Spread) -> Side:
    taken = trial.latencies(windows)
    return Side(
        server=statistics.median(each.server_us for each in windows),
        database=statistics.median(each.database_us for each in windows),
        p50=trial.percentile(taken, 0.5),
        p99=trial.percentile(taken, 0.99),
        rate=statistics.median(each.rate for each in windows),
        over_ours=over_ours,
    )


def losses(found: Found) -> list[str]:
    """Where somebody else takes less than Roster."""
    work = [
        f"{task.title}: {name} takes {side.over_ours.median:.2f} x of Roster's CPU"
        for task in found.work
        for name, side in task.sides.items()
        if side.over_ours.median < 1
    ]
    figures = [
        f"{figure.title}: {name} has {value.median / figure.found[OURS].median:.2f} x of Roster's"
        for figure in found.figures
        for name, value in figure.found.items()
        if value.median < figure.found[OURS].median
    ]
    return [*work, *figures]


def show(found: Found) -> None:
    """Print both tables."""
    title = "\n".join(f"{name}: {value}" for name, value in found.conditions.items())
    console = Console(width=None if Console().is_terminal else 180)
    console.print(title)
    for headings, rows in ((_WORK, _work(found)), (_headings(found), _figures(found))):
        table = Table(*headings)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print("Where Roster loses:", *(losses(found) or ["nowhere"]), sep="\n  ")


def write(found: Found) -> Path:
    """As JSON; the path of the file."""
    report.OUT.mkdir(parents=True, exist_ok=True)
    file = report.OUT / "peers.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    return file


def markdown(found: Found) -> str:
    """Conditions, both tables and where Roster loses, for the document."""
    said = _listed([f"{name}: {value}" for name, value in found.conditions.items()])
    tables = f"{_rows(_WORK, _work(found))}\n{_rows(_headings(found), _figures(found))}"
    return f"{said}\n{tables}\n## Where Roster loses\n\n{_listed(losses(found) or ['nowhere in this run'])}"


def _listed(points: Sequence[str]) -> str:
    return "".join(f"- {point}\n" for point in points)


def _rows(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _work(found: Found) -> list[list[str]]:
    rows: list[list[str]] = []
    for task in found.work:
        rows += [[task.title, name, *_told(side, name)] for name, side in task.sides.items()]
        rows += [[task.title, name, f"failed: {why}", *[""] * 7] for name, why in task.failed.items()]
    return rows


def _told(side: Side, name: str) -> list[str]:
    over = side.over_ours
    compared = ["", ""] if name == OURS else [f"{over.median:.2f} x", f"{over.least:.2f} to {over.greatest:.2f}"]
    return [
        *compared,
        f"{side.per_core:,.0f} /s",
        f"{side.server:,.0f} µs",
        f"{side.database:,.0f} µs",
        f"{side.p50 * 1e3:,.1f} ms",
        f"{side.p99 * 1e3:,.1f} ms",
        f"{side.rate:,.0f} /s",
    ]


def _headings(found: Found) -> list[str]:
    names = _names(found)
    return ["What", *names, *(f"{name} over {OURS}" for name in names if name != OURS)]


def _figures(found: Found) -> list[list[str]]:
    return [[figure.title, *_cells(figure, _names(found))] for figure in found.figures]


def _cells(figure: Figure, names: Sequence[str]) -> list[str]:
    cells = [_cell(figure, name) for name in names]
    ours = figure.found[OURS].median
    others = [figure.found.get(name) for name in names if name != OURS]
    return [*cells, *("" if each is None else f"{each.median / ours:.1f} x" for each in others)]


def _cell(figure: Figure, name: str) -> str:
    if name not in figure.found:
        return ""
    value = figure.found[name]
    spread = "" if value.least == value.greatest else f"{_number(value.least)} to {_number(value.greatest)}"
    more = "; ".join(part for part in (spread, figure.detail.get(name, "")) if part)
    return f"{_number(value.median)} {figure.unit}" + (f" ({more})" if more else "")


def _names(found: Found) -> list[str]:
    return list(dict.fromkeys(name for figure in found.figures for name in figure.found))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
