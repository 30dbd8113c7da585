"""A bounded pool of threads with a bounded queue, for work that burns CPU outside the event loop."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from roster.kit import hugepages
from roster.kit.errors import Unavailable

T = TypeVar("T")

_LOW_PRIORITY = 10
_MEMORY = 20 << 20
"""Bytes that work takes at once: a password hash."""


class Workers:
    """Runs functions on at most `threads` threads; beyond `queue` waiting ones the caller is turned away at once.

    An unbounded queue is how latency reaches tens of seconds; a refused caller can come back.
    The threads yield to the event loop (`nice`), so that cheap requests stay quick while every core hashes.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._limit = threads + queue
        self._threads = threads
        self._busy = 0
        self._pool = ThreadPoolExecutor(threads, "roster-worker", initializer=_prepare)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """The result of `work(*arguments)`. Raises Unavailable when the queue is full."""
        if self._busy >= self._limit:
            raise Unavailable(retry_after=1 + self._busy // (self._threads * 10))
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._busy -= 1

    @property
    def waiting(self) -> int:
        """Calls that have not finished."""
        return self._busy

    def close(self) -> None:
        """Let running work finish, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    hugepages.prefer(_MEMORY)
    _yield_to_the_loop()


def _yield_to_the_loop() -> None:
    """Linux gives each thread a priority of its own; elsewhere this would slow the whole process and is left out."""
    if os.uname().sysname == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOW_PRIORITY)
