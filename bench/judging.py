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


def _p95(window: Window) -> float:
    return trial.percentile(window.outcome.latencies, 0.95) * 1e3


SERVER: Final = Reading("server CPU", attrgetter("server_us"))
DATABASE: Final = Reading("CPU of PostgreSQL", attrgetter("database_us"))
BOTH: Final = Reading("CPU", attrgetter("both_us"))
SLOW: Final = Reading("p95", _p95)


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
    """One side over the other, round by round; `called` is what the other side is."""
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
    told = " and ".join(f"{trial.spread([SLOW.of(each) for each in side]).median:.1f}" for side in (subject, reference))
    return over(name, subject, reference, called=called, by=SLOW, most=most, note=f"p95 {told} ms")
