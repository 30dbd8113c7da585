"""A websocket client for tests, on the same library that the server uses."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)

PATIENCE = 30


class WebSocket:
    """An open websocket. What comes in is read when it is asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: WSConnection) -> None:
        self._reader, self._writer, self._connection = reader, writer, connection

    async def say(self, message: object) -> None:
        """Send JSON, or a text as it is."""
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        self._writer.write(self._connection.send(TextMessage(text)))
        await self._writer.drain()

    async def hear(self) -> Any:
        """The next message; a close as (code, reason)."""
        text = ""
        async with asyncio.timeout(PATIENCE):
            async for event in self._events():
                if isinstance(event, CloseConnection):
                    return int(event.code), event.reason or ""
                assert isinstance(event, (TextMessage, BytesMessage)), event
                text += str(event.data)
                if event.message_finished:
                    return msgspec.json.decode(text)
        raise AssertionError("the connection ended")

    async def close(self) -> None:
        """Go away without a word."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            for event in self._connection.events():
                if isinstance(event, Ping):
                    self._writer.write(self._connection.send(event.response()))
                else:
                    yield event
            data = await self._reader.read(65536)
            self._connection.receive_data(data or None)

    async def opened(self) -> int:
        """101 once it is open, or the status it was refused with."""
        async with asyncio.timeout(PATIENCE):
            async for event in self._events():
                if isinstance(event, AcceptConnection):
                    return 101
                assert isinstance(event, RejectConnection), event
                return event.status_code
        raise AssertionError("the connection ended")


async def connect(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[WebSocket, int]:
    """A websocket, and 101 when it is open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = WSConnection(ConnectionType.CLIENT)
    extra = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    writer.write(connection.send(Request(host=f"127.0.0.1:{port}", target=path, extra_headers=extra)))
    socket = WebSocket(reader, writer, connection)
    return socket, await socket.opened()
