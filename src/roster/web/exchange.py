"""One request and its answer on a connection: ASGI's two functions, over what the connection has read.

Whole answers go out in one packet. uvicorn's own exchange writes head and body apart, so the client is woken for a head
without a body, and the kernel has twice the work; and it makes half as many objects again for each request.
"""

from asyncio import Future
from typing import TYPE_CHECKING, Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    from roster.web.protocol import Protocol

Headers = list[tuple[bytes, bytes]]

NO_MORE: Final = (b"connection", b"close")
"""Among the headers of every answer: the connection ends with it."""
_LARGEST_UNREAD: Final = 65_536
"""Bytes of a body that nobody has asked for yet, beyond which no more is read."""
_WITHOUT_BODY: Final = (204, 304)
_ALLOWED: Final = bytes(each for each in range(256) if each == 9 or 31 < each != 127)
"""What may stand in a header (RFC 9110, section 5.5), so that nothing ends a line but what is meant to."""
_STATUS_LINE: Final = {status: line.rstrip() for status, line in STATUS_LINE.items()}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_FAILED: Final = b"Internal Server Error"
_GONE: Final = {"type": "http.disconnect"}
_UNKNOWN: Final = -1
"""How much of a body is to come, when that is not said before: it goes in chunks."""

_log = structlog.get_logger("roster.web")


class Exchange:
    """For the connection `run`, `add`, `end` and `tell`; for the application `receive`, and itself as `send`."""

    __slots__ = (
        *("_body", "_connection", "_expects_word", "_head", "_is_read", "_is_started", "_left", "_news", "_waiting"),
        *("is_answered", "keeps", "scope"),
    )

    def __init__(self, connection: "Protocol", scope: dict[str, Any], keeps: bool, expects_word: bool) -> None:
        """`keeps`: whether the client wants the connection to stay; `expects_word`: before it sends the body."""
        self.scope = scope
        self.keeps = keeps
        self.is_answered = False
        self._connection = connection
        self._expects_word = expects_word
        self._body: bytearray | None = None
        self._is_read = False
        self._news = False
        self._waiting: Future[None] | None = None
        self._head: Any = None
        self._is_started = False
        self._left = 0

    async def run(self, application: Any) -> None:
        """Have it answered; whatever happens, the client is not left waiting."""
        try:
            await application(self.scope, self.receive, self)
        except BaseException:  # noqa: BLE001 (the edge: nothing may get past it)
            _log.exception("exchange.failed")
        if not self.is_answered and not self._connection.is_lost:
            await self._fail()

    def add(self, piece: bytes) -> None:
        """More of the body."""
        if self._body is None:
            self._body = bytearray()
        self._body += piece
        if len(self._body) > _LARGEST_UNREAD:
            self._connection.flow.pause_reading()
        self.tell()

    def end(self) -> None:
        """The body is complete."""
        self._is_read = True
        self.tell()

    def tell(self) -> None:
        """There is something to receive: a part of the body, its end, or that the client has left."""
        self._news = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def receive(self) -> dict[str, Any]:
        """ASGI's."""
        connection = self._connection
        if self._expects_word and not connection.transport.is_closing():
            connection.transport.write(_CONTINUE)
            self._expects_word = False
        if not self.is_answered and not connection.is_lost:
            connection.flow.resume_reading()
            if not self._news:
                self._waiting = connection.loop.create_future()
                await self._waiting
            self._news = False
        if self.is_answered or connection.is_lost:
            return _GONE
        body, self._body = self._body, None
        return {"type": "http.request", "body": bytes(body or b""), "more_body": not self._is_read}

    def answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """The whole answer in one step, with its length last; False when that has to wait, so that it has to be sent.

        Raises RuntimeError as when it is sent.
        """
        connection = self._connection
        if connection.flow.write_paused:
            return False
        if not connection.is_lost:
            connection.transport.write(self._begin(status, headers, body, is_last=True))
            self._finish()
        return True

    async def __call__(self, message: Any) -> None:
        """ASGI's `send`. The head is held back until the body comes; who sends that in pieces begins with an empty one.

        Raises RuntimeError for an answer that cannot have been meant.
        """
        if message["type"] == "http.response.start":
            self._head = message
            return
        if self._connection.flow.write_paused and not self._connection.is_lost:
            await self._connection.flow.drain()
        if self._connection.is_lost:
            return
        head, self._head = self._head, None
        body, is_last = message["body"], not message.get("more_body")
        if head is not None:
            body = self._begin(head["status"], head["headers"], body, is_last=is_last)
        elif self.is_answered or not self._is_started:
            raise RuntimeError("There is nothing to be answered.")
        else:
            body = self._piece(body, is_last=is_last)
        self._connection.transport.write(body)
        if is_last:
            self._finish()

    def _begin(self, status: int, headers: Headers, body: bytes, *, is_last: bool) -> bytes:
        """Head and body, or as much of it as there is yet."""
        if self._is_started:
            raise RuntimeError("There is an answer already.")
        always = self._connection.server_state.default_headers
        headers = [*always, *headers]
        if status in _WITHOUT_BODY or self.scope["method"] == "HEAD":
            body = b""
        elif not (is_last and headers and headers[-1][0] == b"content-length"):
            self._left = _length_in(headers)
            if self._left == _UNKNOWN:
                headers.append((b"transfer-encoding", b"chunked"))
            body = self._piece(body, is_last=is_last)
        if NO_MORE in always:
            self.keeps = False
        elif not self.keeps:
            headers.append(NO_MORE)
        head = _encoded(status, headers)
        self._is_started, self._expects_word = True, False
        return head + body

    def _piece(self, body: bytes, *, is_last: bool) -> bytes:
        if self._left == _UNKNOWN:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk + b"0\r\n\r\n" if is_last else chunk
        if self.scope["method"] == "HEAD":
            return b""
        self._left -= len(body)
        if self._left < 0 or (is_last and self._left):
            raise RuntimeError("The answer has another length than it says.")
        return body

    def _finish(self) -> None:
        self.is_answered = True
        if self._waiting is not None:
            self.tell()
        if not self.keeps:
            self._connection.transport.close()

    async def _fail(self) -> None:
        """Say so, or, if something has been said already, leave it unfinished, which clients notice."""
        if self._is_started:
            self._connection.transport.close()
            return
        self.keeps = False
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_FAILED))]
        await self({"type": "http.response.start", "status": 500, "headers": headers})
        await self({"type": "http.response.body", "body": _FAILED})


def _length_in(headers: Headers) -> int:
    return next((int(value) for name, value in headers if name == b"content-length"), _UNKNOWN)


def _encoded(status: int, headers: Headers) -> bytes:
    """The head as it goes on the wire. Raises RuntimeError for headers that could not have been meant."""
    head = b"\r\n".join([_STATUS_LINE[status], *map(b": ".join, headers), b"", b""])
    if head.translate(None, _ALLOWED) != b"\r\n" * (len(headers) + 2):
        raise RuntimeError("Invalid HTTP header.")
    return head
