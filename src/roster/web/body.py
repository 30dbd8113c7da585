"""Reading request bodies: bounded in size, depth and content before anything looks at them."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, cast

import msgspec

from roster.kit.errors import InvalidInput, Problem, TooLarge
from roster.web.errors import Disconnected, UnsupportedMedia
from roster.web.operation import Operation
from roster.web.request import Request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MAX_DEPTH = 32
PATIENCE = 60.0
"""Seconds in which a whole body must arrive; uploads that are streamed have as long as they keep sending."""

_MAX_INT = 2**63 - 1
# A string without an end counts as one up to the end of the body: looking for the next start again and again would
# take time with the square of the body's length.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|[0-9]{19}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_MOST_PROBLEMS = 50
_LONGEST_PLACE = 200
"""Characters of the place of a problem, and of each name in it."""


async def read(request: Request, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as that is known, InvalidInput when it does not come, Disconnected."""
    refuse_declared_length(request, limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return _within(message.get("body", b""), limit)
    try:
        async with asyncio.timeout(PATIENCE):
            return await _rest(message, receive, limit)
    except TimeoutError:
        raise InvalidInput.of("body", "too_slow", "The body did not arrive in time.") from None


async def stream(request: Request, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """The body piece by piece, for uploads that do not fit into memory. Raises TooLarge, Disconnected."""
    refuse_declared_length(request, limit)
    total = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        chunk, more = message.get("body", b""), message.get("more_body", False)
        total += len(chunk)
        if total > limit:
            raise TooLarge
        if chunk:
            yield chunk


async def whole(request: Request) -> AsyncIterator[bytes]:
    """A body that is there already, in one piece."""
    if request.body:
        yield request.body


def refuse_declared_length(request: Request, limit: int) -> None:
    """Turn away what says itself that it is too large, before reading any of it."""
    declared = request.header("content-length")
    if declared is None:
        return
    if not (declared.isascii() and declared.isdigit()):
        raise InvalidInput.of("body", "malformed", "The header Content-Length is not a number.")
    if len(declared) > 18 or int(declared) > limit:
        raise TooLarge


def refuse_large(request: Request, limit: int) -> None:
    """Raise TooLarge when the body, which is there already, is longer than that."""
    _within(request.body, limit)


async def _rest(message: Message, receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        if message["type"] != "http.request":
            raise Disconnected
        body += message.get("body", b"")
        _within(body, limit)
        if not message.get("more_body", False):
            return bytes(body)
        message = await receive()


def _within(body: Any, limit: int) -> Any:
    if len(body) > limit:
        raise TooLarge
    return body


def media_type(request: Request, operation: Operation) -> str:
    """The body's media type, one of those the operation takes. Raises UnsupportedMedia."""
    coding = request.header("content-encoding")
    if coding and coding.lower() != "identity":
        raise UnsupportedMedia.of("body", "content_encoding", "Compressed bodies are not taken.")
    given = request.header("content-type") or ""
    kind, _, parameters = given.partition(";")
    kind = kind.strip().lower()
    if kind not in operation.consumes:
        expected = ", ".join(operation.consumes)
        raise UnsupportedMedia.of("body", "media_type", f"The body must be {expected}.")
    if parameters and _charset(parameters) not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia.of("body", "charset", "The body must be in UTF-8.")
    return kind


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def screen(body: bytes) -> None:
    """Refuse JSON nested too deep, or with what cannot be stored: NUL, lone surrogates, integers beyond 64 bits.

    Costs two scans in C for an ordinary body; only a suspicious one is decoded an extra time.
    """
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and not _is_shallow(body):
        raise InvalidInput.of("body", "too_deep", f"The body is nested deeper than {MAX_DEPTH} levels.")
    if _SUSPICIOUS.search(body):
        problems: list[Problem] = []
        _inspect(decode(body), "", problems)
        if problems:
            raise InvalidInput(problems)


def decode(body: bytes) -> Any:
    """Plain values. Raises InvalidInput for what is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error) from error


def malformed(error: Exception) -> InvalidInput:
    """The error for bytes that are no JSON, without the bytes."""
    text = str(error) if type(error) is msgspec.DecodeError else "it is not valid UTF-8 or holds impossible values"
    return InvalidInput.of("body", "malformed", f"The body cannot be read as JSON: {text}.")


def _is_shallow(body: bytes) -> bool:
    """Strings and all but brackets removed, each round takes away the innermost level."""
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return True
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def _inspect(value: object, at: str, problems: list[Problem]) -> None:
    if len(problems) >= _MOST_PROBLEMS:
        return
    if isinstance(value, str):
        _inspect_text(value, at, problems)
    elif isinstance(value, dict):
        for name, member in cast("dict[str, object]", value).items():
            _inspect_text(name, at, problems)
            _inspect(member, _below(at, f".{name[:_LONGEST_PLACE]}" if at else name[:_LONGEST_PLACE]), problems)
    elif isinstance(value, list):
        for index, member in enumerate(cast("list[object]", value)):
            _inspect(member, _below(at, f"[{index}]"), problems)
    elif isinstance(value, int) and not -_MAX_INT - 1 <= value <= _MAX_INT:
        problems.append(Problem(at or "body", "out_of_range", "The number does not fit into 64 bits."))


def _below(at: str, step: str) -> str:
    """One step further down; a place that is long already stays, because it would be copied for every member."""
    return at if len(at) > _LONGEST_PLACE else at + step


def _inspect_text(text: str, at: str, problems: list[Problem]) -> None:
    if "\0" in text:
        problems.append(Problem(at.replace("\0", "?") or "body", "character", "NUL characters are not taken."))
    elif any("\ud800" <= character <= "\udfff" for character in text):
        problems.append(Problem("body", "character", "Half of a surrogate pair is no character."))
