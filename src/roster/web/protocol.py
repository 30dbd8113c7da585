"""uvicorn's HTTP/1.1, with whole answers in one packet, and its websockets, slimmed.

It writes head and body apart, so the client is woken for a head without a body, and the kernel has twice the work.
"""

import math
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.handshake import H11Handshake

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import WebSocketReceiveEvent

NO_MORE: Final = (b"connection", b"close")
"""Among the headers of every answer: the connection ends with it."""
GOING: Final = "websocket.going"
"""What the application receives, behind all that was asked before, when the server is about to end the connection."""
_LAST_WORDS: Final = 1.0
"""Seconds in which a client of a server that stops can agree to the end of its websocket."""
_FIRST_WORDS: Final = 0.5
"""Seconds that whoever has just connected has for a first request when the server stops: it is on its way already."""
_WITHOUT_BODY = (204, 304)
_ALLOWED = bytes(each for each in range(256) if each == 9 or 31 < each != 127)
"""What may stand in a header (RFC 9110, section 5.5), so that nothing ends a line but what is meant to."""
LONGEST_HOST: Final = 261
"""A name (RFC 1035, 2.3.4), a colon and a port."""
_NOTHING_MORE = b"content-length: 0\r\nconnection: close\r\n\r\n"
"""The rest of an answer that has no body, and is the last one."""
_LARGEST_HEAD = 65_536
"""Bytes of which neither a request nor a piece of its body is made: they are kept until one is."""


class Protocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`. One timer looks after the whole connection, not one after each answer.

    What uvicorn leaves to proxies is bounded here: a head in size, and the time in which it must come.
    """

    _quiet_since: float | None = None
    """When the last answer was sent, or a head has begun; None while there is something to answer."""
    _loose = 0
    """Bytes that have come since anything was made of them."""
    _unsent: float = math.inf
    """Bytes of answers that still had to be sent at the last look."""
    _answered: RequestResponseCycle | None = None
    """What is answered now, or was last; `cycle` is what was asked last."""

    def connection_made(self, transport: "asyncio.Transport") -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._quiet_since = self.loop.time()
        self._look_after(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_looking()
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()

    def data_received(self, data: bytes) -> None:
        self._loose += len(data)
        super().data_received(data)
        if self._loose:
            self._await_the_rest(len(data))

    def on_headers_complete(self) -> None:
        self._loose = 0
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:  # pyright: ignore[reportUnnecessaryComparison]
            self.headers = _NOT_TAKEN

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        super().on_body(body)

    def shutdown(self) -> None:
        if self.cycle is None:  # pyright: ignore[reportUnnecessaryComparison]  (before the first request)
            self.loop.call_later(_FIRST_WORDS, super().shutdown)
        else:
            super().shutdown()

    def handle_websocket_upgrade(self) -> None:
        self._stop_looking()
        if any(len(value) > LONGEST_HOST for name, value in self.headers if name == b"host"):
            self._refuse(400)  # wsproto would decode it, which takes time with the square of the length
        else:
            super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
                return
        self._quiet_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close what was quiet for so long; whoever is answered just now is looked after again once that is done.

        Who takes an answer slowly may, but not who takes none of it.
        """
        self.timeout_keep_alive_task = None
        if self._quiet_since is None:
            return
        left = self._quiet_since + self.timeout_keep_alive - self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if left > 0:
            self._look_after(left)
        elif not unsent:
            super().timeout_keep_alive_handler()
        elif unsent < self._unsent:
            self._unsent = unsent
            self._look_after(self.timeout_keep_alive)
        else:
            self.transport.abort()

    def _await_the_rest(self, size: int) -> None:
        """Of a head, or of what ends a body; it has begun if no more than these bytes have come of it."""
        if self.transport.is_closing():
            return
        if self._loose > _LARGEST_HEAD:
            self._refuse(431)
        elif self._loose == size and self._quiet_since is not None:
            self._quiet_since = self.loop.time()

    def _refuse(self, status: int) -> None:
        """Who is being answered just now is only hung up on: nothing can be said in the middle of an answer."""
        if self._answered is None or self._answered.response_complete:
            self.transport.write(STATUS_LINE[status] + _NOTHING_MORE)
        self.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        """That something comes is not enough: what is quiet is told by `_quiet_since`."""

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _stop_looking(self) -> None:
        super()._unset_keepalive_if_required()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = _Cycle  # uvicorn makes it itself, and asks nobody of what kind
        self._answered, self._quiet_since, self._unsent = cycle, None, math.inf
        super()._start_asgi_task(cycle, app)


class _Cycle(RequestResponseCycle):
    """Holds a head back until the body comes: whoever sends a body in pieces begins with an empty one."""

    _head: Any = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if not message.get("more_body") and not self.flow.write_paused and _says_length(head):
                self._finish(self._whole(head, message["body"]))
                return
            await super().send(head)
        await super().send(message)

    def _whole(self, message: Any, body: bytes) -> bytes:
        """The answer as it goes on the wire. Raises RuntimeError for headers that could not have been meant."""
        headers = [*self.default_headers, *message["headers"]]
        if NO_MORE in self.default_headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append(NO_MORE)
        parts = [STATUS_LINE[message["status"]]]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        head = b"".join(parts)
        if head.translate(None, _ALLOWED) != b"\r\n" * (len(headers) + 1):
            raise RuntimeError("Invalid HTTP header.")
        return head + b"\r\n" + (b"" if self.scope["method"] == "HEAD" else body)

    def _finish(self, answer: bytes) -> None:
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(answer)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class _NotTaken(list[tuple[bytes, bytes]]):
    """What comes behind a body in pieces (RFC 9112, section 7.1.2): proxies check headers, and seldom these."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        pass


_NOT_TAKEN: Final = _NotTaken()


def _says_length(message: Any) -> bool:
    name, _ = message["headers"][-1]
    return name == b"content-length" or message["status"] in _WITHOUT_BODY


class WebSocketProtocol(WSProtocol):
    """For `uvicorn.Config(ws=…)`: lets go of the handshake once it is done, a tenth of what an open websocket takes.

    What is being answered when the server stops is answered before the websocket ends.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if NO_MORE in self.default_headers:
            self.default_headers = [each for each in self.default_headers if each != NO_MORE]

    def shutdown(self) -> None:
        self.close_timeout = _LAST_WORDS
        if not self.handshake_complete or self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait(cast("WebSocketReceiveEvent", {"type": GOING}))

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except UnicodeError:  # wsproto reads the name of the host
            if self.handshake_complete:
                raise
            self.transport.write(STATUS_LINE[400] + _NOTHING_MORE)
            self.transport.close()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.conn.connection is not None:
            self.conn.handshake = cast("H11Handshake", _DONE)


class _Done:
    """A handshake from which nothing more comes."""

    def events(self) -> tuple[()]:
        return ()


_DONE = _Done()
