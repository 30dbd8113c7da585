"""Answers as the bus has them: those of HTTP, with their headers inside, packed where they are long."""

import base64
from typing import Any, Final

import msgspec

from roster.bus.link import TooLong
from roster.dialects.wellbee import frame
from roster.dialects.wellbee.bus import coding, envelopes
from roster.web import streams
from roster.web.answer import Answer
from roster.web.reply import Stream
from roster.web.request import Request

_OF_HTTP: Final = frozenset({
    "content-type", "x-content-type-options", "cache-control", "x-fruster-req-id", "allow", "retry-after",
    "content-length",
})  # fmt: skip
_JSON: Final = "application/json"
_TEXTS: Final = ("text/", "application/xml", "application/javascript")
_encode: Final = msgspec.json.Encoder().encode
_Members = dict[str, msgspec.Raw]


async def body(request: Request, answer: Answer) -> bytes:
    """The message for an answer of the dialect. Raises TooLong."""
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    kind = next((value for name, value in named if name == "content-type"), "")
    headers = _headers([pair for pair in named if pair[0] not in _OF_HTTP])
    whole = await _whole(answer.body)
    if kind != _JSON or not whole:
        envelope = frame.envelope(request, answer.status, data=_shown(whole, kind))
        whole, headers = _encode(envelope), {**({"Content-Type": kind} if kind else {}), **headers}
    if not headers:
        return whole
    return b'%s,"headers":%s}' % (whole[:-1], _encode(headers))


def found(request: Request, data: object) -> bytes:
    """An answer of the bus itself."""
    return _encode(frame.envelope(request, 200, data=data))


def failed(request: Request) -> bytes:
    """That something of ours is broken."""
    title = "Server encountered an unexpected error"
    return envelopes.refusal(request, 500, "INTERNAL_SERVER_ERROR", title, "Something went wrong.")


def unknown_encoding(request: Request, encoding: object) -> bytes:
    """That data cannot be read."""
    detail = f"Cannot decompress data, unrecognized data encoding: {encoding}"
    title = "Invalid data encoding in response/request"
    return envelopes.refusal(request, 400, "INVALID_DATA_ENCODING", title, detail)


def too_large(request: Request) -> bytes:
    """That the answer cannot be sent."""
    title = "Response has missing or invalid fields"
    return envelopes.refusal(request, 500, "BAD_RESPONSE", title, "response too large")


async def packed(whole: bytes, most: int, *, in_parts: bool) -> tuple[bytes, list[str]] | None:
    """An answer with its data compressed, and the parts to be sent before it, which newer peers alone take.

    None when there is nothing to compress.
    """
    members = msgspec.json.decode(whole, type=_Members)
    members.pop("dataSubject", None)  # of a message that is handed back; it would ask for parts
    data = members.pop("data", None)
    if data is None:
        return None
    text = await coding.pack(bytes(data))
    rest: dict[str, Any] = {**members, "dataEncoding": coding.GZIP}
    if len(text) <= most or not in_parts:
        return _encode({**rest, "data": text}), []
    parts = coding.parts(text, most)
    return _encode({**rest, "data": {}, "chunks": len(parts)}), parts


def _headers(pairs: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    """By name; several of the same name, as of Set-Cookie, are a list."""
    made: dict[str, list[str]] = {}
    for name, value in pairs:
        made.setdefault(name.title(), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in made.items()}


def _shown(whole: bytes, kind: str) -> str | None:
    """Text as it is, all else in base64, as the gateway expects both."""
    if not whole:
        return None
    if kind.startswith(_TEXTS):
        return whole.decode("utf-8", "replace")
    return base64.b64encode(whole).decode()


async def _whole(made: bytes | Stream) -> bytes:
    """All of it. Raises TooLong when that is more than the bus takes."""
    if isinstance(made, bytes):
        return made
    collected = bytearray()
    try:
        async for piece in made.chunks:
            collected += piece
            if len(collected) > coding.LONGEST:
                raise TooLong
    finally:
        await streams.close(made.chunks)
    return bytes(collected)
