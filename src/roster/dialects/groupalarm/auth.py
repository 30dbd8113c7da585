"""Who asks: a login, a personal access token or the API token of an organisation, in this order (notes, section 3).

Empty headers do not count, since clients send several. The first one that says something must be good.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import recent
from roster.core.realms import service as realms
from roster.core.tokens import organisations
from roster.core.tokens import service as tokens
from roster.dialects.groupalarm.errors import NotActivated, NoUser, UnreadableClaims, UnreadableToken, UserOnly
from roster.kit import actor as actors
from roster.kit import secrets
from roster.kit.actor import Actor
from roster.kit.errors import InvalidToken, RosterError, Unauthenticated
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web.operation import Operation
from roster.web.request import Request

_PERSONAL: Final = "personal-access-token"
_API: Final = "api-token"
_ANSWER: Final = "x-organisations-get"
_NOT_ACTIVE: Final = "x-before-activation"
_LOGIN: Final = "x-login-only"
_CLAIMS: Final = "x-reads-claims"
_OPTIONAL: Final = "x-may-be-logged-in"
_OR_NOBODY: Final[list[dict[str, list[str]]]] = [{}, {"BearerJwt": []}, {"PersonalAccessToken": []}]
_BY_LOGIN: Final[list[dict[str, list[str]]]] = [{"BearerJwt": []}]

PERSON: Final[Mapping[str, object]] = {_ANSWER: 400}
"""Marks operations of the current user, which no organisation is."""
PERSON_ONLY: Final[Mapping[str, object]] = {_ANSWER: 403}
"""The same where the contract has no 400 (notes, section 3)."""
BEFORE_ACTIVATION: Final[Mapping[str, object]] = {_NOT_ACTIVE: True}
"""Marks operations for people whose address is not verified yet too (notes, section 5)."""
LOGIN_ONLY: Final[Mapping[str, object]] = {_LOGIN: True, "security": _BY_LOGIN}
"""Marks operations about the present session, which tokens do not have."""
READS_CLAIMS: Final[Mapping[str, object]] = {_CLAIMS: True}
"""Marks operations that tell a JWT that cannot be read from one that is not good."""

OPTIONAL: Final[Mapping[str, object]] = {_OPTIONAL: True, "security": _OR_NOBODY}
"""Marks public operations that a person may come to logged in; a credential that is sent must be good."""

SECURITY_SCHEMES: Final = {
    "BearerJwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The token of Login."},
    "PersonalAccessToken": {"type": "apiKey", "in": "header", "name": "Personal-Access-Token"},
    "ApiToken": {"type": "apiKey", "in": "header", "name": "API-TOKEN"},
}


async def authenticate(tx: Tx, request: Request, operation: Operation) -> Actor:
    """The actor; nobody for public operations, whatever credential came along.

    Raises Unauthenticated, InvalidToken, RealmNotFound, and what the marks of the operation say.
    """
    text = bearer(request)
    if operation.public and not (_OPTIONAL in operation.extra and (text or (request.header(_PERSONAL) or "").strip())):
        return await _nobody(tx, request)
    if text is not None:
        if _CLAIMS in operation.extra:
            _require_readable(text)
        actor = await _logged_in(tx, request, text)
    else:
        actor = await _with_token(tx, request, operation)
    if not (actor.is_confirmed or operation.public or _NOT_ACTIVE in operation.extra):
        raise NotActivated
    return actor


def bearer(request: Request) -> str | None:
    """The JWT of the request. Raises InvalidToken for a header that names none."""
    scheme, _, text = (request.header("authorization") or "").strip().partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        return None
    return text


def me(actor: Actor) -> UserId:
    """The person who asks; the marks of the operation have seen to it that it is one. Raises NoUser."""
    if actor.user_id is None:
        raise NoUser
    return actor.user_id


def needs_login(tx: Tx) -> bool:
    """Whether what decides about the account takes a recent sign-in, rather than any login or personal token."""
    return tx.runtime.settings.dialects.groupalarm.account_needs_login


async def require_login(tx: Tx) -> None:
    """Raise StepUpRequired where the operator wants a recent sign-in and there was none."""
    if needs_login(tx):
        await recent.require_recent_sign_in(tx)


async def _logged_in(tx: Tx, request: Request, text: str) -> Actor:
    """By the token of a session; keys of programs have headers of their own here."""
    actor = await tokens.authenticate(tx, request.realm_slug, text, request.origin)
    if actor.session_id is None:
        raise InvalidToken
    return actor


async def _with_token(tx: Tx, request: Request, operation: Operation) -> Actor:
    personal, organisation = ((request.header(name) or "").strip() for name in (_PERSONAL, _API))
    if (personal or organisation) and _LOGIN in operation.extra:
        raise Unauthenticated
    if personal:
        actor = await tokens.authenticate(tx, request.realm_slug, personal, request.origin)
        if "personal" not in actor.factors or actor.session_id is not None:
            raise InvalidToken
        return actor
    if not organisation:
        raise Unauthenticated
    actor = await organisations.authenticate(tx, request.realm_slug, organisation, request.origin)
    _refuse_organisation(operation)
    return actor


async def _nobody(tx: Tx, request: Request) -> Actor:
    realm = await realms.by_slug(tx, request.realm_slug)
    return msgspec.structs.replace(
        actors.anonymous(realm.id, realm.slug, request.origin),
        realm_version=realm.version,
        access_version=realm.access_version,
    )


def _refuse_organisation(operation: Operation) -> None:
    """Raise what the operation answers to an organisation, if it is for people only."""
    found = operation.extra.get(_ANSWER)
    refusals: Mapping[object, type[RosterError]] = {400: NoUser, 403: UserOnly}
    if found in refusals:
        raise refusals[found]


class _Claims(msgspec.Struct, frozen=True):
    sub: UUID
    sid: UUID


def _require_readable(text: str) -> None:
    """Raise UnreadableToken for what is no JWT, UnreadableClaims for one that names no session (contract, GetUser)."""
    parts = [secrets.decode(part) for part in text.split(".")]
    if len(parts) != 3 or parts[0] is None or parts[1] is None or not _is_object(parts[0]):
        raise UnreadableToken
    try:
        msgspec.json.decode(parts[1], type=_Claims)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UnreadableClaims from None


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(data), dict)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
