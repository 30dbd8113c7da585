"""Websockets (RFC 6455), for dialects that have some: the connection as a dialect sees it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from roster.web.body import Receive
from roster.web.protocol import GOING
from roster.web.request import Request
from roster.web.streams import Send

if TYPE_CHECKING:
    from roster.web.dialect import Dialect, Front

RESTART: Final = (1012, "SERVICE_RESTART")
"""Code and reason (registry of RFC 6455, section 11.7) for clients that should come again."""
Talk = Callable[["Socket", "Front"], Awaitable[None]]


class Sockets(msgspec.Struct, frozen=True):
    """What a dialect does with websockets: `talk` holds one to its end, and may ask `dialect` what comes in over it.

    One that it leaves open is closed as "service restart" (1012): clients come again, to another server.
    """

    talk: Talk
    dialect: "Dialect"


class Socket:
    """One websocket. `request` is how it was asked for; it may be let go of to save memory."""

    __slots__ = ("_receive", "_send", "is_open", "request")

    def __init__(self, request: Request, receive: Receive, send: Send) -> None:
        self.request: Request | None = request
        self.is_open = False
        self._receive = receive
        self._send = send

    async def accept(self) -> None:
        """Open it."""
        await self._receive()
        await self._send({"type": "websocket.accept"})
        self.is_open = True

    async def refuse(self) -> None:
        """Answer 403 instead of opening it."""
        await self._receive()
        await self._send({"type": "websocket.close", "code": 1000})

    async def receive(self) -> bytes | None:
        """The next message, text as UTF-8; None when there will be no other, and while it still is open, it is we who
        go: then all that is left to do is to send what was asked for.
        """
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self.is_open = message["type"] == GOING
            return None
        text = message.get("text")
        return message.get("bytes") or b"" if text is None else text.encode("utf-8", "surrogatepass")

    async def send(self, text: bytes) -> None:
        """Send a text message; waits while the client does not take what was sent before. To a closed one: nothing."""
        await self._put({"type": "websocket.send", "text": text.decode()})

    async def close(self, code: int, reason: str) -> None:
        """Close it, saying why (section 7.4)."""
        await self._put({"type": "websocket.close", "code": code, "reason": reason})
        self.is_open = False

    async def _put(self, message: dict[str, Any]) -> None:
        if self.is_open:
            with suppress(OSError, RuntimeError):  # it was closed meanwhile
                await self._send(message)
