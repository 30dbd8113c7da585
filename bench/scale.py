"""`python -m bench.scale [--people N] [--sign-ins 0.2] …`: what a directory of this size takes.

The costs are those of docs/performance.md and of `python -m bench.footprint`; docs/scale.md names the source of each
and tells what follows. What is not measured is an assumption: the defaults of `Load`.
"""

import argparse
import heapq
import random
from collections.abc import Mapping, Sequence

import msgspec

DAY, HOUR = 86_400.0, 3_600.0


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Of one request. `calm` are bytes of log without page images, `fresh` right after a checkpoint."""

    server_us: float
    database_us: float
    calm: float = 0
    fresh: float = 0
    transactions: int = 0
    """That change something, so that each takes a transaction number."""
    trail: int = 0
    """Entries of the audit trail, each with an event in the outbox."""


COSTS: Mapping[str, Cost] = {
    "sign-in": Cost(server_us=20_175, database_us=1_069, calm=2_882, fresh=14_504, transactions=3, trail=1),
    "failed sign-in": Cost(server_us=20_175, database_us=1_069, calm=1_587, fresh=4_485, transactions=2, trail=1),
    "refresh": Cost(server_us=228, database_us=152, calm=845, fresh=10_794, transactions=1),
    "session check": Cost(server_us=69, database_us=23),
    "GET one user": Cost(server_us=72, database_us=25),
    "list of 25": Cost(server_us=283, database_us=120),
    "create": Cost(server_us=333, database_us=555, calm=4_822, fresh=40_100, transactions=1, trail=1),
    "change": Cost(server_us=376, database_us=484, calm=1_412, fresh=10_523, transactions=1, trail=1),
    "noted use": Cost(server_us=0, database_us=50, calm=198, fresh=796),
}
"""The lines of docs/scale.md. A failed sign-in costs the same hash; of a change, CPU is that of a name's."""

PERSON, ASSIGNMENT, PASSWORD, SESSION, ENTRY, EVENT = 3_034, 495, 479, 565, 374, 273
"""Bytes of each with its indexes."""
CONNECTION, WORKER = 8_200_000, 141_000_000
"""Bytes that a connection of the database and a process of the server take for themselves."""

HASH = COSTS["sign-in"].server_us / 1e6
"""Seconds of a core for each sign-in."""
MARKS = 16_384
"""`roster.storage.voids`."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What people do, per person of the directory and day, active or not; all of it assumed."""

    people: float
    sign_ins: float = 0.2
    failures: float = 0.02
    refreshes: float = 0.6
    checks: float = 10
    reads: float = 9
    lists: float = 1
    creates: float = 0.001
    changes: float = 0.02
    noted: float = 3
    """Minutes in which a session was used, which is noted once for each."""
    ends: float = 0.1
    """Sign-outs, and whatever else ends what servers remember."""
    sign_in_peak: float = 0.25
    """Share of a day's sign-ins in its busiest hour."""
    peak: float = 0.15
    """The same of everything else."""
    busy: float = 0.6
    """How busy cores may be in that hour."""
    active: float = 0.3
    """Share of the people whose rows are asked for within a few days."""
    trail_days: float = 730
    session_days: float = 44
    outbox_days: float = 7
    pool: int = 8


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes; rates and cores are of the busiest hour, bytes are without copies."""

    sign_ins: float
    requests: float
    hash_cores: float
    server_cores: float
    database_cores: float
    read_cores: float
    """Of the database's, those that a replica could lend."""
    workers: int
    connections: int
    log_calm: float
    log_fresh: float
    log_day: float
    transactions_day: float
    notices: float
    """Commits a second that say to all workers that something is void."""
    remembered: float
    """Seconds until that hits one of the marks that remembering relies on, be it for somebody else."""
    directory: float
    sessions: float
    trail: float
    outbox: float
    hot: float
    server_memory: float
    connection_memory: float


def size(load: Load) -> Size:
    """Of one load."""
    daily, busiest = _daily(load), _busiest(load)
    hashing = {name: rate for name, rate in busiest.items() if "sign-in" in name}
    plain = {name: rate for name, rate in busiest.items() if name not in hashing}
    reading = {name: rate for name, rate in busiest.items() if COSTS[name].transactions == 0 and name != "noted use"}
    hash_cores, server_cores = _cores(hashing, load.busy), _cores(plain, load.busy)
    workers = max(1, round(server_cores + 0.5))
    connections = workers * (load.pool + 1)
    entries = sum(rate * COSTS[name].trail for name, rate in daily.items())
    sessions = load.people * load.sign_ins * load.session_days * SESSION
    directory = load.people * (PERSON + ASSIGNMENT + PASSWORD)
    return Size(
        sign_ins=busiest["sign-in"],
        requests=sum(busiest.values()) - busiest["noted use"],
        hash_cores=hash_cores,
        server_cores=server_cores,
        database_cores=_cores(busiest, load.busy, of_database=True),
        read_cores=_cores(reading, load.busy, of_database=True),
        workers=workers,
        connections=connections,
        log_calm=sum(rate * COSTS[name].calm for name, rate in busiest.items()),
        log_fresh=sum(rate * COSTS[name].fresh for name, rate in busiest.items()),
        log_day=sum(rate * COSTS[name].fresh for name, rate in daily.items()),
        transactions_day=sum(rate * COSTS[name].transactions for name, rate in daily.items()) + load.people * load.ends,
        notices=load.people * load.ends * load.peak / HOUR,
        remembered=MARKS / (load.people * load.ends * load.peak / HOUR),
        directory=directory,
        sessions=sessions,
        trail=entries * load.trail_days * ENTRY,
        outbox=entries * load.outbox_days * EVENT,
        hot=load.active * (directory + sessions),
        server_memory=workers * WORKER,
        connection_memory=connections * CONNECTION,
    )


def _daily(load: Load) -> dict[str, float]:
    per_person = {
        "sign-in": load.sign_ins,
        "failed sign-in": load.failures,
        "refresh": load.refreshes,
        "session check": load.checks,
        "GET one user": load.reads,
        "list of 25": load.lists,
        "create": load.creates,
        "change": load.changes,
        "noted use": load.noted,
    }
    return {name: load.people * rate for name, rate in per_person.items()}


def _busiest(load: Load) -> dict[str, float]:
    """Per second, in the busiest hour."""
    return {
        name: rate * (load.sign_in_peak if "sign-in" in name else load.peak) / HOUR
        for name, rate in _daily(load).items()
    }


def _cores(rates: Mapping[str, float], busy: float, *, of_database: bool = False) -> float:
    costs = {name: COSTS[name].database_us if of_database else COSTS[name].server_us for name in rates}
    return sum(rate * costs[name] for name, rate in rates.items()) / 1e6 / busy


class Waited(msgspec.Struct, frozen=True):
    """How sign-ins fared at one server: seconds until the answer, and the share that was turned away."""

    median: float
    p99: float
    refused: float


def wait(
    cores: int, load: float, *, queue: int = 64, each: float = HASH, count: int = 100_000, burst: int = 1
) -> Waited:
    """Sign-ins that come by chance, `burst` at a time, to `cores` that hash, with at most `queue` waiting.

    `load` is what comes over what the cores can do. No formula gives the tail of a bounded queue with bursts.
    """
    chance = random.Random(7)
    rate = load * cores / each / burst
    free = [0.0] * cores
    starts: list[float] = []
    """Of those who wait or are at work, when their hash begins; a heap."""
    took: list[float] = []
    now, refused = 0.0, 0
    for number in range(count):
        if number % burst == 0:
            now += chance.expovariate(rate)
        while starts and starts[0] <= now:
            heapq.heappop(starts)
        if len(starts) >= queue and free[0] > now:
            refused += 1
            continue
        begin = max(now, free[0])
        heapq.heapreplace(free, begin + each)
        heapq.heappush(starts, begin)
        took.append(begin + each - now)
    took.sort()
    return Waited(took[len(took) // 2], took[len(took) * 99 // 100], refused / count)


def everybody_again(load: Load, hash_cores: float) -> float:
    """Seconds until all active people have signed in again, whose sessions were ended at one moment."""
    return load.people * load.active * COSTS["sign-in"].server_us / 1e6 / hash_cores


def show(sizes: Sequence[tuple[Load, Size]]) -> str:
    """The table of docs/scale.md."""
    heads = " | ".join(f"{_short(load.people)} people" for load, _ in sizes)
    lines = [f"| | {heads} |", "| --- |" + " ---: |" * len(sizes)]
    for title, field, scale, unit in _ROWS:
        figures = " | ".join(_figure(getattr(made, field) / scale, unit) for _, made in sizes)
        lines.append(f"| {title} | {figures} |")
    again = " | ".join(_figure(everybody_again(load, made.hash_cores) / 60, " min") for load, made in sizes)
    return "\n".join([*lines, f"| everybody active signs in again, on these hash cores | {again} |"])


_ROWS = (
    ("sign-ins in the busiest hour", "sign_ins", 1, "/s"),
    ("requests in it", "requests", 1, "/s"),
    ("cores for hashes", "hash_cores", 1, ""),
    ("cores for the other requests", "server_cores", 1, ""),
    ("cores of PostgreSQL", "database_cores", 1, ""),
    ("of them for reads only", "read_cores", 1, ""),
    ("workers, one for each core but those that hash", "workers", 1, ""),
    ("connections", "connections", 1, ""),
    ("memory of the workers", "server_memory", 1e9, " GB"),
    ("memory of the connections", "connection_memory", 1e9, " GB"),
    ("what should lie in memory", "hot", 1e9, " GB"),
    ("log, long after a checkpoint", "log_calm", 1e6, " MB/s"),
    ("log, right after one", "log_fresh", 1e6, " MB/s"),
    ("log, a day at most", "log_day", 1e12, " TB"),
    ("transaction numbers a day", "transactions_day", 1e6, " million"),
    ("commits that notify", "notices", 1, "/s"),
    ("life of what is remembered, at least", "remembered", 1, " s"),
    ("people, roles, passwords on disk", "directory", 1e9, " GB"),
    ("sessions on disk", "sessions", 1e9, " GB"),
    ("audit trail on disk", "trail", 1e12, " TB"),
    ("outbox on disk", "outbox", 1e9, " GB"),
)


def _short(people: float) -> str:
    return f"{people / 1e6:,g} million"


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 10 else 1 if value >= 1 else 2
    return f"{value:,.{digits}f}{unit}"


def _waits() -> str:
    lines = ["| Hash cores of a server | Load | median | p99 | turned away |", "| ---: | ---: | ---: | ---: | ---: |"]
    for cores, burst in ((2, 1), (8, 1), (8, 50), (32, 1)):
        for load in (0.6, 0.8, 0.95, 1.2, 2.0):
            waited = wait(cores, load, burst=burst)
            lines.append(
                f"| {cores}{f', {burst} at a time' if burst > 1 else ''} | {load:.0%} | {waited.median * 1000:.0f} ms"
                f" | {waited.p99 * 1000:.0f} ms | {waited.refused:.1%} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the tables, of the loads that docs/scale.md compares or of one's own."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="What a directory takes.")
    for name in Load.__struct_fields__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int if name == "pool" else float)
    said = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    sizes = [said["people"]] if "people" in said else [1e7, 1e8, 1e9]
    loads = [msgspec.convert({**said, "people": people}, Load) for people in sizes]
    print(show([(load, size(load)) for load in loads]))
    print()
    print(_waits())


if __name__ == "__main__":
    main()
