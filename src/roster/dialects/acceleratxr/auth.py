"""Who asks: a token in the query, in the header `Authorization` or in the cookie `jwt`, in this order (section 5).

The query form is taken where an operation lists the parameter `jwt_token`, because addresses end up in logs; a setting
takes it everywhere. Where authentication is optional, a token that is not good counts as none. What the permission
lists of classes give is added to the actor's grants, so that the core decides about it like about any permission.
"""

import tomllib
from importlib import resources
from typing import Annotated, Final

import msgspec

from roster.core.access import objects
from roster.core.access.models import AccessList, ObjectClass, Rights
from roster.core.realms import service as realms
from roster.core.tokens import proofs
from roster.core.tokens import service as tokens
from roster.dialects.acceleratxr.errors import WhoIsMe
from roster.kit import actor as actors
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, Unauthenticated
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web.operation import Operation, Parameter
from roster.web.request import Request

ME: Final = "me"
COOKIE: Final = "jwt"
QUERY_TOKEN: Final = "jwt_token"  # noqa: S105
IN_QUERY: Final = Parameter(name=QUERY_TOKEN, description="The token, for links and redirects.")
"""For the operations that take a token from the query."""

TAKES_PROOF: Final = "x-takes-recovery-token"
"""Marks operations that the token of a recovery message is good for."""
READS_ITSELF: Final = "x-reads-credential-itself"
"""Marks operations whose credential is another than an access token."""

SECURITY_SCHEMES: Final = {
    "jwt": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`jwt` or `Bearer`, and a token.",
    },
    "jwtQuery": {"type": "apiKey", "in": "query", "name": QUERY_TOKEN, "description": "For links and redirects."},
    "jwtCookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Looked at last."},
    "basic": {"type": "http", "scheme": "basic", "description": "Any identifier of the user, and any secret."},
}
_ANONYMOUS_COUNT: Final = frozenset({"users.read_basic"})


class _Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class in the catalogue."""

    grants: dict[str, tuple[str, ...]]
    records: Annotated[list[Rights], msgspec.Meta(min_length=1)]


def _catalogue() -> tuple[ObjectClass, ...]:
    text = resources.files(__package__ or "").joinpath("catalogue.toml").read_text("utf-8")
    found = msgspec.convert(tomllib.loads(text), dict[str, _Class])
    return tuple(ObjectClass(AccessList(name, None, each.records, 0), each.grants) for name, each in found.items())


CLASSES: Final = _catalogue()
"""Users and roles, with the permission lists that hold until somebody changes them."""


async def authenticate(tx: Tx, request: Request, operation: Operation) -> Actor:
    """The actor, perhaps an anonymous one where that will do.

    Raises Unauthenticated, InvalidToken; WhoIsMe where nobody asks for `me`; Forbidden for a cookie used by another
    site's page; RealmNotFound.
    """
    if READS_ITSELF in operation.extra:
        return await _nobody(tx, request)
    text = presented(tx, request, operation)
    actor = await _known(tx, request, operation, text) if text else None
    if actor is None:
        actor = await _nobody(tx, request)
        _require_known_me(request, operation)
        if not operation.public:
            raise Unauthenticated
    tx.actor = actor
    return await _with_grants(tx, operation, actor)


def presented(tx: Tx, request: Request, operation: Operation) -> str | None:
    """The token that came with the request. Raises InvalidToken for a malformed header, Forbidden as `authenticate`."""
    header = _header(request)
    return _query(tx, request, operation) or header or _cookie(request, operation)


def own_token(request: Request) -> str:
    """The one-time token of a request that is about it. Raises Unauthenticated, InvalidToken."""
    header = _header(request)
    found = request.query.get(QUERY_TOKEN) or header
    if not found:
        raise Unauthenticated
    return found


def me(actor: Actor) -> UserId:
    """The person whom `me` stands for: the caller, or whose recovery token this is. Raises WhoIsMe."""
    user_id = actor.user_id or actor.acting_for
    if user_id is None:
        raise WhoIsMe
    return user_id


def is_trusted(actor: Actor) -> bool:
    """Whether the caller has a trusted role: one with every permission, like the built-in `admin`."""
    return actor.may("*")


async def _known(tx: Tx, request: Request, operation: Operation, text: str) -> Actor | None:
    """Whose token it is; None for a bad one where anonymous callers are welcome."""
    try:
        return await tokens.authenticate(tx, request.realm_slug, text, request.origin)
    except InvalidToken:
        if TAKES_PROOF in operation.extra:
            return await proofs.authenticate(tx, request.realm_slug, text, request.origin)
        if operation.public:
            return None
        raise


async def _nobody(tx: Tx, request: Request) -> Actor:
    realm = await realms.by_slug(tx, request.realm_slug)
    return msgspec.structs.replace(
        actors.anonymous(realm.id, realm.slug, request.origin),
        realm_version=realm.version,
        access_version=realm.access_version,
    )


async def _with_grants(tx: Tx, operation: Operation, actor: Actor) -> Actor:
    """With what the lists give; the holder of a recovery token may do that one thing and nothing else."""
    if actor.proof is not None:
        return actor
    grants = await objects.with_classes(tx, actor, CLASSES)
    if operation.id == "User.count" and tx.runtime.settings.dialects.acceleratxr.anonymous_count:
        grants = msgspec.structs.replace(grants, everywhere=grants.everywhere | _ANONYMOUS_COUNT)
    return actor if grants is actor.grants else msgspec.structs.replace(actor, grants=grants)


def _require_known_me(request: Request, operation: Operation) -> None:
    """Asking for recovery tells nothing about anybody, so it does not complain about `me` either."""
    if operation.id == "User.recover":
        return
    if any(value.lower() == ME for name, value in request.params.items() if name in ("id", "userId")):
        raise WhoIsMe


def _header(request: Request) -> str | None:
    """The token of `Authorization: jwt TOKEN`; `bearer` is understood too. Raises InvalidToken."""
    header = request.header("authorization")
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    if scheme.lower() not in ("jwt", "bearer") or not text or " " in text:
        raise InvalidToken
    return text


def _query(tx: Tx, request: Request, operation: Operation) -> str | None:
    everywhere = tx.runtime.settings.dialects.acceleratxr.query_token_everywhere
    if everywhere or IN_QUERY in operation.parameters:
        return request.query.get(QUERY_TOKEN) or None
    return None


def _cookie(request: Request, operation: Operation) -> str | None:
    """Cookies go along by themselves, so they count for changes only when a page of this installation asks."""
    text = request.cookie(COOKIE)
    if not text or not operation.writes or _is_same_origin(request):
        return text or None
    if operation.public:
        return None
    raise Forbidden("Changes with a cookie must come from this server's own pages.")


def is_sent_elsewhere(request: Request) -> bool:
    """Whether a browser says that something else than a page of this installation made it ask."""
    return request.header("sec-fetch-site") is not None and not _is_same_origin(request)


def _is_same_origin(request: Request) -> bool:
    """Fetch, section 3.2; without any word about it the answer is no."""
    origin = request.header("origin")
    own = {request.public_url, f"{request.scheme}://{request.host}"}
    return origin in own or (origin is None and request.header("sec-fetch-site") == "same-origin")
