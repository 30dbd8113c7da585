"""From windows to lines of the table: a request for itself, and over another one."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from bench import trial
from bench.report import Line
from bench.trial import Window


class Reading(NamedTuple):
    """What of a window is compared, and how it is called."""

    name: str
    of: Callable[[Window], float]


SERVER: Final = Reading("server CPU", attrgetter("server_us"))
DATABASE: Final = Reading("CPU of PostgreSQL", attrgetter("database_us"))
BOTH: Final = Reading("CPU", attrgetter("both_us"))


def per_core(name: str, windows: Sequence[Window], *, least: float | None = None) -> Line:
    """How many of them one core does in a second, counting server and PostgreSQL."""
    found = trial.spread([1e6 / each.both_us for each in windows])
    costs = {"": trial.cost(windows)}
    return Line(
        name=f"{name}, per core", figure=found.median, unit="/s", low=found.least, high=found.greatest, least=least,
        costs=costs,
    )  # fmt: skip


def over(
    name: str,
    subject: Sequence[Window],
    reference: Sequence[Window],
    *,
    called: str,
    by: Reading = BOTH,
    most: float | None = None,
    note: str = "",
) -> Line:
    """The CPU of one side over the other's, round by round; `called` is what the other side is."""
    found = trial.ratios([by.of(each) for each in subject], [by.of(each) for each in reference])
    return Line(
        name=f"{name}: {by.name}, over {called}'s",
        figure=found.median,
        low=found.least,
        high=found.greatest,
        most=most,
        costs={"": trial.cost(subject), called: trial.cost(reference)},
        note=note,
    )


def slow_over(name: str, subject: Sequence[Window], reference: Sequence[Window], *, called: str, most: float) -> Line:
    """The p95 of one side's requests over the other's."""
    taken = [trial.percentile(trial.latencies(windows), 0.95) for windows in (subject, reference)]
    each = trial.ratios([_p95(window) for window in subject], [_p95(window) for window in reference])
    return Line(
        name=f"{name}: p95, over {called}'s",
        figure=taken[0] / taken[1],
        low=each.least,
        high=each.greatest,
        most=most,
        costs={"": trial.cost(subject), called: trial.cost(reference)},
        note=f"p95 {taken[0] * 1e3:.1f} and {taken[1] * 1e3:.1f} ms",
    )


def _p95(window: Window) -> float:
    return trial.percentile(window.outcome.latencies, 0.95)
