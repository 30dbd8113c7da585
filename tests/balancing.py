"""A balancer for tests: HTTP/1.1 with kept connections on both sides, active health checks, nothing repeated.

A request that was handed to a server is never handed to another one, whatever comes of it: then it is `lost`, and its
client gets 502. Only a server that cannot be connected to is passed over.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHECK_EVERY = 0.05
_HEAD = 65_536
_CHECK = b"GET /health/ready HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade: *websocket", re.IGNORECASE)
_NOWHERE = b"HTTP/1.1 %d Lost\r\nContent-Length: 0\r\n\r\n"
_BROKEN = (OSError, asyncio.IncompleteReadError)


class Wire:
    """One connection, either way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """Up to and with the empty line."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def give(self, data: bytes) -> None:
        """Send it, at the pace of the other side."""
        self.writer.write(data)
        await self.writer.drain()

    async def pass_on(self, head: bytes, to: "Wire", *, has_body: bool = True) -> None:
        """The body that belongs to this head, as it comes."""
        if not has_body:
            return
        if _CHUNKED.search(head):
            size = b""
            while size.strip() != b"0":
                size = await self.reader.readuntil(b"\r\n")
                await to.give(size + await self.reader.readexactly(int(size, 16) + 2))
        elif length := _LENGTH.search(head):
            await to.give(await self.reader.readexactly(int(length[1])))

    async def pour(self, to: "Wire") -> None:
        """Everything that comes, to the end."""
        with suppress(OSError):
            while data := await self.reader.read(_HEAD):
                await to.give(data)
        to.close()

    @property
    def is_over(self) -> bool:
        """Whether the other side has ended it, as far as it is known here."""
        return self.reader.at_eof() or self.writer.is_closing()

    def close(self) -> None:
        """End it."""
        self.writer.close()


class Upstream:
    """One server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_up = False
        self.idle: deque[Wire] = deque()

    async def connected(self) -> Wire:
        """A connection that was kept, the newest first, or a new one. Raises OSError."""
        while self.idle:
            kept = self.idle.pop()
            if not kept.is_over:
                return kept
            kept.close()
        return await self.anew()

    async def anew(self) -> Wire:
        """A new connection. Raises OSError."""
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port, limit=_HEAD))

    async def check(self) -> None:
        """Whether it says that it is ready; one answer is enough either way."""
        try:
            asked = await self.anew()
        except OSError:
            self.is_up = False
            return
        try:
            await asked.give(_CHECK)
            self.is_up = (await asked.head()).startswith(b"HTTP/1.1 200 ")
        except _BROKEN:
            self.is_up = False
        finally:
            asked.close()

    def close(self) -> None:
        """End the connections that were kept."""
        for each in self.idle:
            each.close()


class Balancer:
    """Hands requests to servers in turn."""

    def __init__(self, *ports: int) -> None:
        self.upstreams = [Upstream(port) for port in ports]
        self.lost: list[bytes] = []
        self.url = ""
        self.port = 0
        self._turn = 0
        self._checked = asyncio.Condition()
        self._clients: set[Wire] = set()

    async def until(self, index: int, *, up: bool) -> None:
        """Until it takes this server for one that is up, or down."""
        async with asyncio.timeout(60), self._checked:
            await self._checked.wait_for(lambda: self.upstreams[index].is_up is up)

    async def replace(self, index: int, port: int) -> None:
        """Another process, at another port, is this server now; returns when it is up."""
        self.upstreams[index].close()
        self.upstreams[index] = Upstream(port)
        await self.until(index, up=True)

    async def check(self) -> None:
        """For ever."""
        while True:
            await asyncio.gather(*(each.check() for each in self.upstreams))
            async with self._checked:
                self._checked.notify_all()
            await asyncio.sleep(_CHECK_EVERY)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, request after request."""
        client = Wire(reader, writer)
        self._clients.add(client)
        try:
            while await self._one(client):
                pass
        except _BROKEN:
            pass  # the client has gone
        finally:
            self._clients.discard(client)
            client.close()

    def close(self) -> None:
        """End all connections."""
        for each in (*self._clients, *self.upstreams):
            each.close()

    async def _one(self, client: Wire) -> bool:
        """A request and its answer; whether another may follow."""
        head = await client.head()
        found = await self._choose()
        if found is None:
            return await self._lose(client, head, 503)
        upstream, server = found
        try:
            may_follow = await self._answer(client, head, server)
        except BaseException:
            server.close()
            raise
        if not server.is_over:
            upstream.idle.append(server)
        return may_follow

    async def _answer(self, client: Wire, head: bytes, server: Wire) -> bool:
        """Ask the server, which is closed when it is of no more use; whether the client may go on."""
        try:
            await server.give(head)
            await client.pass_on(head, server)
            answer = await server.head()
        except _BROKEN:
            server.close()
            return await self._lose(client, head, 502)
        await client.give(_LAST.sub(b"\r\nx-last: yes", answer))
        if _UPGRADE.search(head):
            await asyncio.gather(client.pour(server), server.pour(client))
            return False
        try:
            await server.pass_on(answer, client, has_body=_has_body(head, answer))
        except asyncio.IncompleteReadError:
            self.lost.append(head)
            raise
        if _LAST.search(answer):
            server.close()
        return not _LAST.search(head)

    async def _choose(self) -> tuple[Upstream, Wire] | None:
        """The next server that is up and can be connected to."""
        for _ in range(len(self.upstreams)):
            self._turn += 1
            upstream = self.upstreams[self._turn % len(self.upstreams)]
            if upstream.is_up:
                with suppress(OSError):
                    return upstream, await upstream.connected()
                upstream.is_up = False
        return None

    async def _lose(self, client: Wire, head: bytes, status: int) -> bool:
        self.lost.append(head)
        await client.give(_NOWHERE % status)
        return False


def _has_body(head: bytes, answer: bytes) -> bool:
    return not head.startswith(b"HEAD ") and answer[9:12] not in (b"204", b"304", b"101")


@asynccontextmanager
async def balancing(*ports: int) -> AsyncIterator[Balancer]:
    """A balancer in front of the servers at these ports, all of which are up."""
    made = Balancer(*ports)
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=_HEAD)
    made.port = listening.sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{made.port}"
    checking = asyncio.create_task(made.check())
    try:
        for index in range(len(ports)):
            await made.until(index, up=True)
        yield made
    finally:
        checking.cancel()
        listening.close()
        made.close()
        await asyncio.gather(checking, return_exceptions=True)
