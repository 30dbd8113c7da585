"""The envelope that every answer stands in, over HTTP and on the bus alike (notes, sections 2 and 9)."""

import os
import time
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from roster.dialects.wellbee import cookies
from roster.kit import ids
from roster.web.reply import Reply, Stream
from roster.web.request import Request

SERVICE: Final = "roster"
"""What messages say they are from, with eight digits for the process."""


class From(msgspec.Struct, frozen=True, rename="camel"):
    """Who sent a message."""

    service: str
    instance_id: str


_PROCESS: Final[dict[int, From]] = {}


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong. `id` is this occurrence's own."""

    code: str
    title: str
    detail: str | UnsetType = UNSET
    id: str
    thrower: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An answer. `ms` is how long it took here."""

    status: int
    data: object = UNSET
    error: Failure | UnsetType = UNSET
    req_id: str
    transaction_id: str
    ms: int
    sender: From = msgspec.field(name="from")


def sender() -> From:
    """This process, as messages name it."""
    pid = os.getpid()  # workers are forks: each has a name of its own
    if pid not in _PROCESS:
        _PROCESS.clear()
        _PROCESS[pid] = From(SERVICE, f"{SERVICE}.{os.urandom(4).hex()}")
    return _PROCESS[pid]


def request_id(request: Request) -> str:
    """The id that all messages of one conversation carry; over HTTP always a new one."""
    return _named(request, "reqId")


def transaction_id(request: Request) -> str:
    """The id of one message and its answer."""
    return _named(request, "transactionId")


def wrap(result: object, status: int, request: Request) -> Reply | Stream:
    """A handler's result as an answer. A page, a file, or what is written already, goes as it is."""
    if isinstance(result, Stream):
        return msgspec.structs.replace(result, headers=(*result.headers, *_headers(request)))
    if isinstance(result, Reply):
        if result.content_type != "application/json" or isinstance(result.body, bytes) or result.status == 204:
            return msgspec.structs.replace(result, headers=(*result.headers, *_headers(request)))
        body = envelope(request, result.status, data=result.body)
        return msgspec.structs.replace(result, body=body, headers=(*result.headers, *_headers(request)))
    return Reply(status, envelope(request, status, data=result), _headers(request))


def wrapped(data: Mapping[str, object] | None) -> Mapping[str, object]:
    """The schema of the envelope around data of this schema."""
    text = {"type": "string", "format": "uuid"}
    known: dict[str, object] = {"status": {"type": "integer"}, "reqId": text, "transactionId": text}
    known |= {"ms": {"type": "integer"}, "from": {"$ref": "#/components/schemas/From"}}
    required = list(known)
    return {"type": "object", "required": required, "properties": known if data is None else {**known, "data": data}}


def refuse(request: Request, status: int, failure: Failure) -> Reply:
    """An answer that says what went wrong."""
    return Reply(status, envelope(request, status, failure=failure), _headers(request))


def envelope(request: Request, status: int, *, data: object = None, failure: Failure | None = None) -> Envelope:
    """What goes on the wire."""
    return Envelope(
        status=status,
        data=UNSET if data is None else data,
        error=failure or UNSET,
        req_id=request_id(request),
        transaction_id=transaction_id(request),
        ms=round((time.perf_counter() - request.started) * 1000),
        sender=sender(),
    )


def with_subject(message: bytes, subject: str) -> bytes:
    """A message, a JSON object, with its subject in it, as frames of websockets have it."""
    start = message.rstrip().removesuffix(b"}").rstrip()
    comma = b"" if start == b"{" else b","
    return start + comma + b'"subject":' + msgspec.json.encode(subject) + b"}"


def _headers(request: Request) -> tuple[tuple[str, str], ...]:
    named = ("X-Fruster-Req-Id", request_id(request))
    cookie = request.extra.get(cookies.HEADER)
    return (named,) if cookie is None else (named, ("Set-Cookie", cookie))


def _named(request: Request, name: str) -> str:
    if name not in request.extra:
        request.extra[name] = str(ids.uuid4())
    return request.extra[name]
