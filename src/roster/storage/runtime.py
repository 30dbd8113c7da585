"""What a running server has: settings, connections, keys and workers. Built once by the composition root."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

from roster.kit.actor import NOTHING, Actor, Kind
from roster.kit.ids import RealmId
from roster.kit.secrets import Keyring
from roster.kit.workers import Workers
from roster.settings import Settings
from roster.storage.pool import Pool
from roster.storage.replicas import Replicas
from roster.storage.tx import Tx
from roster.storage.voids import Voids

NOBODY = Actor(Kind.ANONYMOUS, RealmId(UUID(int=0)), "", grants=NOTHING)
"""Acts before the front door has found out who asks; belongs to no realm, so it sees nothing."""


class Runtime:
    """Functions that hash or call out take this and open short units of work themselves."""

    def __init__(self, settings: Settings, pool: Pool, keyring: Keyring, workers: Workers) -> None:
        self.settings = settings
        self.pool = pool
        self.keyring = keyring
        self.workers = workers
        self.voids = pool.voids
        self.replicas = Replicas(settings.database)
        self.memo: dict[object, Any] = {}
        self.unready = ""
        """Why nobody should be sent here any more; empty as long as there is no reason."""

    @classmethod
    def open(cls, settings: Settings, dsn: str) -> "Runtime":
        """What the settings ask for; connections are opened when first used."""
        threads = settings.security.hash_threads or max(1, (os.cpu_count() or 1) // settings.server.workers)
        given = settings.database
        return cls(
            settings,
            Pool(
                dsn,
                given.pool_size,
                wait_for=given.wait_seconds,
                longest=given.answer_seconds,
                voids=Voids(settings.data),
            ),
            Keyring(settings.security.secret_key),
            Workers(threads, settings.security.hash_queue),
        )

    def lease(self) -> AbstractAsyncContextManager[Tx]:
        """A connection for the time of one request, before it is known who acts."""
        return _Lease(self, NOBODY)

    def lent(self) -> "Lent | None":
        """The same at once, if a connection is idle: for what every request does."""
        connection = self.pool.take()
        return None if connection is None else Lent(self, connection, NOBODY)

    async def lend(self) -> "Lent":
        """The same when there is one. Raises Unavailable when none can be had in time."""
        return Lent(self, await self.pool.lease(), NOBODY)

    def read(self, actor: Actor) -> AbstractAsyncContextManager[Tx]:
        """Reads on behalf of the actor, each statement on its own."""
        return _Lease(self, actor)

    @asynccontextmanager
    async def write(self, actor: Actor) -> AsyncIterator[Tx]:
        """One transaction on behalf of the actor; committed when the block ends."""
        async with self.read(actor) as tx, tx.transaction():
            yield tx

    def write_once(self, actor: Actor) -> AbstractAsyncContextManager[Tx]:
        """For one statement that changes something: it is atomic by itself, and takes one trip instead of three.

        Only where the commit has to be noted it needs a transaction too (`replicas.py`). For what does no harm when it
        is done again: nobody is told when the connection was lost while it was being stored.
        """
        return self.write(actor) if self.replicas else self.read(actor)

    async def ping(self) -> None:
        """Returns when the database answers. Raises Unavailable."""
        async with self.lease() as tx:
            await tx.value("SELECT 1")

    async def close(self) -> None:
        """Stop hashing, close connections."""
        self.workers.close()
        self.replicas.close()
        await self.pool.close()


class _Lease(AbstractAsyncContextManager[Tx]):
    """A connection for a block; no generator, because every request enters one."""

    __slots__ = ("_actor", "_connection", "_runtime")

    def __init__(self, runtime: Runtime, actor: Actor) -> None:
        self._runtime = runtime
        self._actor = actor

    async def __aenter__(self) -> Tx:
        pool = self._runtime.pool
        self._connection = pool.take() or await pool.lease()
        return Tx(self._runtime, self._connection, self._actor)

    async def __aexit__(self, *_: object) -> None:
        self._runtime.pool.release(self._connection)


class Lent(Tx):
    """On a connection that has been leased already, so that nobody has to wait at either end of the block."""

    __slots__ = ()

    def __enter__(self) -> Tx:
        return self

    def __exit__(self, *_: object) -> None:
        self.runtime.pool.release(self._connection)
