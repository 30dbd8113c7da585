"""Websockets: requests that come in over them, and messages that go out (notes, section 10).

A socket belongs to whoever its token says, or to nobody in particular. Requests over it are those that HTTP has, and
the few of `ws.…`; nothing else of the bus can be reached. What goes out, the bus brings: every process hands a message
to those of its own sockets that it is meant for.
"""

from typing import Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from roster.dialects.wellbee import auth, frame, messages
from roster.dialects.wellbee.audience import Listener, of
from roster.kit import ids
from roster.kit.errors import RosterError
from roster.web.dialect import Front
from roster.web.request import Request
from roster.web.sockets import Socket

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
_REFUSED: Final = 1011
_LONGEST_SUBJECT: Final = 1000


class Said(msgspec.Struct, frozen=True, rename="camel"):
    """The message of a frame. Whoever else it claims to be from is not looked at."""

    transaction_id: str = ""
    req_id: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    query: dict[str, str | list[str]] = {}


class Frame(msgspec.Struct, frozen=True):
    """A request over a socket."""

    subject: str
    message: Said = Said()


class NoMethod(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a subject that is none of those which sockets may ask for."""

    subject: str
    status: int
    req_id: str | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(Frame).decode


async def talk(socket: Socket, front: Front) -> None:
    """Hold a socket to its end."""
    request = cast("Request", socket.request)
    socket.request = None  # a thousand of them wait for something to happen
    await socket.accept()
    listener = await _admit(socket, front, request)
    if listener is None:
        return
    del request
    audience = of(front.runtime)
    audience.add(listener)
    try:
        await _answer_all(listener, front)
    finally:
        audience.remove(listener)
    await listener.sent()


async def _admit(socket: Socket, front: Front, request: Request) -> Listener | None:
    """Whose socket it is; it is closed when nobody's may not be there, or the token is not good."""
    text = _token(front, request)
    if text is None:
        if front.runtime.settings.dialects.wellbee.anonymous_websockets:
            return Listener(socket, request.realm_slug, f"public-{ids.uuid4()}", address=request.address)
        await socket.close(_REFUSED, "PERMISSION_DENIED")
        return None
    try:
        async with front.runtime.lease() as tx:
            actor = await auth.by_token(tx, request.realm_slug, text, request.origin)
    except RosterError:
        await socket.close(_REFUSED, "INVALID_TOKEN")
        return None
    about = () if actor.user_id is None else (actor.realm_id, actor.user_id)
    return Listener(socket, request.realm_slug, str(actor.user_id), text, address=request.address, about=about)


async def _answer_all(listener: Listener, front: Front) -> None:
    while (data := await listener.socket.receive()) is not None:
        listener.send(await _answer(listener, front, data))


async def _answer(listener: Listener, front: Front, data: bytes) -> bytes:
    try:
        asked = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.encode(NoMethod("", 404))
    if not _may_ask(asked.subject):
        return msgspec.json.encode(NoMethod(asked.subject[:_LONGEST_SUBJECT], 404, asked.message.req_id or UNSET))
    request = messages.request_of(
        asked.subject,
        bytes(asked.message.data),
        realm=listener.realm,
        query=asked.message.query,
        headers=_headers(listener, front),
        extra=_known_ids(asked.message),
        address=listener.address,
    )
    answer = await front.answer(request)
    body = answer.body if isinstance(answer.body, bytes) else b""
    return frame.with_subject(body, f"res.{asked.message.transaction_id[:100]}.{asked.subject}")


def _may_ask(subject: str) -> bool:
    """Whether it is HTTP's, or one that sockets have; never a service's."""
    words = subject.lower().split(".")
    return len(subject) <= _LONGEST_SUBJECT and len(words) > 2 and words[0] in ("http", "ws") and words[1] in _METHODS


def _headers(listener: Listener, front: Front) -> dict[str, str]:
    """What services see of a request over a socket."""
    name = front.runtime.settings.dialects.wellbee.cookie_name
    own = {"user-agent": "websocket"}
    return own if listener.token is None else {**own, "cookie": f"{name}={listener.token}"}


def _known_ids(said: Said) -> dict[str, str]:
    return {"reqId": said.req_id} if ids.parse(said.req_id) else {}


def _token(front: Front, request: Request) -> str | None:
    """Cookie, else Authorization header, else `?token=`.

    Cookies do not count where a page of another site opens the socket, which the browser sends them along for.
    """
    cookie = None if _is_foreign(request) else request.cookie(front.runtime.settings.dialects.wellbee.cookie_name)
    if cookie not in (None, "", "deleted"):
        return cookie
    _, _, text = (request.header("authorization") or "").partition(" ")
    return text.strip() or request.query.get("token")


def _is_foreign(request: Request) -> bool:
    """Whether a page that is neither ours nor allowed to call us asks."""
    origin = request.header("origin")
    own = (request.public_url, f"{request.scheme}://{request.host}")
    return origin is not None and origin not in (*own, *request.site.cors_origins)
