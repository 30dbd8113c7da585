"""NATS servers for tests, and peers on them that are none of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from roster.bus import address
from roster.bus.nats import NatsLink
from roster.bus.server import Credentials
from tests import processes
from tests.servers import Installation


@asynccontextmanager
async def linked(joined: Credentials) -> AsyncIterator[NatsLink]:
    """Our own link, connected."""
    link = NatsLink(lambda: address.read(joined.url), name="test")
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(processes.PATIENCE):
            await link.connected()
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Peer:
    """Somebody else on the bus."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.heard: list[Msg] = []
        self._changed = asyncio.Condition()

    async def ask(self, subject: str, message: object = None, *, raw: bytes | None = None) -> Any:
        """The answer to a request with an inbox of the library's own making."""
        data = msgspec.json.encode({} if message is None else message) if raw is None else raw
        answer = await self.client.request(subject, data, processes.PATIENCE)
        return msgspec.json.decode(answer.data)

    async def listen(self, subject: str, queue: str = "") -> None:
        """Keep what is sent there in `heard`."""
        await self.client.subscribe(subject, queue, cb=self._hear)
        await self.settled()

    async def settled(self) -> None:
        """What was said is with the server: the first ping overtakes what waits to be sent, the second does not."""
        for _ in range(2):
            await self.client.flush()

    async def until_heard(self, count: int) -> list[Any]:
        """What came, once it is so many messages."""
        async with asyncio.timeout(processes.PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.heard) >= count)
        return [msgspec.json.decode(each.data) for each in self.heard]

    async def _hear(self, message: Msg) -> None:
        async with self._changed:
            self.heard.append(message)
            self._changed.notify_all()


@asynccontextmanager
async def peer(joined: Credentials, **options: Any) -> AsyncIterator[Peer]:
    """A client of the library, connected."""
    client = await nats.connect(joined.url, **options)
    try:
        yield Peer(client)
    finally:
        await client.close()


def decoded(message: Msg) -> Any:
    """What a message says."""
    return msgspec.json.decode(message.data)


async def until_telling(installation: Installation) -> None:
    """The cursor is there: from now on everything is told."""
    connection = await asyncpg.connect(installation.url)
    async with asyncio.timeout(processes.PATIENCE):
        while not await connection.fetchval("SELECT count(*) FROM bus_cursors"):
            await asyncio.sleep(0.01)
    await connection.close()
