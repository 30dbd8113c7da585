"""`/auth`: signing in with a password, refreshing, and turning a token into a cookie (contract, group auth)."""

import re
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import urlsplit

import msgspec

from roster.core.credentials.models import Kind
from roster.core.flows import login, renewing
from roster.core.flows.models import Granted, StepNeeded
from roster.core.flows.refusals import Refusal
from roster.core.mfa.errors import BankIdRequired
from roster.core.sessions import service as core
from roster.dialects.wellbee import conditions, cookies, people, sessions
from roster.dialects.wellbee.auth import READS_BY_ITSELF
from roster.dialects.wellbee.cookies import ForeignOrigin
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.signing_in import (
    EmailNotVerified,
    NobodyFound,
    NoToken,
    RefreshTokenExpired,
    UnknownRefreshToken,
)
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidInput, InvalidToken, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import plain_page
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="auth")

_BANKID_DUE: Final[Document] = {"twoFactorRequired": True, "methods": ["bankid"]}
"""The whole answer: what signs in then is BankID alone, so there is nothing to go on with."""
_UNREAD: Final = {READS_BY_ITSELF: True}
_OWN_PATH: Final = re.compile("/(?!/)")
"""Behind any number of slashes from the second one on browsers look for a host."""
_ERRORS: Final = (InvalidInput, BadCredentials, EmailNotVerified, TooMany, ForeignOrigin)


class RefreshBody(msgspec.Struct, frozen=True, rename="camel"):
    """A refresh token."""

    refresh_token: str | None = None


class ToCookie(msgspec.Struct, frozen=True):
    """A token, where it is not in the header, and where to go then."""

    token: str | None = None
    redirect: str | None = None


@ops.post("/auth/cookie", id="auth-login-cookie", public=True, errors=_ERRORS, extra=_UNREAD)
async def by_cookie(runtime: Runtime, actor: Actor, request: Request, body: dict[str, object]) -> Document:
    """Sign in for a browser: the answer sets a cookie.

    Further members are conditions on the person. Where a second factor is due, the cookie is good for
    `/auth/verify-tfa` only, and the answer says so.
    """
    lasting = runtime.settings.dialects.wellbee.cookie_seconds
    cookies.refuse_other_sites(request)
    done = await _sign_in(runtime, actor, request, body, lasting=lasting)
    if done is None:
        return _BANKID_DUE
    async with runtime.read(actor) as tx:
        return await with_cookie(tx, request, done)


@ops.post("/auth/token", id="auth-login-token", public=True, errors=_ERRORS, extra=_UNREAD)
async def by_token(runtime: Runtime, actor: Actor, request: Request, body: dict[str, object]) -> Document:
    """Sign in for a program: the answer holds an access token and a refresh token.

    Further members and second factors as with the cookie.
    """
    lasting = runtime.settings.dialects.wellbee.refresh_token_seconds
    done = await _sign_in(runtime, actor, request, body, lasting=lasting, refresh_for=lasting)
    if done is None:
        return _BANKID_DUE
    async with runtime.read(actor) as tx:
        return await with_tokens(tx, done)


ops.post("/auth/web", id="auth-login-cookie-web", public=True, errors=_ERRORS, extra=_UNREAD)(by_cookie)
ops.post("/auth/app", id="auth-login-token-app", public=True, errors=_ERRORS, extra=_UNREAD)(by_token)


@ops.post(
    "/auth/refresh",
    id="auth-refresh",
    public=True,
    errors=(UnknownRefreshToken, RefreshTokenExpired, NobodyFound, InvalidInput),
    extra=_UNREAD,
)
async def refresh(runtime: Runtime, actor: Actor, body: RefreshBody) -> Document:
    """A new access token for a refresh token, which stays good unless the installation has them exchanged."""
    return await refreshed(runtime, actor, body.refresh_token or "", {})


@ops.get(
    "/auth/token-to-cookie",
    id="auth-token-to-cookie",
    public=True,
    errors=(NoToken, InvalidToken, InvalidInput, ForeignOrigin),
    extra=_UNREAD,
    also_produces=("text/html",),
)
async def token_to_cookie(tx: Tx, request: Request, query: ToCookie) -> Reply:
    """Set the cookie of the session that a token belongs to, perhaps with a page that leads on."""
    cookies.refuse_other_sites(request)
    scheme, _, text = (request.header("authorization") or "").strip().partition(" ")
    text = (text.strip() if scheme.lower() == "bearer" else "") or query.token or ""
    if not text:
        raise NoToken
    leads_to = None if query.redirect is None else _checked(tx.runtime, request, query.redirect)
    known = await sessions.known_by(tx, request.realm_slug, text, request.origin)
    if known.actor.session_id is None:
        raise InvalidToken
    sessions.hand_over(tx, request, await core.get(tx, known.actor.session_id), known.extra)
    return Reply() if leads_to is None else _leading(leads_to)


async def refreshed(runtime: Runtime, actor: Actor, text: str, extra: Mapping[str, object]) -> Document:
    """The answer to a refresh token. Raises UnknownRefreshToken, RefreshTokenExpired, NobodyFound."""
    own = runtime.settings.dialects.wellbee
    exchanged_for = own.refresh_token_seconds if own.rotate_refresh_tokens else None
    done = await renewing.renew(runtime, actor, text, exchanged_for=exchanged_for)
    if isinstance(done, Refusal):
        raise _REFUSED.get(done, RefreshTokenExpired)
    async with runtime.read(actor) as tx:
        found: Document = {"accessToken": await sessions.access_token(tx, done.session, extra)}
    return found if done.refresh_token is None else {**found, "refreshToken": done.refresh_token}


async def with_cookie(
    tx: Tx, request: Request, done: Granted | StepNeeded, extra: Mapping[str, object] = sessions.NOTHING
) -> Document:
    """The answer to a sign-in by cookie."""
    if isinstance(done, StepNeeded):
        sessions.hand_over_step(tx, request, done)
        return step_of(done)
    sessions.hand_over(tx, request, done.session, extra)
    return await people.signed_in(tx, done.user)


async def with_tokens(tx: Tx, done: Granted | StepNeeded, extra: Mapping[str, object] = sessions.NOTHING) -> Document:
    """The answer to a sign-in by token."""
    if isinstance(done, StepNeeded):
        return {"accessToken": done.proof, **step_of(done)}
    return {
        "accessToken": await sessions.access_token(tx, done.session, extra),
        "refreshToken": done.refresh_token,
        tx.runtime.settings.dialects.wellbee.user_data_key: await people.signed_in(tx, done.user),
    }


def step_of(step: StepNeeded) -> Document:
    """What is still due. Backup codes are taken wherever codes of an authenticator are."""
    return {"twoFactorRequired": True, "methods": [each for each in step.factors if each != "backup"]}


_REFUSED: Final = {Refusal.UNKNOWN: UnknownRefreshToken, Refusal.DELETED: NobodyFound}


async def _sign_in(
    runtime: Runtime,
    actor: Actor,
    request: Request,
    body: Mapping[str, object],
    *,
    lasting: int,
    refresh_for: int | None = None,
) -> Granted | StepNeeded | None:
    """None for a right password where only BankID opens the account."""
    username, password = conditions.text(body, "username"), conditions.text(body, "password")
    further = {name: value for name, value in body.items() if name not in ("username", "password", "access_token")}
    terms = conditions.terms(runtime, further, lasting=lasting, refresh_for=refresh_for)
    version = request.header("version") or ""
    try:
        return await login.password(
            runtime, actor, username, password, kinds=(Kind.PASSWORD,), terms=terms, label=version[:100]
        )
    except BankIdRequired:
        return None


def _checked(runtime: Runtime, request: Request, address: str) -> str:
    """Where the page may lead: our own site, or one of those that the installation names."""
    parts = urlsplit(address) if address.isprintable() and "\\" not in address else None
    if parts is not None and not parts.scheme and not parts.netloc and _OWN_PATH.match(address):
        return address
    own = runtime.settings.dialects.wellbee
    origin = f"{parts.scheme}://{parts.netloc}" if parts is not None else ""
    if origin not in (request.public_url, *own.redirect_origins):
        raise InvalidInput.of("redirect", "not_allowed", "should be an address that this installation leads to")
    return address


def _leading(address: str) -> Reply:
    shown = escape(address)
    content = f'<meta http-equiv="refresh" content="0;url={shown}"><p><a href="{shown}">Continue</a></p>'
    return plain_page.of("Signed in", content)
