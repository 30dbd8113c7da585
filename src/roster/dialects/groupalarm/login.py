"""Logging in and out, the next JWT of a session, and the list of sessions (contract, tag auth; notes, section 4)."""

from collections.abc import Mapping
from typing import Final

from roster.core.availability import service as availability
from roster.core.credentials.models import Kind
from roster.core.flows import login as flow
from roster.core.flows.models import Granted, StepNeeded
from roster.core.sessions import service as sessions
from roster.core.sessions.errors import SessionNotFound
from roster.core.tokens import service as tokens
from roster.core.users import numbers
from roster.core.users.models import User
from roster.dialects.groupalarm import auth, mapping, replies, wire
from roster.dialects.groupalarm.errors import MfaRequired
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidInput, InvalidToken, TooMany, Unauthenticated
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.request import Request

ops: Final = Operations(tag="auth")

_FORM: Final = "application/x-www-form-urlencoded"
_CHAT: Final = Parameter(
    name="chat_token_platform",
    description="Taken and ignored.",
    schema={"type": "string", "enum": ["android", "ios", ""]},
)


@ops.post(
    "/auth/login",
    id="Login",
    public=True,
    consumes=(_FORM,),
    parameters=(_CHAT,),
    errors=(InvalidInput, BadCredentials, MfaRequired, TooMany),
)
async def login(runtime: Runtime, actor: Actor, body: wire.LoginForm) -> wire.User:
    """Log in with e-mail address and password.

    With two-factor login on, the answer to a right password alone is 401 with `MFA required`; the call is then repeated
    with all three fields. A backup code is taken in `mfa` as well.
    """
    done = await flow.password(
        runtime,
        actor,
        body.email,
        body.password,
        code=body.mfa.strip() or None,
        claims=_claims,
        kinds=(Kind.PASSWORD,),
    )
    if isinstance(done, StepNeeded):
        raise MfaRequired
    return await _signed_in(runtime, actor, done)


@ops.post("/auth/refresh", id="RefreshSession", public=True, errors=(Unauthenticated, InvalidToken))
async def refresh(runtime: Runtime, request: Request, actor: Actor) -> wire.User:
    """Exchange a JWT for a newer one.

    `sequence` grows by one. A JWT may have expired, as long as its session has not; one that was exchanged before is
    good for thirty seconds more, so that parallel calls get the same answer, and then ends the session: it was copied.
    """
    text = auth.bearer(request)
    if text is None:
        raise Unauthenticated
    async with runtime.read(actor) as tx:
        session_id, sequence = await tokens.numbered(tx, request.realm_slug, text)
        spent = sessions.refresh_token_of(tx, session_id, sequence)
    done = await flow.refresh(runtime, actor, spent, claims=_claims)
    return await _signed_in(runtime, actor, done)


@ops.post("/auth/logout", id="Logout", extra={**auth.LOGIN_ONLY, **auth.BEFORE_ACTIVATION})
async def logout(tx: Tx, request: Request) -> wire.Success:
    """End the current session."""
    await flow.sign_out(tx)
    return replies.done(request, "MSG_LOGGED_OUT")


@ops.get("/auth/sessions", id="ListUserSessions", errors=(InvalidInput,), extra=auth.PERSON_ONLY)
async def list_sessions(tx: Tx, query: replies.Page) -> wire.SessionList:
    """List own sessions, newest first; those that ended not long ago are expired."""
    me = auth.me(tx.actor)
    found, total = await sessions.all_of(tx, me, limit=query.limit, offset=query.offset)
    number = (await numbers.of(tx, [me]))[me]
    return wire.SessionList([mapping.session_out(each, number, tx.now) for each in found], total)


@ops.delete("/auth/sessions/{id}", id="TerminateUserSession", errors=(SessionNotFound,), extra=auth.PERSON_ONLY)
async def end_session(tx: Tx, request: Request, id: int) -> wire.Success:
    """End one own session; its JWTs stop working at once."""
    session = await sessions.get_numbered(tx, id)
    if session.user_id != auth.me(tx.actor):
        raise SessionNotFound
    await sessions.end(tx, session.id)
    return replies.done(request, "MSG_SESSION_ENDED")


async def _signed_in(runtime: Runtime, actor: Actor, done: Granted) -> wire.User:
    async with runtime.read(actor) as tx:
        available = await availability.preferred(tx, done.user.id)
    return mapping.user_out(done.user, available=available, token=done.access_token)


async def _claims(_tx: Tx, _user: User) -> Mapping[str, object]:
    """JWTs of this dialect carry their number."""
    return {tokens.NUMBERED: True}
