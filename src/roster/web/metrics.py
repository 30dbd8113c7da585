"""Counting requests. Plain integers on the hot path, turned into Prometheus families only when somebody asks."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from roster.storage.replicas import Replicas

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration buckets, in seconds."""


class Meter:
    """The counts of one operation of one dialect."""

    __slots__ = ("buckets", "dialect", "hides_path", "operation", "seconds", "statuses")

    def __init__(self, dialect: str, operation: str, *, hides_path: bool = False) -> None:
        self.dialect = dialect
        self.operation = operation
        self.hides_path = hides_path
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def record(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Requests(Collector):
    """All meters as `roster_http_requests_total` and `roster_http_request_seconds`."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self._meters = list(meters)

    def collect(self) -> Iterator[Metric]:
        """Families of the operations that were called at least once."""
        requests = CounterMetricFamily(
            "roster_http_requests", "Answers sent.", labels=("dialect", "operation", "status")
        )
        seconds = HistogramMetricFamily(
            "roster_http_request_seconds", "Time to answer.", labels=("dialect", "operation")
        )
        for meter in self._meters:
            for status, count in meter.statuses.items():
                requests.add_metric((meter.dialect, meter.operation, str(status)), count)
            if meter.statuses:
                seconds.add_metric((meter.dialect, meter.operation), _cumulated(meter.buckets), meter.seconds)
        yield requests
        yield seconds


class Lists(Collector):
    """Where lists are read from, and how far behind each replica is; nothing where there are none."""

    def __init__(self, replicas: "Replicas") -> None:
        self._replicas = replicas

    def collect(self) -> Iterator[Metric]:
        """`roster_replica_…`, for each by host."""
        if not self._replicas:
            return
        usable = GaugeMetricFamily("roster_replica_usable", "Whether lists are read from it.", labels=("replica",))
        seconds = GaugeMetricFamily("roster_replica_lag_seconds", "How old it is at most.", labels=("replica",))
        size = GaugeMetricFamily("roster_replica_lag_bytes", "Log that it lacked when last asked.", labels=("replica",))
        lists = CounterMetricFamily(
            "roster_replica_lists",
            "Lists asked of it: answered, or read from the primary because it was behind or failed.",
            labels=("replica", "outcome"),
        )
        for each in self._replicas:
            usable.add_metric((each.name,), each.is_usable)
            seconds.add_metric((each.name,), each.seconds_behind)
            size.add_metric((each.name,), each.bytes_behind)
            lists.add_metric((each.name, "answered"), each.answered)
            lists.add_metric((each.name, "behind"), each.behind)
            lists.add_metric((each.name, "failed"), each.failed)
        yield from (usable, seconds, size, lists)
        yield CounterMetricFamily(
            "roster_replica_none_usable", "Lists for which no replica could be used.", self._replicas.none_usable
        )


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    rows: list[tuple[str, float]] = []
    for bound, count in zip((*BOUNDS, float("inf")), buckets, strict=True):
        total += count
        rows.append(("+Inf" if bound == float("inf") else str(bound), total))
    return rows
