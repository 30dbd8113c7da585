"""Signing in, up and out; recovering a password, verifying an address."""

from typing import Final

from roster.core.flows import login, passwords, signup
from roster.core.flows.models import Granted, StepNeeded
from roster.core.realms.errors import RealmNotFound
from roster.core.recovery import service as recovery
from roster.core.sessions.errors import SessionNotFound
from roster.core.tokens import service as tokens
from roster.core.users.errors import EmailTaken, UsernameTaken
from roster.dialects.native import auth, pages
from roster.dialects.native.mapping import sign_in as mapping
from roster.dialects.native.wire import sign_in as wire
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, Forbidden, InvalidToken, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Sign-in")


@ops.post(
    "/sign-in",
    id="signIn",
    public=True,
    errors=(BadCredentials, RealmNotFound, TooMany, Forbidden),
    returns=wire.SignInAnswer,
)
async def sign_in(runtime: Runtime, actor: Actor, request: Request, body: wire.SignIn) -> Reply:
    """Sign in with a name and a password.

    Whoever has a second factor and sends no `code` gets `mfa_required` and goes on with `POST /sign-in/mfa`.
    With `cookie` the tokens go into cookies that scripts cannot read; then requests that change something must come
    from this server's own pages.
    """
    if body.cookie:
        auth.require_same_origin(request)
    actor = await auth.nobody_in(runtime, request, actor, body.realm)
    done = await login.password(runtime, actor, body.username, body.password, code=body.code)
    if isinstance(done, StepNeeded):
        return Reply(body=mapping.step_out(done))
    reply = _signed_in(request, actor, done, cookie=body.cookie)
    return Reply(body=mapping.answer_out(reply[0]), headers=reply[1])


@ops.post(
    "/sign-in/mfa",
    id="signInWithSecondFactor",
    public=True,
    errors=(BadCredentials, InvalidToken, TooMany, Forbidden),
    returns=wire.SignedIn,
)
async def second_factor(runtime: Runtime, actor: Actor, request: Request, body: wire.SecondFactor) -> Reply:
    """Finish a sign-in with a one-time code or a backup code."""
    if body.cookie:
        auth.require_same_origin(request)
    actor = await auth.nobody_with(runtime, request, actor, body.mfa_token)
    granted = await login.second_factor(runtime, actor, body.mfa_token, body.code)
    signed_in, headers = _signed_in(request, actor, granted, cookie=body.cookie)
    return Reply(body=signed_in, headers=headers)


@ops.post("/refresh", id="refresh", public=True, errors=(InvalidToken, Forbidden), returns=wire.SignedIn)
async def refresh(runtime: Runtime, actor: Actor, request: Request, body: wire.Refresh | None) -> Reply:
    """Get new tokens for a refresh token, which is spent.

    A browser sends its cookie instead. A refresh token that is used a second time was copied: the session ends.
    """
    text = body.refresh_token if body else None
    from_cookie = text is None
    if text is None:
        text = request.cookie(auth.REFRESH_COOKIE)
        auth.require_same_origin(request)
    if not text:
        raise InvalidToken
    actor = await auth.nobody_with(runtime, request, actor, text)
    granted = await login.refresh(runtime, actor, text)
    signed_in, headers = _signed_in(request, actor, granted, cookie=from_cookie)
    return Reply(body=signed_in, headers=headers)


@ops.post("/sign-out", id="signOut", status=204, errors=(SessionNotFound, Forbidden))
async def sign_out(tx: Tx, request: Request) -> Reply:
    """End the session behind this request; its tokens fail from now on, in every API."""
    await login.sign_out(tx)
    had_cookie = request.cookie(auth.SESSION_COOKIE) is not None
    return Reply(204, headers=auth.no_cookies(request) if had_cookie else ())


@ops.post(
    "/sign-up",
    id="signUp",
    public=True,
    status=201,
    errors=(RealmNotFound, Forbidden, UsernameTaken, EmailTaken, TooMany),
    returns=wire.SignedIn,
)
async def sign_up(runtime: Runtime, actor: Actor, request: Request, body: wire.SignUp) -> Reply:
    """Make an account for oneself and sign in, where the realm allows it. A message asks to verify the address."""
    if body.cookie:
        auth.require_same_origin(request)
    actor = await auth.nobody_in(runtime, request, actor, body.realm)
    granted = await signup.register(
        runtime, actor, mapping.own_draft(body), password=body.password, link=pages.verify_link(request)
    )
    signed_in, headers = _signed_in(request, actor, granted, cookie=body.cookie)
    return Reply(201, signed_in, headers)


@ops.post("/recover", id="recover", public=True, status=202, errors=(RealmNotFound, TooMany))
async def recover(runtime: Runtime, actor: Actor, request: Request, body: wire.Recover) -> None:
    """Ask for a message with a link for setting a new password. The answer is the same for everybody, also nobody."""
    actor = await auth.nobody_in(runtime, request, actor, body.realm)
    await recovery.request(runtime, actor, body.identifier, pages.recover_link(request))


@ops.post("/recover/confirm", id="confirmRecovery", public=True, status=204, errors=(InvalidToken,))
async def confirm_recovery(runtime: Runtime, actor: Actor, request: Request, body: wire.RecoverConfirm) -> None:
    """Set a new password with the token of the message. All sessions end; nobody is signed in by this."""
    actor = await auth.nobody_with(runtime, request, actor, body.token)
    await passwords.recover(runtime, actor, body.token, body.password)


@ops.post("/verify", id="verifyEmail", public=True, status=204, errors=(InvalidToken,))
async def verify(runtime: Runtime, actor: Actor, request: Request, body: wire.Verify) -> None:
    """Prove an e-mail address with the token of the message."""
    actor = await auth.nobody_with(runtime, request, actor, body.token)
    await recovery.verify_email(runtime, actor, body.token)


@ops.get("/jwks", id="getJwks", public=True)
async def jwks(tx: Tx) -> wire.Jwks:
    """The public keys with which others check access tokens (RFC 7517)."""
    return wire.Jwks(keys=(await tokens.jwks(tx))["keys"])  # type: ignore[arg-type]


def _signed_in(
    request: Request, actor: Actor, granted: Granted, *, cookie: bool
) -> tuple[wire.SignedIn, tuple[tuple[str, str], ...]]:
    if cookie:
        return mapping.cookie_out(granted, actor.realm_slug), auth.cookies(request, granted)
    return mapping.tokens_out(granted, actor.realm_slug), ()
