"""Replicas of the database: lists are read from one that is near enough, and has all that whoever asks has written.

A commit notes who wrote, in the same message and the same transaction (`Tx.transaction`, migration 0046). Before a list
is read from a replica the primary is asked for the last note of whoever asks. It has been told of every write that was
ever acknowledged, by whichever worker or server, so neither memory nor clocks need to agree. A replica has a
transaction when its own snapshot says that it, and all before it, are over.

Whoever asks, and what they may, is read before, and from the primary; here are rows only.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from roster.kit.errors import RosterError, TooMany, Unavailable
from roster.kit.filters import InvalidFilter
from roster.settings import Database
from roster.storage.pool import NO_CONNECTION, Connection, Pool
from roster.storage.tx import Tx
from roster.storage.voids import Voids

T = TypeVar("T")

_SAMPLES: Final = 2_000
_LAST_WRITE: Final = (
    "SELECT transaction::text::bigint FROM recent_writes WHERE writer = $1 ORDER BY transaction DESC LIMIT 1"
)
_HORIZON: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint WHERE pg_is_in_recovery()"


class Replica:
    """One of them, as far as this process knows it."""

    def __init__(self, dsn: str, settings: Database) -> None:
        self.dsn = dsn
        self.name = _name_of(dsn)
        self.answered = 0
        """Lists that were read from it."""
        self.behind = 0
        """Lists that were read from the primary, because it lacked what whoever asked had written."""
        self.failed = 0
        """Lists that were read from the primary, because it broke off or could not be asked."""
        self.bytes_behind = 0
        self.trouble = ""
        """Why it was left out at last."""
        self._settings = settings
        self._voids = Voids()
        self._pool = self._new_pool()
        self._fresh_at = -math.inf
        self._sent: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        self._attempts: set[asyncio.Timeout] = set()

    @property
    def seconds_behind(self) -> float:
        """It has everything that was committed so long ago; infinite while it is left out."""
        return Voids.now() - self._fresh_at

    @property
    def is_usable(self) -> bool:
        """Whether lists are read from it."""
        return self.seconds_behind <= self._settings.replica_lag_seconds

    def seen(self, asked: float, sent: int | None, replayed: int) -> None:
        """It has come to `replayed`. At the moment `asked` the primary was at `sent`, unless it did not say."""
        self.trouble = ""
        if sent is not None:
            self._sent.append((asked, sent))
            self.bytes_behind = max(0, sent - replayed)
        while self._sent and self._sent[0][1] <= replayed:
            self._fresh_at, _ = self._sent.popleft()

    def rest(self) -> None:
        """Not to be used until it is seen again."""
        self._fresh_at = -math.inf

    def leave_out(self) -> None:
        """The same, for good or until it is back: who waits for it waits no longer, its connections are given up."""
        self.rest()
        self._sent.clear()
        attempts, self._attempts = self._attempts, set()
        for attempt in attempts:
            attempt.reschedule(0)
        self._pool.abandon()
        self._pool = self._new_pool()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Connection]:
        """A connection, until the replica is left out: then TimeoutError is raised."""
        pool = self._pool
        async with asyncio.timeout(None) as attempt:
            self._attempts.add(attempt)
            try:
                connection = await pool.lease()
                try:
                    yield connection
                finally:
                    pool.release(connection)
            finally:
                self._attempts.discard(attempt)

    def _new_pool(self) -> Pool:
        size, longest = self._settings.pool_size, self._settings.answer_seconds
        return Pool(self.dsn, size, longest=longest, voids=self._voids, only_reads=True)


class Replicas:
    """All of them; usually there are none, and nothing else is done then."""

    def __init__(self, settings: Database) -> None:
        self._all = [Replica(dsn, settings) for dsn in settings.replica_urls]
        self.none_usable = 0
        """Lists that were read from the primary, because no replica was there, or near enough."""

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def choose(self, writer: UUID) -> Replica | None:
        """One that can be used: for the same person the same, so that what they have seen does not go away again."""
        start = writer.int % len(self._all)
        for each in (*self._all[start:], *self._all[:start]):
            if each.is_usable:
                return each
        self.none_usable += 1
        return None

    def close(self) -> None:
        """Give up all connections."""
        for each in self._all:
            each.leave_out()


class Copy(Tx):
    """A unit of work on a replica: it only reads, and what it reads may be remembered by nobody."""

    __slots__ = ()
    is_copy = True


async def read(tx: Tx, work: Callable[[Tx], Awaitable[T]]) -> T:
    """What `work` reads, of a replica where that makes no difference to whoever asks, else of the primary.

    `work` only asks for rows that may be a little old, and may be done twice: whatever goes wrong at a replica, the
    primary is asked instead. In a transaction it reads what that has written.
    """
    replicas = tx.runtime.replicas
    if not replicas or tx.is_copy or not tx.is_single:
        return await work(tx)
    writer = tx.actor.writer
    replica = None if writer is None else replicas.choose(writer)
    if replica is None:
        return await work(tx)
    last = await tx.value(_LAST_WRITE, writer)
    try:
        async with replica.lease() as connection:
            if last is None or await _has(connection, last):
                found = await work(Copy(tx.runtime, connection, tx.actor))
                replica.answered += 1
                return found
        replica.behind += 1
    except (InvalidFilter, TooMany):
        raise
    except (RosterError, *NO_CONNECTION) as error:
        replica.failed += 1
        if not isinstance(error, RosterError) or isinstance(error, Unavailable):
            replica.rest()
    return await work(tx)


async def _has(connection: Connection, transaction: int) -> bool:
    """Whether all is there that this transaction, and those before it, have written."""
    if transaction >= connection.horizon:
        rows, _ = await connection.ask(_HORIZON, ())
        connection.horizon = rows[0][0] if rows else 0
    return transaction < connection.horizon


def _name_of(dsn: str) -> str:
    """Host and port, without names and passwords."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return host or parse_qs(parts.query).get("host", ["?"])[0]
