"""What the database tells of changes, and whether a process believes what it remembers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from roster.storage import hearing, pool
from roster.storage.runtime import Runtime
from roster.storage.voids import CHANNEL
from tests import processes


class Told:
    """Names that one connection was told by others."""

    def __init__(self, connection: pool.Connection) -> None:
        self._connection = connection
        self._names: list[str] = []

    def hear(self, _connection: Any, _pid: int, _channel: str, name: str) -> None:
        self._names.append(name)

    async def names(self) -> list[str]:
        """Those since the last time: whatever was committed is heard before the connection answers."""
        await self._connection.fetchval("SELECT 1")
        names, self._names = self._names, []
        return names


@asynccontextmanager
async def told(dsn: str) -> AsyncIterator[Told]:
    """What is told from now on."""
    connection = await pool.connect(dsn)
    found = Told(connection)
    await connection.add_listener(CHANNEL, found.hear)
    try:
        yield found
    finally:
        await connection.close()


@asynccontextmanager
async def listening(runtime: Runtime) -> AsyncIterator[None]:
    """The runtime listens, and by now believes what it remembers; at the end it has stopped."""
    task = asyncio.create_task(hearing.listen(runtime))
    await until_trusted(runtime)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_trusted(runtime: Runtime) -> None:
    """Until the runtime, which somebody lets listen, believes what it remembers."""
    await until(lambda: runtime.voids.are_trusted)


async def until(is_so: Callable[[], bool]) -> None:
    """Until this is so."""
    async with asyncio.timeout(processes.PATIENCE):
        while not is_so():
            await asyncio.sleep(0)
