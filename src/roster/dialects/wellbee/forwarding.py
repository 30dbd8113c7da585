"""Requests that no operation here answers: other services may, on the bus (notes, section 9).

They get the request as the platform's gateway hands it on, with whoever asks as the directory has them, and what they
answer goes back as it is.
"""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec

from roster.bus import link as links
from roster.bus.link import Link, NotConnected, TooLong
from roster.core.users import service as users
from roster.dialects.wellbee import frame, nested, people, subjects
from roster.dialects.wellbee.bus import client
from roster.kit.actor import Actor
from roster.kit.errors import TooLarge
from roster.storage.runtime import Runtime
from roster.web.errors import UnknownRoute
from roster.web.reply import Headers, Reply
from roster.web.request import Request

_NOT_SENT: Final = frozenset({"headers", "user"})
_LONGEST_SUBJECT: Final = 1000
"""No service has a longer one, and those that a bus takes are not much longer."""
_TEXTS: Final = ("text/", "application/xml", "application/javascript")
_BINARY: Final = frozenset(
    {
        "application/pdf",
        "application/zip",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "image/png",
    }
)
_OWN: Final = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding"})
"""Headers that only the connection itself can know."""

Envelope = dict[str, Any]


async def forward(runtime: Runtime, request: Request, actor: Actor) -> Reply:
    """What a service on the bus answers. Raises UnknownRoute when there is no bus, or nobody there answers."""
    settings = runtime.settings.dialects.wellbee
    link = links.of(runtime)
    if link is None or not link.is_connected or request.realm_slug != settings.realm:
        raise UnknownRoute
    subject = subjects.of_request(request)
    if len(subject) > _LONGEST_SUBJECT:
        raise UnknownRoute
    envelope = await asked(runtime, request, actor)
    answer = await _answer(link, subject, envelope, settings.bus_timeout)
    if answer.get("status") == HTTPStatus.REQUEST_TIMEOUT and _code(answer) == "BUS_RESPONSE_TIMEOUT":
        raise UnknownRoute
    return reply_of(answer)


async def asked(runtime: Runtime, request: Request, actor: Actor) -> Envelope:
    """A request over HTTP as services see it."""
    return {
        "reqId": frame.request_id(request),
        "method": request.method,
        "path": request.path,
        "query": nested.of(request.query.items()),
        "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]},
        "data": msgspec.Raw(request.body or b"{}"),
        "user": await _view(runtime, actor),
    }


def reply_of(answer: Mapping[str, Any]) -> Reply:
    """What somebody on the bus has answered, over HTTP."""
    status = answer.get("status")
    status = status if isinstance(status, int) and 200 <= status <= 599 else HTTPStatus.INTERNAL_SERVER_ERROR
    headers = _headers(answer.get("headers"))
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    kept = tuple(pair for pair in headers if pair[0].lower() != "content-type")
    body = _bytes_of(answer.get("data"), kind)
    if body is not None:
        return Reply(status, body, kept, kind)
    shown = {name: value for name, value in answer.items() if name not in _NOT_SENT}
    return Reply(status, msgspec.json.encode(shown), kept)


async def _answer(link: Link, subject: str, envelope: Envelope, within: float) -> Envelope:
    try:
        return await client.ask(link, subject, envelope, within=within)
    except NotConnected:
        raise UnknownRoute from None
    except TooLong:
        raise TooLarge from None


async def _view(runtime: Runtime, actor: Actor) -> Mapping[str, object]:
    """Whoever asks, as a whole; nobody is an empty object."""
    if actor.user_id is None:
        return {}
    async with runtime.read(actor) as tx:
        return await people.whole(tx, await users.get(tx, actor.user_id))


def _headers(given: object) -> Headers:
    if not isinstance(given, dict):
        return ()
    found: list[tuple[str, str]] = []
    for name, value in cast("dict[str, object]", given).items():
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        if name.isascii() and name.isprintable() and " " not in name and ":" not in name and name.lower() not in _OWN:
            found += [(name, str(each)) for each in values]
    return tuple(found)


def _bytes_of(data: object, kind: str) -> bytes | None:
    """Data that goes as it is: texts, and files in base64."""
    bare = kind.partition(";")[0].strip().lower()
    if not isinstance(data, str):
        return None
    if bare in _BINARY:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            return None
    return data.encode() if bare.startswith(_TEXTS) else None


def _code(answer: Mapping[str, Any]) -> object:
    error = answer.get("error")
    return cast("dict[str, object]", error).get("code") if isinstance(error, dict) else None
