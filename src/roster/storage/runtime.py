"""What a running server has: settings, connections, keys and workers. Built once by the composition root."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from roster.kit.actor import NOTHING, Actor, Kind
from roster.kit.ids import RealmId
from roster.kit.secrets import Keyring
from roster.kit.workers import Workers
from roster.settings import Settings
from roster.storage.pool import Pool
from roster.storage.tx import Tx

NOBODY = Actor(Kind.ANONYMOUS, RealmId(UUID(int=0)), "", grants=NOTHING)
"""Acts before the front door has found out who asks; belongs to no realm, so it sees nothing."""


class Runtime:
    """Functions that hash or call out take this and open short units of work themselves."""

    def __init__(self, settings: Settings, pool: Pool, keyring: Keyring, workers: Workers) -> None:
        self.settings = settings
        self.pool = pool
        self.keyring = keyring
        self.workers = workers
        self.memo: dict[object, object] = {}

    @classmethod
    def open(cls, settings: Settings, dsn: str) -> "Runtime":
        """What the settings ask for; connections are opened when first used."""
        threads = settings.security.hash_threads or max(1, (os.cpu_count() or 1) // settings.server.workers)
        return cls(
            settings,
            Pool(dsn, settings.database.pool_size),
            Keyring(settings.security.secret_key),
            Workers(threads, settings.security.hash_queue),
        )

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Tx]:
        """A connection for the time of one request, before it is known who acts."""
        connection = await self.pool.lease()
        try:
            yield Tx(self, connection, NOBODY)
        finally:
            self.pool.release(connection)

    @asynccontextmanager
    async def read(self, actor: Actor) -> AsyncIterator[Tx]:
        """Reads on behalf of the actor, each statement on its own."""
        async with self.lease() as tx:
            tx.actor = actor
            yield tx

    @asynccontextmanager
    async def write(self, actor: Actor) -> AsyncIterator[Tx]:
        """One transaction on behalf of the actor; committed when the block ends."""
        async with self.lease() as tx:
            tx.actor = actor
            async with tx.transaction():
                yield tx

    async def ping(self) -> None:
        """Returns when the database answers. Raises Unavailable."""
        async with self.lease() as tx:
            await tx.value("SELECT 1")

    async def close(self) -> None:
        """Stop hashing, close connections."""
        self.workers.close()
        await self.pool.close()
