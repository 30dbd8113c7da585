"""Tokens of sessions: making them, and finding out whose they are (notes, section 12)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from roster.core.flows.models import StepNeeded
from roster.core.realms import service as realms
from roster.core.sessions import service as core
from roster.core.sessions import texts
from roster.core.sessions.models import Session
from roster.core.tokens import service as tokens
from roster.dialects.wellbee import cookies, jwt
from roster.dialects.wellbee.jwt import Claims
from roster.kit.actor import Actor, Origin
from roster.kit.errors import InvalidToken
from roster.settings import WellbeeDialect
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.request import Request

NOTHING: Final[Mapping[str, object]] = {}
_EXPIRED: Final = "Token expired"


class Known(msgspec.Struct, frozen=True):
    """Who presented a token. `claims` is what it says, of one in the platform's own form."""

    actor: Actor
    claims: Claims | None = None

    @property
    def extra(self) -> Mapping[str, object]:
        """What a service has added to the token."""
        return NOTHING if self.claims is None else self.claims.extra


def token_of(
    runtime: Runtime, realm_slug: str, session: Session, until: datetime, extra: Mapping[str, object] = NOTHING
) -> str:
    """A token for a live session, good until then at most."""
    until = min(until, session.expires_at)
    return jwt.write(_key(runtime, realm_slug), session.id, session.user_id, round(until.timestamp(), 3), extra)


async def known_by(tx: Tx, realm_slug: str, text: str, origin: Origin) -> Known:
    """Whom a token belongs to, and that this moment they are in order; access tokens of the realm are good too.

    Leaves the actor in `tx.actor`. Raises InvalidToken, which says why as far as the token itself shows it.
    """
    if not jwt.is_ours(text) or not realm_slug.isprintable():
        return Known(await tokens.authenticate(tx, realm_slug, text, origin))
    claims, is_imported = _verified(tx.runtime, realm_slug, text)
    if claims.exp <= tx.now.timestamp():
        raise InvalidToken(_EXPIRED)
    named = await texts.marked(tx, realm_slug, claims.original_session()) if is_imported else claims.session_id
    if named is None:
        raise InvalidToken(_EXPIRED)
    try:
        return Known(await tokens.of_session(tx, realm_slug, named, claims.id, origin), claims)
    except InvalidToken:
        raise InvalidToken(_EXPIRED) from None


async def prolong(tx: Tx, request: Request, claims: Claims) -> None:
    """Let a session that came by cookie last as long as a new one, once a hundredth of that time is over."""
    lasting = tx.runtime.settings.dialects.wellbee.cookie_seconds
    if claims.session_id is None or claims.exp - tx.now.timestamp() > lasting * 0.99:
        return
    session = await core.prolong(tx, claims.session_id, lasting)
    if session is not None:
        hand_over(tx, request, session, claims.extra)


def hand_over(tx: Tx, request: Request, session: Session, extra: Mapping[str, object] = NOTHING) -> None:
    """Have the answer set the cookie of a session."""
    settings = tx.runtime.settings
    until = min(session.expires_at, tx.now + timedelta(seconds=settings.dialects.wellbee.cookie_seconds))
    cookies.set_token(request, settings, token_of(tx.runtime, request.realm_slug, session, until, extra), until)


def hand_over_step(tx: Tx, request: Request, step: StepNeeded) -> None:
    """Have the answer set the cookie of a sign-in that lacks its second factor."""
    cookies.set_token(request, tx.runtime.settings, step.proof, tx.now + timedelta(seconds=step.expires_in))


async def access_token(tx: Tx, session: Session, extra: Mapping[str, object] = NOTHING) -> str:
    """The token that goes with a refresh token."""
    until = tx.now + timedelta(seconds=tx.runtime.settings.dialects.wellbee.access_token_seconds)
    return token_of(tx.runtime, (await realms.current(tx)).slug, session, until, extra)


def _verified(runtime: Runtime, realm_slug: str, text: str) -> tuple[Claims, bool]:
    """What a token says, and whether the installation before this one made it."""
    is_own = jwt.is_signed(text, _key(runtime, realm_slug))
    if not is_own and not _is_imported(runtime.settings.dialects.wellbee, realm_slug, text):
        raise InvalidToken("Signature verification failed")
    claims = jwt.claims_of(text)
    if claims is None:
        raise InvalidToken("Not a token")
    return claims, not is_own


def _is_imported(settings: WellbeeDialect, realm_slug: str, text: str) -> bool:
    secret = settings.legacy_jwt_secret
    return secret is not None and realm_slug == settings.realm and jwt.is_signed(text, secret.encode())


def _key(runtime: Runtime, realm_slug: str) -> bytes:
    return runtime.keyring.mac("wellbee-token", realm_slug.encode())
