"""uvicorn's HTTP/1.1, with the head of an answer and its body in one packet, and its websockets, slimmed.

It writes head and body apart, so the client is woken for a head without a body, and the kernel has twice the work.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.handshake import H11Handshake

if TYPE_CHECKING:
    from uvicorn._types import WebSocketReceiveEvent


class Protocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _Joining(transport, self.loop)))


class _Joining:
    """A transport that holds a head back until the body comes, at most until the loop turns to something else."""

    __slots__ = ("_head", "_loop", "_transport", "_write")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._write = transport.write
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._write(head + data)
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            self.write(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


NO_MORE: Final = (b"connection", b"close")
"""Among the headers of every answer: the connection ends with it."""
GOING: Final = "websocket.going"
"""What the application receives, behind all that was asked before, when the server is about to end the connection."""
_LAST_WORDS: Final = 1.0
"""Seconds in which a client of a server that stops can agree to the end of its websocket."""


class WebSocketProtocol(WSProtocol):
    """For `uvicorn.Config(ws=…)`: lets go of the handshake once it is done, a tenth of what an open websocket takes.

    What is being answered when the server stops is answered before the websocket ends.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.default_headers = [each for each in self.default_headers if each != NO_MORE]

    def shutdown(self) -> None:
        self.close_timeout = _LAST_WORDS
        if not self.handshake_complete or self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait(cast("WebSocketReceiveEvent", {"type": GOING}))

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.conn.connection is not None:
            self.conn.handshake = cast("H11Handshake", _DONE)


class _Done:
    """A handshake from which nothing more comes."""

    def events(self) -> tuple[()]:
        return ()


_DONE = _Done()
