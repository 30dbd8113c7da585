"""A run: who takes part, and in what order they work."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import msgspec

from bench import meter, trial
from bench.load import Call, Job, Outcome
from bench.meter import Usage
from bench.peers import table, tasks
from bench.peers.peer import HOME, Peer, Place, Task, answers
from bench.peers.table import Comparison, Figure
from bench.processes import Failed, Load, Server
from bench.stage import CONNECTIONS
from bench.trial import Spread, Window

_STEP = 0.005
_PATIENCE = 600.0
_IDLE = 4.0
_QUIET = 125.0
"""Seconds after which what is given back after a minute without work has been."""
_WARMINGS = 6
_STEADY = 0.9


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is done: people in the directory, rounds, starts, imports, and which part of each task's requests."""

    people: int
    rounds: int
    starts: int
    imports: int
    part: float


FULL = Size(people=10_000, rounds=5, starts=3, imports=2, part=1)
QUICK = Size(people=3_000, rounds=3, starts=2, imports=1, part=0.5)


class Entrant(NamedTuple):
    """Somebody who takes part, and where."""

    peer: Peer
    place: Place

    @property
    def name(self) -> str:
        """Of the product."""
        return self.peer.name


class Started(NamedTuple):
    """An entrant whose server runs."""

    entrant: Entrant
    server: Server


class Contest:
    """The entrants, Roster among them."""

    def __init__(self, size: Size, load: Load, entrants: Sequence[Entrant]) -> None:
        self.size = size
        self._load = load
        self._entrants = entrants
        self._next = 0
        self._first: dict[str, Call] = {}

    # -- filling -------------------------------------------------------------------------------------------------------

    def imports(self) -> list[Figure]:
        """Everybody into the realm of the run, then again into others, in turns; the servers have just been started."""
        taken: dict[str, list[tuple[float, float]]] = {each.name: [] for each in self._entrants}
        with self.running() as started:
            for each in started:
                each.entrant.peer.set_up()
            for turn in range(self.size.imports):
                realm = HOME if turn == 0 else f"{HOME}{turn}"
                for each in started if turn % 2 == 0 else reversed(started):
                    taken[each.entrant.name] += self._import(each, realm)
            self._first = {each.entrant.name: each.entrant.peer.first() for each in started}
        title = f"import of {self.size.people:,} people with hashes"
        return [
            _figure(f"{title}: time", "s", {name: [one[0] for one in found] for name, found in taken.items()}),
            _figure(f"{title}: CPU each", "µs", {name: [one[1] for one in found] for name, found in taken.items()}),
        ]

    def _import(self, started: Started, realm: str) -> list[tuple[float, float]]:
        """Seconds, and CPU of server and PostgreSQL for each person in microseconds."""
        before, began = self._usage(started), time.perf_counter()
        if not started.entrant.peer.bring(realm):
            return []
        seconds = time.perf_counter() - began
        return [(seconds, self._usage(started).since(before).both / self.size.people * 1e6)]

    # -- starting ------------------------------------------------------------------------------------------------------

    def starts(self) -> list[Figure]:
        """Each by itself, in turns, and what it holds when nobody has asked for more than one person."""
        seconds: dict[str, list[float]] = {each.name: [] for each in self._entrants}
        cpu: dict[str, list[float]] = {each.name: [] for each in self._entrants}
        held: dict[str, tuple[float, float]] = {}
        for turn in range(self.size.starts):
            for each in self._entrants if turn % 2 == 0 else reversed(self._entrants):
                taken, used, held[each.name] = self._start(each)
                seconds[each.name].append(taken)
                cpu[each.name].append(used)
        return [
            _figure("warm start to the first answer: time", "s", seconds),
            _figure("warm start to the first answer: CPU of the server", "s", cpu),
            *_memory("memory (PSS), idle after a start", held),
        ]

    def _start(self, entrant: Entrant) -> tuple[float, float, tuple[float, float]]:
        """Seconds until the first answer, of them on a core, and what is held a little later."""
        began = time.perf_counter()
        server = entrant.peer.start()
        try:
            _wait(entrant, server, self._first[entrant.name])
            taken, used = time.perf_counter() - began, meter.cpu_of(server.pid)
            time.sleep(_IDLE)
            return taken, used, _held(Started(entrant, server))
        finally:
            _stop(server)

    @contextmanager
    def running(self) -> Iterator[list[Started]]:
        """All at once, until the end of the block."""
        started: list[Started] = []
        try:
            for each in self._entrants:
                server = each.peer.start()
                started.append(Started(each, server))
                _wait(each, server, each.peer.alive())
            yield started
        finally:
            for each in started:
                _stop(each.server)

    # -- working -------------------------------------------------------------------------------------------------------

    def work(self, started: Sequence[Started], task: Task) -> Comparison:
        """Warm everybody up, then round by round in turns. Who fails before is told, and not measured."""
        ready: list[Started] = []
        failed: dict[str, str] = {}
        for each in started:
            try:
                if self._warm_up(each, task):
                    ready.append(each)
            except Failed as error:
                failed[each.entrant.name] = str(error)[:200]
        count = int(task.count * self.size.part)
        sides = [partial(self._counted, each, task, count) for each in ready]
        windows = trial.in_turns(self.size.rounds, *sides)
        names = [each.entrant.name for each in ready]
        return table.compare(task.title, dict(zip(names, windows, strict=True)), failed)

    def memory(self, started: Sequence[Started]) -> list[Figure]:
        """After all the work, and when nobody has asked for anything for a time."""
        figures: list[Figure] = []
        for seconds, title in (_IDLE, "idle after all this"), (_QUIET, "two quiet minutes later"):
            time.sleep(seconds)
            held = {each.entrant.name: _held(each) for each in started}
            figures += _memory(f"memory (PSS), {title}", held)
        return figures

    def agree(self, started: Sequence[Started]) -> None:
        """Raise Failed unless everybody finds the same people."""
        for number in range(20):
            text = started[0].entrant.place.directory.part_of_a_name(number)
            found = {each.entrant.name: each.entrant.peer.found(text) for each in started}
            if len({tuple(names) for names in found.values() if names is not None}) > 1:
                raise Failed(f"They do not find the same for {text!r}: {found}")

    def _warm_up(self, started: Started, task: Task) -> bool:
        """Until it takes no less CPU any more, as Java does for thousands of requests; whether it has any requests."""
        costs: list[float] = []
        while len(costs) < _WARMINGS and not steady(costs):
            made = self._window(started, task, task.warm // 2)
            if made is None:
                return False
            costs.append(made.both_us)
        return True

    def _counted(self, started: Started, task: Task, count: int) -> Window:
        made = self._window(started, task, count)
        if made is None:
            raise Failed(f"{started.entrant.name} has no requests for this any more.")
        return made

    def _window(self, started: Started, task: Task, count: int) -> Window | None:
        peer, numbers = started.entrant.peer, range(self._next, self._next + count)
        self._next += count
        before = peer.prelude(task, numbers)
        windows = [self._done(started, before, task, count)] if before else []
        calls = peer.calls(task, numbers)
        if not calls:
            return None
        return together([*windows, self._done(started, calls, task, count)])

    def _done(self, started: Started, calls: Sequence[Call], task: Task, count: int) -> Window:
        carry = "refresh_token" if task == tasks.REFRESH else None
        peer, place = started.entrant.peer, started.entrant.place
        job = Job(peer.port_of(task), list(calls), CONNECTIONS, count, carry=carry)
        return trial.window(self._load, started.server, place.database.pid, job)

    def _usage(self, started: Started) -> Usage:
        return trial.usage(started.server, started.entrant.place.database.pid)


def steady(costs: Sequence[float]) -> bool:
    """Whether the last of some windows took hardly less CPU than the one before."""
    return len(costs) > 1 and costs[-1] > costs[-2] * _STEADY


def together(windows: Sequence[Window]) -> Window:
    """What takes several requests, as one: they come one after another."""
    first, last = windows[0], windows[-1]
    if first is last:
        return last
    taken = [sum(pair) for pair in zip(first.outcome.latencies, last.outcome.latencies, strict=True)]
    seconds = first.outcome.seconds + last.outcome.seconds
    usage = Usage(first.usage.server + last.usage.server, first.usage.database + last.usage.database)
    return Window(Outcome(seconds, taken, last.outcome.statuses), usage)


def _wait(entrant: Entrant, server: Server, call: Call) -> None:
    """Until the first answer."""
    give_up = time.monotonic() + _PATIENCE
    while not answers(server.port, call):
        if server.process.poll() is not None or time.monotonic() > give_up:
            raise Failed(f"{entrant.name} does not start: {server.log.read_text(errors='replace')[-2000:]}")
        time.sleep(_STEP)


def _stop(server: Server) -> None:
    """Whoever does not stop in time has been killed, and the figures stay."""
    try:
        server.stop()
    except Failed as error:
        print(f" {error}", file=sys.stderr)


def _held(started: Started) -> tuple[float, float]:
    return meter.pss_of(started.server.pid), started.entrant.place.database.held_by(started.entrant.place.owner)


def _figure(title: str, unit: str, found: dict[str, list[float]]) -> Figure:
    return Figure(title=title, unit=unit, found={name: trial.spread(each) for name, each in found.items()})


def _memory(title: str, held: dict[str, tuple[float, float]]) -> list[Figure]:
    """The server, and PostgreSQL's processes that serve it, apart."""
    return [
        Figure(title=f"{title}: server", unit="MB", found={name: _one(each[0]) for name, each in held.items()}),
        Figure(
            title=f"{title}: its connections' PostgreSQL",
            unit="MB",
            found={name: _one(each[1]) for name, each in held.items()},
        ),
    ]


def _one(value: float) -> Spread:
    return Spread(value, value, value)
