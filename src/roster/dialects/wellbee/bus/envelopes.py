"""Messages as they come, and answers as they go (notes, section 2): what of them can be read, whatever the rest is."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from roster.dialects.wellbee import frame
from roster.kit import ids
from roster.web.request import Request

_LONGEST_ID: Final = 200
_OWN: Final = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding", "x-request-id"})
"""Headers about a body that is not the message's."""
_SAFE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_encode: Final = msgspec.json.Encoder().encode


class Malformed(Exception):
    """A message that cannot be understood; `request` can still be answered."""

    def __init__(self, detail: str, request: Request) -> None:
        super().__init__(detail)
        self.detail = detail
        self.request = request


class Who(msgspec.Struct, frozen=True):
    """Whom a message says it is from. Nothing else that it says of them is believed."""

    id: str | None = None


class Sender(msgspec.Struct, frozen=True):
    """The service that has sent a message."""

    service: str | None = None


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """A request. Members that are not listed travel on unseen."""

    req_id: str | None = None
    transaction_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    user: Who | None = None
    query: dict[str, Any] | None = None
    params: dict[str, str] | None = None
    headers: dict[str, Any] | None = None
    data_encoding: str | None = None
    data_subject: str | None = None
    chunks: int | None = None
    sender: Sender | None = msgspec.field(default=None, name="from")

    @property
    def extra(self) -> dict[str, str]:
        """What the dialect may know of it beside query, headers and data."""
        service = self.sender.service if self.sender else None
        known = {
            "reqId": self.req_id,
            "transactionId": self.transaction_id,
            "userId": self.user.id if self.user else None,
            "service": service if service and _SAFE.fullmatch(service) else None,
        }
        return {name: value for name, value in known.items() if value}


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    req_id: object = None
    transaction_id: object = None


_decode: Final = msgspec.json.Decoder(Message).decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_WAYS: Final = ("dataEncoding", "dataSubject", "chunks")
"""Members that say which way the data comes."""
_decode_names: Final = msgspec.json.Decoder(_Named).decode


def read(data: bytes) -> Message:
    """The message. Raises Malformed."""
    try:
        found = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(_why(error), bare(_names(data))) from error
    for name in (found.req_id, found.transaction_id):
        if name is not None and len(name) > _LONGEST_ID:
            raise Malformed("reqId and transactionId are identifiers", bare({}))
    return found


def whole(message: bytes, data: bytes) -> bytes:
    """The message with its data in it, whichever way that came."""
    members = {name: value for name, value in _members(message).items() if name not in _WAYS}
    return _encode({**members, "data": msgspec.Raw(data)} if data else members)


def bare(names: Mapping[str, str]) -> Request:
    """A request of which nothing is known but its identifiers."""
    request = Request({"method": "REQUEST", "headers": []}, path="/", dialect="wellbee")
    request.extra.update(names)
    return request


def refusal(request: Request, status: int, code: str, title: str, detail: str) -> bytes:
    """An answer that says what is wrong with the message itself."""
    failure = frame.Failure(code=code, title=title, detail=detail, id=str(ids.uuid4()), thrower=frame.SERVICE)
    return _encode(frame.envelope(request, status, failure=failure))


def bad_request(request: Request, detail: str) -> bytes:
    """That of a message that cannot be read."""
    return refusal(request, 400, "BAD_REQUEST", "Request has missing or invalid fields", detail)


def flat(query: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """A nested query as HTTP writes it: `a[b]=1`, and a list as the same name again and again."""
    found: dict[str, str | list[str]] = {}
    for name, value in query.items():
        _flatten(found, name, value)
    return found


def headers(given: Mapping[str, Any]) -> dict[str, str]:
    """Headers of HTTP that a message carries along, without those about another body."""
    return {
        name.lower(): _line(value)
        for name, value in given.items()
        if isinstance(value, str) and name.isascii() and name.isprintable() and name.lower() not in _OWN
    }


def _flatten(found: dict[str, str | list[str]], name: str, value: Any) -> None:
    if isinstance(value, dict):
        for inner, member in value.items():  # pyright: ignore[reportUnknownVariableType]
            _flatten(found, f"{name}[{inner}]", member)
    elif isinstance(value, list):
        _flatten_list(found, name, value)  # pyright: ignore[reportUnknownArgumentType]
    else:
        found[name] = _text(value)


def _flatten_list(found: dict[str, str | list[str]], name: str, members: Iterable[Any]) -> None:
    every = list(members)
    if any(isinstance(each, (dict, list)) for each in every):
        for place, each in enumerate(every):
            _flatten(found, f"{name}[{place}]", each)
    else:
        found[name] = [_text(each) for each in every]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _encode(value).decode()


def _line(value: str) -> str:
    return value if value.isprintable() else "".join(each for each in value if each.isprintable())


def _names(data: bytes) -> dict[str, str]:
    try:
        found = _decode_names(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    named = {"reqId": found.req_id, "transactionId": found.transaction_id}
    return {name: value for name, value in named.items() if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID}


def _why(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"message: {error}"
    return "message should be one JSON object in UTF-8"
