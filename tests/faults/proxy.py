"""A line between a server and its database that can be made slow, silent, or cut at a chosen moment."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal
from urllib.parse import parse_qs, urlsplit

_COMMIT = b"COMMIT;\0"
"""How the driver says it: one message of its own."""

Moment = Literal["before", "after"]


class Proxy:
    """Every connection made through `url` goes to the database of `target`, message by message.

    `delay` are seconds that each answer takes longer.
    """

    def __init__(self, target: str) -> None:
        self.delay = 0.0
        self._target = target
        self._passing = asyncio.Event()
        self._passing.set()
        self._cut: tuple[Moment, bytes] | None = None
        self._port = 0
        self._lines: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What the server is told."""
        found = urlsplit(self._target)
        return f"postgresql://{found.username}@127.0.0.1:{self._port}{found.path}"

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing passes as long as the block lasts; connections stay."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    def cut_commit(self, moment: Moment, about: bytes) -> None:
        """Cut the connection of the next COMMIT before the database gets it, or after it has answered.

        Of one on whose connection this has been sent from now on: a server also commits what it does by itself.
        """
        self._cut = (moment, about)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Proxy"]:
        """It passes on as long as the block lasts."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for each in self._lines:
                each.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._lines.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        where = {name: values[0] for name, values in parse_qs(urlsplit(self._target).query).items()}
        below, above = await asyncio.open_unix_connection(f"{where['host']}/.s.PGSQL.{where['port']}")
        commits = asyncio.Event()
        pumps = [
            asyncio.create_task(self._ask(reader, above, commits)),
            asyncio.create_task(self._answer(below, writer, commits)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in pumps:
                each.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.transport.abort()
            above.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, above: asyncio.StreamWriter, commits: asyncio.Event) -> None:
        is_meant = False
        while data := await reader.read(65536):
            await self._passing.wait()
            is_meant = is_meant or (self._cut is not None and self._cut[1] in data)
            if is_meant and self._cut is not None and _COMMIT in data:
                moment, self._cut = self._cut[0], None
                if moment == "before":
                    return
                commits.set()
            above.write(data)
            await above.drain()

    async def _answer(self, below: asyncio.StreamReader, writer: asyncio.StreamWriter, commits: asyncio.Event) -> None:
        while data := await below.read(65536):
            if commits.is_set():
                return
            await self._passing.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()
