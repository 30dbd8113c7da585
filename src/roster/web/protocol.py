"""uvicorn's HTTP/1.1 with less work for each request; `exchange.py` is the other half of it. And its websockets."""

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.handshake import H11Handshake

from roster.web.exchange import NO_MORE, Exchange

if TYPE_CHECKING:
    from uvicorn._types import WebSocketReceiveEvent

GOING: Final = "websocket.going"
"""What the application receives, behind all that was asked before, when the server is about to end the connection."""
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}
_LAST_WORDS: Final = 1.0
"""Seconds in which a client of a server that stops can agree to the end of its websocket."""
_FIRST_WORDS: Final = 0.5
"""Seconds that whoever has just connected has for a first request when the server stops: it is on its way already."""
LONGEST_HOST: Final = 261
"""A name (RFC 1035, 2.3.4), a colon and a port."""
_NOTHING_MORE: Final = b"content-length: 0\r\nconnection: close\r\n\r\n"
"""The rest of an answer that has no body, and is the last one."""
_LARGEST_HEAD: Final = 65_536
"""Bytes of which neither a request nor a piece of its body is made: they are kept until one is."""


class Protocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`.

    A connection has one task, which answers all its requests one after another, and one timer that looks after it;
    uvicorn makes a task, an event and a timer for each request. What uvicorn leaves to proxies is bounded here: a head
    in size, and the time in which it must come.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.scope: Any = None
        self.is_lost = False
        self._application = cast("Any", self.config.loaded_app)  # pyright: ignore[reportUnknownMemberType]
        self._asked: deque[Exchange] = deque()
        """What is to be answered; the first of it just now."""
        self._latest: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        """Among the server's as long as there is something to answer."""
        self._coming: asyncio.Future[None] | None = None
        """What the task waits for while nothing is asked."""
        self._is_upgrade = False
        self._quiet_since: float | None = None
        """When the last answer was sent, or a head has begun; None while there is something to answer."""
        self._loose = 0
        """Bytes that have come since anything was made of them."""
        self._unsent: float = math.inf
        """Bytes of answers that still had to be sent at the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        self.is_lost = True
        self.connections.discard(self)
        for exchange in self._asked:
            exchange.tell()
        self.flow.resume_writing()
        self.transport.close()
        self._stop_looking()
        self._go_on()
        self.parser = cast("httptools.HttpRequestParser", None)  # it knows of us, as we know of it

    def shutdown(self) -> None:
        if self._latest is None:  # before the first request
            self.loop.call_later(_FIRST_WORDS, self._leave)
        else:
            self._leave()

    def handle_websocket_upgrade(self) -> None:
        self._stop_looking()
        self._go_on()
        if any(len(value) > LONGEST_HOST for name, value in self.headers if name == b"host"):
            self._refuse(400)  # wsproto would decode it, which takes time with the square of the length
        else:
            super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._loose += len(data)
        super().data_received(data)
        if self._loose:
            self._await_the_rest(len(data))

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        self._loose = 0
        parser = self.parser
        version = parser.get_http_version()
        self.scope = scope = self._scope(version)
        self._is_upgrade = parser.should_upgrade() and self._should_upgrade()
        if self._is_upgrade:
            return
        keeps = version != "1.0" and parser.should_keep_alive()
        self.headers = _NOT_TAKEN
        self._latest = exchange = Exchange(self, scope, keeps, self.expect_100_continue)
        self._asked.append(exchange)
        if len(self._asked) > 1:
            self.flow.pause_reading()
        self._go_on()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        if self._latest is not None and not self._is_upgrade and not self._latest.is_answered:
            self._latest.add(body)

    def on_message_complete(self) -> None:
        if self._latest is not None and not self._is_upgrade and not self._latest.is_answered:
            self._latest.end()

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
        if not self._asked or self._asked[0].is_answered:
            self.transport.write(STATUS_LINE[status] + _NOTHING_MORE)
        self.transport.close()

    def _scope(self, version: str) -> dict[str, Any]:
        """What ASGI says of a request. Raises UnicodeDecodeError for an address that is none."""
        url = self.url
        if url[:1] == b"/" and url.find(b"#") < 0:
            path, _, query = url.partition(b"?")
        else:
            parsed = httptools.parse_url(url)
            path, query = parsed.path, parsed.query or b""
        text = path.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode(),
            "root_path": "",
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "headers": self.headers,
        }

    def _go_on(self) -> None:
        """Have the task look what there is to do."""
        if self._task is None:
            if self._asked:
                self._task = self.loop.create_task(self._answer())
                self.tasks.add(self._task)
        elif self._coming is not None and not self._coming.done():
            self._coming.set_result(None)
            self.tasks.add(self._task)

    async def _answer(self) -> None:
        """Answer what is asked, until the connection ends or becomes a websocket's."""
        task = cast("asyncio.Task[None]", self._task)
        try:
            while not self._is_upgrade and not self.transport.is_closing():
                if self._asked:
                    self._quiet_since, self._unsent = None, math.inf
                    await self._asked[0].run(self._application)
                    self._asked.popleft()
                    self.flow.resume_reading()
                else:
                    self._rest()
                    self.tasks.discard(task)
                    self._coming = self.loop.create_future()
                    await self._coming
        except asyncio.CancelledError:  # between two requests
            self.transport.close()
        finally:
            self.tasks.discard(task)
        if not self._is_upgrade and not self.is_lost:
            self._rest()

    def _rest(self) -> None:
        self._quiet_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def _leave(self) -> None:
        if self._latest is None or self._latest.is_answered:
            self.transport.close()
        else:
            self._latest.keeps = False

    def _unset_keepalive_if_required(self) -> None:
        """That something comes is not enough: what is quiet is told by `_quiet_since`."""

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _stop_looking(self) -> None:
        super()._unset_keepalive_if_required()


class _NotTaken(list[tuple[bytes, bytes]]):
    """What comes behind a body in pieces (RFC 9112, section 7.1.2): proxies check headers, and seldom these."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        pass


_NOT_TAKEN: Final = _NotTaken()


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
