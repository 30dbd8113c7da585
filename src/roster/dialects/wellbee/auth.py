"""Who asks: over HTTP by token or cookie, on the bus by what the message says (notes, sections 5, 9, 12 and 24)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from roster.core.realms import service as realms
from roster.core.tokens import trusted
from roster.dialects.wellbee import cookies, sessions, subjects
from roster.dialects.wellbee.catalogue import permission
from roster.dialects.wellbee.sessions import Known
from roster.dialects.wellbee.signing_in import TwoTokens
from roster.dialects.wellbee.subjects import REQUEST
from roster.kit import actor as actors
from roster.kit import ids
from roster.kit.actor import EVERYTHING, Actor, Kind, Origin
from roster.kit.errors import Forbidden, InvalidToken, Unauthenticated
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web.operation import Operation
from roster.web.request import Request

SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, object]]] = {
    "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "Cookie": {"type": "apiKey", "in": "cookie", "name": "jwt"},
}
READS_BY_ITSELF: Final = "x-reads-credentials"
"""Marks (`extra`) public operations that take no notice of a token, or look at it in their own way."""
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class Presented(msgspec.Struct, frozen=True):
    """A token as it came."""

    text: str
    is_cookie: bool


class _InBody(msgspec.Struct, frozen=True):
    access_token: str


async def authenticate(tx: Tx, request: Request, operation: Operation) -> Actor:
    """The actor over HTTP; nobody for public operations without a credential.

    Raises Unauthenticated without one, InvalidToken for one that is not good, Forbidden when a scope is missing, and
    ForeignOrigin for what another site's page does with the cookie.
    """
    found = presented(tx, request)
    if found is None or READS_BY_ITSELF in operation.extra:
        if operation.public:
            return await nobody(tx, request)
        raise Unauthenticated
    if found.is_cookie and (operation.writes or request.method not in _SAFE):
        cookies.refuse_other_sites(request)
    actor = (await decoded(tx, request, found)).actor
    require_scopes(actor, operation)
    return actor


async def by_token(tx: Tx, realm_slug: str, text: str, origin: Origin) -> Actor:
    """Whoever presents this token. Raises InvalidToken."""
    return (await sessions.known_by(tx, realm_slug, text, origin)).actor


async def decoded(tx: Tx, request: Request, found: Presented) -> Known:
    """Whom a token belongs to, which is prolonged if the settings say so. Raises InvalidToken, and ends the cookie."""
    settings = tx.runtime.settings
    try:
        known = await sessions.known_by(tx, request.realm_slug, found.text, request.origin)
    except InvalidToken:
        cookies.clear(request, settings)
        raise
    if found.is_cookie and settings.dialects.wellbee.prolong_cookies and known.claims is not None:
        await sessions.prolong(tx, request, known.claims)
    return known


async def of_message(tx: Tx, request: Request, operation: Operation) -> Actor:
    """The actor on the bus, where whoever may publish is trusted to be one of our own services (notes, section 1).

    Subjects of services act as a program that may do everything in the realm. All others act as the person whom the
    message names, who may do what the directory says, not what the message does (section 24). Raises Unauthenticated
    when that is nobody who may sign in, Forbidden when a scope is missing.
    """
    user_id = ids.parse(request.extra.get("userId", ""))
    if operation.method == REQUEST and not subjects.is_for_sockets(operation):
        program = request.extra.get("service", "bus")
        tx.actor = msgspec.structs.replace(
            await nobody(tx, request), kind=Kind.SERVICE, name=program, grants=EVERYTHING, acting_for=user_id
        )
        return tx.actor
    actor = None if user_id is None else await _person(tx, request, UserId(user_id))
    if actor is not None:
        require_scopes(actor, operation)
        return actor
    if operation.public:
        return await nobody(tx, request)
    raise Unauthenticated


async def _person(tx: Tx, request: Request, user_id: UserId) -> Actor | None:
    """That person: in the session of the request's own token where the message carries that, else without one."""
    in_session = await _of_token(tx, request)
    if in_session is not None and in_session.user_id == user_id:
        return in_session
    try:
        return await trusted.person(tx, request.realm_slug, user_id, request.origin)
    except InvalidToken:
        return None


async def _of_token(tx: Tx, request: Request) -> Actor | None:
    found = presented(tx, request)
    if found is None:
        return None
    try:
        return (await sessions.known_by(tx, request.realm_slug, found.text, request.origin)).actor
    except InvalidToken:
        return None


def presented(tx: Tx, request: Request) -> Presented | None:
    """The token of the request, wherever it stands; None without one. Raises TwoTokens."""
    scheme, _, text = (request.header("authorization") or "").strip().partition(" ")
    bearer = text.strip() if scheme.lower() == "bearer" else ""
    named = [each for each in (bearer, request.query.get("access_token"), _in_body(request)) if each]
    if len(named) > 1:
        raise TwoTokens
    if named:
        return Presented(named[0], is_cookie=False)
    cookie = cookies.token(request, tx.runtime.settings)
    return None if cookie is None else Presented(cookie, is_cookie=True)


def _in_body(request: Request) -> str | None:
    if b'"access_token"' not in request.body:
        return None
    try:
        return msgspec.json.decode(request.body, type=_InBody).access_token
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def nobody(tx: Tx, request: Request) -> Actor:
    """Who has not said who they are."""
    realm = await realms.by_slug(tx, request.realm_slug)
    return msgspec.structs.replace(
        actors.anonymous(realm.id, realm.slug, request.origin),
        realm_version=realm.version,
        access_version=realm.access_version,
    )


def require_scopes(actor: Actor, operation: Operation) -> None:
    """Raise Forbidden unless the actor has every scope that the operation names."""
    missing = [each for each in operation.needs.split(",") if each and not actor.grants.holds(permission(each))]
    if missing:
        raise Forbidden(f"User does not have permission for {operation.needs}")
