"""`auth-service.…`: decoding tokens and signing people in for other services (contract, group auth-service)."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from roster.core.flows import granting
from roster.core.flows.models import Granted, Terms
from roster.core.sessions import service as core
from roster.core.users import search
from roster.core.users import service as users
from roster.core.users.models import User
from roster.dialects.wellbee import conditions, documents, people, sessions, sign_in
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.session_list import Details, Part, details_of, part_of
from roster.dialects.wellbee.signing_in import (
    BadPayload,
    Deactivated,
    NobodyFound,
    RefreshTokenExpired,
    SeveralFound,
    UnknownRefreshToken,
)
from roster.dialects.wellbee.subjects import Services
from roster.kit import ids
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken
from roster.kit.filters import All, Compare, Filter, Op
from roster.kit.ids import UserId
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.request import Request

services: Final = Services(tag="auth-service")

_OPENING: Final = (InvalidInput, BadPayload, NobodyFound, SeveralFound, Deactivated)
_PAYLOAD: Final = "additionalPayload"
_TOKENS_OWN: Final = frozenset({"exp", "salt", "id"})


class DetailsOf(Part, frozen=True, rename="camel", kw_only=True):
    """A part of the sessions of somebody."""

    user_id: UUID


class SessionDetails(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the sessions, and how many there are."""

    total_count: int
    session_details: list[Details]


class Several(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """People by id."""

    user_ids: list[UUID]


class Refreshing(msgspec.Struct, frozen=True, rename="camel"):
    """A refresh token, headers of the request that it came with, and what to add to the new token."""

    refresh_token: str
    headers: dict[str, object]
    additional_payload: dict[str, object] = {}


@services.serve("auth-service.decode-token", id="svc-auth-decode-token", writes=False, errors=(InvalidToken,))
async def decode_token(tx: Tx, request: Request, body: str) -> Document:
    """Whom a token belongs to, as they are now, with what was added to the token."""
    known = await sessions.known_by(tx, request.realm_slug, body, request.origin)
    user_id = known.actor.user_id
    user = await users.tx_maybe(tx, user_id) if user_id is not None else None
    if user is None:
        raise InvalidToken("Token expired")
    return {**known.extra, **await people.whole(tx, user)}


@services.serve(
    "auth-service.generate-jwt-token-for-user.cookie", id="svc-auth-generate-cookie", writes=True, errors=_OPENING
)
async def for_browser(tx: Tx, request: Request, body: Document) -> Document:
    """Sign somebody in for a browser, because the service says who they are; the cookie is in the headers."""
    extra = _payload(tx.runtime, body)
    terms = Terms(lasting=tx.runtime.settings.dialects.wellbee.cookie_seconds)
    return await sign_in.with_cookie(tx, request, await _opened(tx, body, terms), extra)


@services.serve(
    "auth-service.generate-jwt-token-for-user.token", id="svc-auth-generate-token", writes=True, errors=_OPENING
)
async def for_program(tx: Tx, body: Document) -> Document:
    """Sign somebody in for a program, because the service says who they are."""
    extra = _payload(tx.runtime, body)
    lasting = tx.runtime.settings.dialects.wellbee.refresh_token_seconds
    return await sign_in.with_tokens(tx, await _opened(tx, body, Terms(lasting=lasting, refresh_for=lasting)), extra)


for _old, _id, _handler in (
    ("web", "svc-auth-generate-web", for_browser),
    ("app", "svc-auth-generate-app", for_program),
):
    services.serve(f"auth-service.generate-jwt-token-for-user.{_old}", id=_id, errors=_OPENING)(_handler)


@services.serve(
    "auth-service.get-session-details-by-user-id",
    id="svc-auth-session-details",
    writes=False,
    errors=(InvalidInput,),
)
async def session_details(tx: Tx, body: DetailsOf) -> SessionDetails:
    """The sessions of somebody."""
    found = await core.list_of(tx, UserId(body.user_id))
    return SessionDetails(len(found), [details_of(each) for each in part_of(found, body)])


@services.serve("auth-service.logout-users-by-id", id="svc-auth-logout-users", errors=(InvalidInput,))
async def log_out_users(tx: Tx, body: Several) -> None:
    """End every session of these people."""
    for user_id in dict.fromkeys(body.user_ids):
        await core.end_all(tx, UserId(user_id))


@services.serve(
    "auth-service.refresh-token",
    id="svc-auth-refresh",
    errors=(UnknownRefreshToken, RefreshTokenExpired, NobodyFound, BadPayload, InvalidInput),
)
async def refresh(runtime: Runtime, actor: Actor, body: Refreshing) -> Document:
    """A new access token for a refresh token."""
    extra = _checked(runtime, body.additional_payload)
    return await sign_in.refreshed(runtime, actor, body.refresh_token, extra)


def _payload(runtime: Runtime, body: Mapping[str, object]) -> Mapping[str, object]:
    return _checked(runtime, body.get(_PAYLOAD, {}))


def _checked(runtime: Runtime, given: object) -> Mapping[str, object]:
    """What is to be added to a token. Raises BadPayload."""
    try:
        extra = msgspec.convert(given, dict[str, object])
    except msgspec.ValidationError:
        raise BadPayload from None
    size = len(msgspec.json.encode(extra))
    if size > runtime.settings.dialects.wellbee.additional_payload_bytes or _TOKENS_OWN.intersection(extra):
        raise BadPayload
    return extra


async def _opened(tx: Tx, body: Mapping[str, object], terms: Terms) -> Granted:
    query = {name: value for name, value in body.items() if name != _PAYLOAD}
    user = await _only_one(tx, conditions.scalars(query))
    if user.status != "active":
        raise Deactivated
    return await granting.vouch(tx, user, terms)


async def _only_one(tx: Tx, query: Mapping[str, object]) -> User:
    """The one person with these fields. Raises InvalidInput without any, NobodyFound, SeveralFound."""
    if not query:
        raise InvalidInput.of("body", "required", "should name a user")
    if "id" in query and ids.parse(str(query["id"])) is None:
        raise NobodyFound
    found = await search.search(tx, _equal(query), (), Page(limit=2))
    if not found.items:
        raise NobodyFound
    if len(found.items) > 1:
        raise SeveralFound
    return found.items[0]


def _equal(query: Mapping[str, object]) -> Filter:
    known = {"id": "id", **documents.TEXTS}
    return All(tuple(Compare(known.get(name, f"attributes.{name}"), Op.EQ, query[name]) for name in query))
