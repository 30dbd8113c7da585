"""An answer as it goes on the wire: packed from what a handler returned, with the headers every API answer has."""

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter

import msgspec

from roster.web.operation import JSON
from roster.web.reply import Headers, Reply, Stream

RawHeaders = list[tuple[bytes, bytes]]

_ENCODE = msgspec.json.Encoder().encode
_API = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_NO_BODY: RawHeaders = [*_API]
_BASE_NAMES = frozenset({b"content-type", *(name for name, _ in _API)})
_name_of = itemgetter(0)


class Answer:
    """Status, headers, and a body that is complete or a stream; length and request id are added when it is sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: RawHeaders, body: bytes | Stream) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def typed(content_type: str) -> RawHeaders:
    """The headers of an API answer of this type; made once for each operation."""
    return JSON_HEADERS if content_type == JSON else _typed(content_type)


def _typed(content_type: str) -> RawHeaders:
    return [(b"content-type", content_type.encode("latin-1")), *_API]


JSON_HEADERS = _typed(JSON)


def pack(result: object, status: int, headers: RawHeaders = JSON_HEADERS) -> Answer:
    """What a handler returned as an answer; `headers` are those of the operation's own content type."""
    if isinstance(result, Reply):
        return _of_reply(result)
    if isinstance(result, Stream):
        return Answer(result.status, _merged(typed(result.content_type), result.headers), result)
    if result is None:
        return Answer(status, _NO_BODY, b"")
    return Answer(status, headers, _encoded(result, headers))


def _of_reply(reply: Reply) -> Answer:
    if reply.body is None:
        return Answer(reply.status, _merged(_NO_BODY, reply.headers), b"")
    base = typed(reply.content_type)
    return Answer(reply.status, _merged(base, reply.headers), _encoded(reply.body, base))


def _encoded(body: object, headers: RawHeaders) -> bytes:
    """JSON, unless it is bytes already, or text for another content type."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str) and headers is not JSON_HEADERS:
        return body.encode()
    return _ENCODE(body)


def _merged(base: RawHeaders, own: Headers) -> RawHeaders:
    """The reply's own headers replace those of the base; among themselves they may repeat (Set-Cookie)."""
    if not own:
        return base
    raw = [(_wire_name(name), _safe(value)) for name, value in own]
    if _BASE_NAMES.isdisjoint(map(_name_of, raw)):
        return base + raw
    named = {*map(_name_of, raw)}
    return [pair for pair in base if pair[0] not in named] + raw


@lru_cache(256)
def _wire_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


def _safe(value: str) -> bytes:
    """Header text: anything that could end the line is cut out (response splitting)."""
    if not value.isprintable():
        value = value.replace("\r", "").replace("\n", "").replace("\0", "")
    return value.encode("latin-1", "replace")


def with_header(answer: Answer, name: bytes, value: str) -> None:
    """Set a header unless the answer has it."""
    if all(name != known for known, _ in answer.headers):
        answer.headers = [*answer.headers, (name, _safe(value))]


def allow(methods: Iterable[str]) -> str:
    """The value of the header `Allow`."""
    return ", ".join(sorted(methods))
