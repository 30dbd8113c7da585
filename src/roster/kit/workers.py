"""A bounded pool of threads with a bounded queue, for work that burns CPU outside the event loop."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from roster.kit import hugepages
from roster.kit.errors import Unavailable

T = TypeVar("T")

_LOW_PRIORITY = 10
_MEMORY = 20 << 20
"""Bytes that work takes at once: a password hash."""
_GROUP = 2
"""Outcomes for each thread that are told together."""

_Task = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[object, ...]]


class Workers:
    """Runs functions on at most `threads` threads; beyond `queue` waiting ones the caller is turned away at once.

    An unbounded queue is how latency reaches tens of seconds; a refused caller can come back.
    The threads yield to the event loop (`nice`), so that cheap requests stay quick while every core hashes.
    Python's own pool makes two futures, a lock and a condition for each call, which costs a sign-in 0.1 ms.

    While others wait for a thread, those whose work is done hear of it in small groups, after the time of two calls at
    most. Work like this leaves nothing else in the processor's caches, and what follows it, here and in the database,
    takes half as long again when it is done for each alone.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._limit = threads + queue
        self._most = threads
        self._busy = 0
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._outcomes = _Outcomes(_GROUP * threads)
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """The result of `work(*arguments)`. Raises Unavailable when the queue is full."""
        if self._busy >= self._limit or self._is_closed:
            raise Unavailable(retry_after=1 + self._busy // (self._most * 10))
        self._busy += 1
        try:
            if self._busy > len(self._threads) < self._most:
                self._start()
            done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            self._tasks.put((done, work, arguments))
            return await done
        finally:
            self._busy -= 1

    @property
    def waiting(self) -> int:
        """Calls that have not finished."""
        return self._busy

    def close(self) -> None:
        """Let running work finish, drop what waits."""
        self._is_closed = True
        with suppress(Empty):
            while (task := self._tasks.get_nowait()) is not None:
                _say(task[0], task[0].cancel)
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        name = f"roster-worker_{len(self._threads)}"
        thread = threading.Thread(target=_work, args=(self._tasks, self._outcomes), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


class _Outcomes:
    """What threads have done and nobody has been told yet. All who wait do so in one loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._untold: deque[tuple[asyncio.Future[Any], Callable[[Any], None], object]] = deque()

    def add(self, done: "asyncio.Future[Any]", how: Callable[[Any], None], outcome: object) -> None:
        """Tell it with others, when there are enough."""
        self._untold.append((done, how, outcome))
        if len(self._untold) >= self._most:
            self.tell()

    def tell(self) -> None:
        """Tell all of them."""
        with suppress(IndexError):  # told meanwhile
            _say(self._untold[0][0], self._settle)

    def _settle(self) -> None:
        while self._untold:
            done, how, outcome = self._untold.popleft()
            if not done.done():  # somebody still waits
                how(outcome)


def _work(tasks: "SimpleQueue[_Task | None]", outcomes: _Outcomes) -> None:
    """What a thread does until it is told to end."""
    _prepare()
    while (task := _next(tasks, outcomes)) is not None:
        _carry_out(outcomes, *task)
        del task  # while the thread waits it holds neither secrets nor results
    outcomes.tell()


def _next(tasks: "SimpleQueue[_Task | None]", outcomes: _Outcomes) -> _Task | None:
    """Before a thread waits, nothing is left to tell: who is told may have more to do."""
    try:
        return tasks.get_nowait()
    except Empty:
        outcomes.tell()
        return tasks.get()


def _carry_out(
    outcomes: _Outcomes, done: "asyncio.Future[Any]", work: Callable[..., Any], arguments: tuple[object, ...]
) -> None:
    if done.cancelled():
        return
    try:
        result = work(*arguments)
    except BaseException as error:  # noqa: BLE001 (it is raised again where the result is awaited)
        outcomes.add(done, done.set_exception, error)
    else:
        outcomes.add(done, done.set_result, result)


def _say(done: "asyncio.Future[Any]", how: Callable[[], object]) -> None:
    """Have it done in the loop of whoever waits, unless that has ended meanwhile."""
    with suppress(RuntimeError):
        done.get_loop().call_soon_threadsafe(how)


def _prepare() -> None:
    hugepages.prefer(_MEMORY)
    _yield_to_the_loop()


def _yield_to_the_loop() -> None:
    """Linux gives each thread a priority of its own; elsewhere this would slow the whole process and is left out.

    A server that was started with less priority than this keeps that: nobody may give themselves more.
    """
    if os.uname().sysname == "Linux":
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, max(_LOW_PRIORITY, os.getpriority(os.PRIO_PROCESS, own)))
