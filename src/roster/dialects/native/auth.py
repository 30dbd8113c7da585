"""Who asks: a bearer token or an API key in `Authorization`, or the cookie of a browser that signed in with one.

At the platform's own address tokens of every realm are taken, each for its own realm; under `/realms/{slug}` only those
of that realm. Administrators of the main realm act in another one with the header `Roster-Realm`.
"""

from collections.abc import Awaitable
from typing import Final

import msgspec

from roster.core.flows.models import Granted
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.tokens import naming, organisations
from roster.core.tokens import service as tokens
from roster.kit import actor as actors
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, Unauthenticated
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operation
from roster.web.reply import Headers
from roster.web.request import Request

SESSION_COOKIE: Final = "roster_session"
REFRESH_COOKIE: Final = "roster_refresh"
_REALM_HEADER: Final = "roster-realm"
_SAFE: Final = frozenset({"GET", "HEAD"})

SECURITY_SCHEMES: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token, an API key, a personal or an organisation's token.",
    },
    "cookie": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}


def authenticate(tx: Tx, request: Request, operation: Operation) -> Awaitable[Actor]:
    """The actor; for public operations always nobody in particular, whatever is sent along.

    Raises Unauthenticated, InvalidToken; RealmNotFound for a realm the caller cannot act in; Forbidden for a change
    that another site's page asks for in the name of a browser's cookie.
    """
    if operation.public:
        return nobody(tx, request, request.realm_slug)
    return again(tx, request)


async def again(tx: Tx, request: Request) -> Actor:
    """Whoever sent the request, as the store knows them now; for answers that last. Raises as `authenticate`."""
    text = _bearer(request) or _cookie(request)
    if text is None:
        raise Unauthenticated
    actor = tokens.remembered(tx, text, request.origin) or await _asked(tx, request, text)
    if is_bound(request) and actor.realm_slug != request.realm_slug:
        raise InvalidToken
    tx.actor = actor
    elsewhere = request.header(_REALM_HEADER)
    if elsewhere is not None:
        actor = await _in_realm(tx, request, actor, elsewhere)
    request.realm_slug = actor.realm_slug
    return actor


async def _asked(tx: Tx, request: Request, text: str) -> Actor:
    slug = await naming.realm_of(tx, text)
    if slug is None or (is_bound(request) and slug != request.realm_slug):
        raise InvalidToken
    known = organisations.authenticate if organisations.is_one(text) else tokens.authenticate
    return await known(tx, slug, text, request.origin)


async def nobody(tx: Tx, request: Request, slug: str) -> Actor:
    """An anonymous actor in this realm. Raises RealmNotFound."""
    realm = await realms.by_slug(tx, slug)
    anonymous = actors.anonymous(realm.id, realm.slug, request.origin)
    return msgspec.structs.replace(anonymous, realm_version=realm.version)


async def nobody_in(runtime: Runtime, request: Request, actor: Actor, slug: str | None) -> Actor:
    """The anonymous actor in the realm that the body names instead of the address. Raises RealmNotFound."""
    if slug is None or slug == actor.realm_slug:
        return actor
    if is_bound(request):
        raise RealmNotFound
    async with runtime.lease() as tx:
        return await nobody(tx, request, slug)


async def nobody_with(runtime: Runtime, request: Request, actor: Actor, token: str) -> Actor:
    """The anonymous actor in the realm that a one-time or refresh token is for. Raises InvalidToken."""
    async with runtime.lease() as tx:
        slug = await naming.realm_of(tx, token)
        if slug is None or (is_bound(request) and slug != actor.realm_slug):
            raise InvalidToken
        try:
            return actor if slug == actor.realm_slug else await nobody(tx, request, slug)
        except RealmNotFound:
            raise InvalidToken from None


def is_bound(request: Request) -> bool:
    """Whether the address itself names the realm, so that no other can be meant."""
    return request.prefix.startswith("/realms/")


async def _in_realm(tx: Tx, request: Request, actor: Actor, slug: str) -> Actor:
    if slug == actor.realm_slug:
        return actor
    if not actor.is_platform or is_bound(request):
        raise RealmNotFound
    return realms.inside(actor, await realms.by_slug(tx, slug))


def _bearer(request: Request) -> str | None:
    header = request.header("authorization")
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        raise InvalidToken
    return text


def _cookie(request: Request) -> str | None:
    text = request.cookie(SESSION_COOKIE)
    if text and request.method not in _SAFE:
        require_same_origin(request)
    return text or None


def require_same_origin(request: Request) -> None:
    """Raise Forbidden unless the request comes from a page of this installation (Fetch, section 3.2)."""
    origin = request.header("origin")
    own = {request.public_url, f"{request.scheme}://{request.host}"}
    if origin in own or (origin is None and request.header("sec-fetch-site") == "same-origin"):
        return
    raise Forbidden("Requests with a cookie must come from this server's own pages.")


def cookies(request: Request, granted: Granted) -> Headers:
    """Both tokens as cookies that scripts cannot read; the refresh token goes nowhere but where it is used."""
    lasting = int((granted.session.expires_at - granted.session.last_used_at).total_seconds())
    return _both(request, (granted.access_token, granted.expires_in), (granted.refresh_token, lasting))


def no_cookies(request: Request) -> Headers:
    """Both cookies taken away."""
    return _both(request, ("", 0), ("", 0))


def _both(request: Request, session: tuple[str, int], refresh: tuple[str, int]) -> Headers:
    is_secure = request.scheme == "https" or request.public_url.startswith("https:")
    ending = "; HttpOnly; Secure" if is_secure else "; HttpOnly"
    path = f"{request.prefix}/refresh"
    return (
        ("Set-Cookie", f"{SESSION_COOKIE}={session[0]}; Path=/; Max-Age={session[1]}; SameSite=Lax{ending}"),
        ("Set-Cookie", f"{REFRESH_COOKIE}={refresh[0]}; Path={path}; Max-Age={refresh[1]}; SameSite=Strict{ending}"),
    )
