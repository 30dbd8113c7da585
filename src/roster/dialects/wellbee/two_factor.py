"""`/auth/…-tfa…`: codes by text message as a second factor (notes, section 13)."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.core.flows import login, second_factors
from roster.core.flows.models import Granted
from roster.core.mfa.errors import NotActive, WrongCode
from roster.core.users import service as users
from roster.dialects.wellbee import auth, cookies, people, sessions, sign_in
from roster.dialects.wellbee.auth import READS_BY_ITSELF, Presented
from roster.dialects.wellbee.cookies import ForeignOrigin
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.signing_in import WrongSecondFactor
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidInput, InvalidToken, StepUpRequired, TooMany, Unauthenticated
from roster.storage.runtime import Runtime
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="auth")


class Number(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where codes shall go."""

    phone_number: Annotated[str, Meta(min_length=1, max_length=64)]


class Proof(msgspec.Struct, frozen=True):
    """What shows that it is the person who turns it off, unless they signed in just now."""

    password: str | None = None


class Code(msgspec.Struct, frozen=True, rename="camel"):
    """A code as it was texted; or one of an authenticator, for people who have that."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]


@ops.post("/auth/enable-tfa-sms", id="auth-tfa-sms-enable", errors=(InvalidInput, TooMany, StepUpRequired))
async def enable(runtime: Runtime, actor: Actor, body: Number) -> None:
    """Text a code to a number; `verify-tfa` with it turns the second factor on."""
    if actor.user_id is None:
        raise Unauthenticated
    await second_factors.begin_texting(runtime, actor, actor.user_id, body.phone_number)


@ops.post("/auth/disable-tfa-sms", id="auth-tfa-sms-disable", errors=(StepUpRequired,))
async def disable(runtime: Runtime, actor: Actor, body: Proof | None) -> None:
    """Turn it off, after a recent sign-in or with the password. Nothing happens to those who do not have it."""
    if actor.user_id is None:
        raise Unauthenticated
    try:
        await second_factors.stop_texting(runtime, actor, actor.user_id, password=body.password if body else None)
    except NotActive:
        return


@ops.post(
    "/auth/verify-tfa",
    id="auth-tfa-verify",
    public=True,
    errors=(InvalidInput, WrongSecondFactor, TooMany, ForeignOrigin),
    extra={READS_BY_ITSELF: True},
)
async def verify(runtime: Runtime, request: Request, actor: Actor, body: Code) -> Document:
    """Finish a sign-in, or turn the second factor on, with a code.

    Whoever came by cookie gets the session's cookie; others get its tokens.
    """
    async with runtime.read(actor) as tx:
        found = auth.presented(tx, request)
    if found is None:
        raise WrongSecondFactor
    if found.is_cookie:
        cookies.refuse_other_sites(request)
    try:
        return await _verified(runtime, request, actor, found, body.code)
    except (BadCredentials, WrongCode, InvalidToken):
        raise WrongSecondFactor from None


async def _verified(runtime: Runtime, request: Request, actor: Actor, found: Presented, code: str) -> Document:
    if not await login.is_step(runtime, actor, found.text):
        return await _confirmed(runtime, request, found, code)
    refresh_for = None if found.is_cookie else runtime.settings.dialects.wellbee.refresh_token_seconds
    done = await login.second_factor(runtime, actor, found.text, code, refresh_for=refresh_for)
    return await _signed_in(runtime, request, actor, done, by_cookie=found.is_cookie)


async def _signed_in(runtime: Runtime, request: Request, actor: Actor, done: Granted, *, by_cookie: bool) -> Document:
    async with runtime.read(actor) as tx:
        if by_cookie:
            return await sign_in.with_cookie(tx, request, done)
        return {**await people.signed_in(tx, done.user), **await sign_in.with_tokens(tx, done)}


async def _confirmed(runtime: Runtime, request: Request, found: Presented, code: str) -> Document:
    async with runtime.lease() as tx:
        known = await sessions.known_by(tx, request.realm_slug, found.text, request.origin)
    user_id = known.actor.user_id
    if user_id is None:
        raise InvalidToken
    await second_factors.confirm_texting(runtime, known.actor, user_id, code)
    async with runtime.read(known.actor) as tx:
        return await people.signed_in(tx, await users.get(tx, user_id))
