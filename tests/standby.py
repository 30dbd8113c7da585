"""Real replicas for tests: a copy of a running database that streams from it, to be paused, stopped and promoted."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from roster.storage import account, embedded, postmaster
from roster.storage.replicas import Replica
from roster.storage.runtime import Runtime
from tests import processes

QUICK = {"fsync": "off", "autovacuum": "off"}


class Standby(embedded.Embedded):
    """One that stands beside another database of this machine."""

    @classmethod
    def of(cls, primary: embedded.Embedded, data: Path, **settings: str) -> "Standby":
        """A copy that has begun to follow."""
        made = cls(data, overrides=QUICK | settings)
        made._copy(primary)
        made.start()
        return made

    def _copy(self, primary: embedded.Embedded) -> None:
        self._account = account.account_for(self.folder)
        self.folder.mkdir(mode=0o700)
        if self._account is not None:
            self._account.admit(self.data)
            self._account.own(self.folder)
        found = postmaster.find(primary.folder)
        assert found is not None
        whence = ["--host", str(found.socket_folder), "--username", "postgres"]
        how = ["--checkpoint", "fast", "--write-recovery-conf", "--no-sync"]
        self._run("pg_basebackup", *whence, *how, "--pgdata", str(self.folder))

    def beside(self, dsn: str) -> str:
        """The same database and role here."""
        name = dsn.partition("?")[0].rpartition("/")[2]
        return self.dsn_for("roster", name)

    async def ask(self, statement: str) -> Any:
        """A value, as the superuser."""
        connection = await asyncpg.connect(self.dsn_for("postgres", "postgres"))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def pause(self) -> None:
        """What is written from now on does not show here; when this returns, nothing does any more."""
        await self.ask("SELECT pg_wal_replay_pause()")
        async with asyncio.timeout(processes.PATIENCE):
            while await self.ask("SELECT pg_get_wal_replay_pause_state()") != "paused":
                await asyncio.sleep(0.01)

    async def go_on(self) -> None:
        """Catch up."""
        await self.ask("SELECT pg_wal_replay_resume()")

    async def caught_up(self, dsn: str) -> None:
        """When this returns it has all that was written so far at this primary."""
        connection = await asyncpg.connect(dsn)
        place = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        await connection.close()
        async with asyncio.timeout(processes.PATIENCE):
            while not await self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{place}'"):
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """What is written within the block does not show here."""
        await self.pause()
        try:
            yield
        finally:
            await self.go_on()

    async def promote(self) -> None:
        """Become a primary, with a history of its own."""
        assert await self.ask("SELECT pg_promote()")

    def kill(self) -> None:
        """At once, with all its processes."""
        self._each(signal.SIGKILL)

    def freeze(self) -> None:
        """It neither answers nor closes anything, as behind a broken line."""
        self._each(signal.SIGSTOP)

    def thaw(self) -> None:
        """Afterwards."""
        self._each(signal.SIGCONT)

    def _each(self, number: signal.Signals) -> None:
        found = self._postmaster()
        assert found is not None
        above = psutil.Process(found.pid)
        for each in (above, *above.children()):
            os.kill(each.pid, number)
        if number == signal.SIGKILL:
            processes.until(lambda: not postmaster.exists(found.pid))


@contextmanager
def following(primary: embedded.Embedded, **settings: str) -> Iterator[Standby]:
    """A replica for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name:
        standby = Standby.of(primary, Path(name), **settings)
        try:
            yield standby
        finally:
            standby.stop()


async def until(runtime: Runtime, is_so: Callable[[Replica], bool]) -> None:
    """Until this is so of each replica, as the runtime knows it."""
    async with asyncio.timeout(processes.PATIENCE):
        while not all(map(is_so, runtime.replicas)):
            await asyncio.sleep(0.01)


async def until_usable(runtime: Runtime) -> None:
    """Until lists are read from each."""
    await until(runtime, lambda each: each.is_usable)
