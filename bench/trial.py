"""Measuring: one window of load on one server, and subject against reference in turns."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from bench import meter
from bench.load import Job, Outcome
from bench.meter import Usage
from bench.processes import Load, Server


class Window(msgspec.Struct, frozen=True):
    """What one job cost."""

    outcome: Outcome
    usage: Usage

    @property
    def count(self) -> int:
        """Answers."""
        return len(self.outcome.latencies)

    @property
    def server_us(self) -> float:
        """CPU of the server for one request, in microseconds."""
        return self.usage.server / self.count * 1e6

    @property
    def database_us(self) -> float:
        """CPU of PostgreSQL for one request, in microseconds."""
        return self.usage.database / self.count * 1e6

    @property
    def both_us(self) -> float:
        """Together."""
        return self.usage.both / self.count * 1e6

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.outcome.seconds


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one request costs in the middle of the rounds: CPU in microseconds, and how long all of them took."""

    server_us: float
    database_us: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        parts = f"{self.server_us:.0f} + {self.database_us:.0f} µs"
        return f"{parts}, p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"


class Spread(msgspec.Struct, frozen=True):
    """The middle, the least and the greatest of some figures."""

    median: float
    least: float
    greatest: float


def window(load: Load, server: Server, database: int, job: Job) -> Window:
    """Do the job and charge what server and database used meanwhile."""
    before = usage(server, database)
    outcome = load.do(job)
    return Window(outcome, usage(server, database).since(before))


def usage(server: Server, database: int) -> Usage:
    """CPU used so far."""
    return Usage(meter.cpu_of(server.pid), meter.cpu_of(database))


def in_turns(rounds: int, *sides: Callable[[], Window]) -> list[list[Window]]:
    """A B, B A, …: the windows of each side. One round before them is not counted."""
    found: list[list[Window]] = [[] for _ in sides]
    pairs = list(zip(sides, found, strict=True))
    for number in range(rounds + 1):
        for side, windows in pairs if number % 2 else reversed(pairs):
            made = side()
            if number:
                windows.append(made)
    return found


def ratios(subject: Sequence[float], reference: Sequence[float]) -> Spread:
    """Each round's subject over its reference."""
    return spread([each / other for each, other in zip(subject, reference, strict=True)])


def spread(figures: Sequence[float]) -> Spread:
    """Of at least one figure."""
    return Spread(statistics.median(figures), min(figures), max(figures))


def cost(windows: Sequence[Window]) -> Cost:
    """Of one side, over all its rounds."""
    taken = latencies(windows)
    return Cost(
        server_us=statistics.median(each.server_us for each in windows),
        database_us=statistics.median(each.database_us for each in windows),
        p50_ms=percentile(taken, 0.5) * 1e3,
        p99_ms=percentile(taken, 0.99) * 1e3,
    )


def percentile(latencies: Sequence[float], part: float) -> float:
    """In seconds; `part` of them are not slower."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def latencies(windows: Sequence[Window]) -> list[float]:
    """Of all windows together."""
    return [each for one in windows for each in one.outcome.latencies]
