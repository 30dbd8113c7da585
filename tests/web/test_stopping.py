"""Connections when the server stops; uvicorn does the rest."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from roster.web.exchange import NO_MORE
from roster.web.protocol import Protocol

ASK = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def application(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


class Stopping:
    """A server whose loop does not turn to stopping by itself, so that a test can do it step by step."""

    def __init__(self) -> None:
        self.config = uvicorn.Config(application, http=Protocol, lifespan="off", log_config=None)
        self.config.load()
        self.server = uvicorn.Server(self.config)
        self.port = 0

    def made(self) -> Protocol:
        return Protocol(config=self.config, server_state=self.server.server_state, app_state={})

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that the server knows of."""
        known = len(self.server.server_state.connections)
        opened = await asyncio.open_connection("127.0.0.1", self.port)
        while len(self.server.server_state.connections) == known:
            await asyncio.sleep(0)
        return opened

    def stop(self) -> None:
        self.server.server_state.default_headers = [NO_MORE]
        for connection in list(self.server.server_state.connections):
            connection.shutdown()


@pytest.fixture
async def stopping() -> AsyncIterator[Stopping]:
    found = Stopping()
    listening = await asyncio.get_running_loop().create_server(found.made, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    yield found
    listening.close()
    await listening.wait_closed()


async def test_who_has_just_connected_is_answered_once(stopping: Stopping) -> None:
    reader, writer = await stopping.connect()

    stopping.stop()

    writer.write(ASK)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    assert answer.endswith(b"ok")
    writer.close()
    await writer.wait_closed()


async def test_who_has_been_answered_is_let_go(stopping: Stopping) -> None:
    reader, writer = await stopping.connect()
    writer.write(ASK)
    await reader.readuntil(b"ok")

    stopping.stop()

    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_who_has_connected_and_says_nothing_is_let_go_too(stopping: Stopping) -> None:
    reader, writer = await stopping.connect()

    stopping.stop()

    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
