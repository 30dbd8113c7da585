"""Signing in: HTTP Basic, the second step, renewal, and external providers (contract, tag Authentication)."""

import base64
from typing import Final
from urllib.parse import quote

from roster.core.flows import external, login
from roster.core.flows.errors import LinkRequired
from roster.core.flows.models import Granted, StepNeeded
from roster.dialects.acceleratxr import auth, lookup, mapping, wire
from roster.dialects.acceleratxr.errors import CodeNeeded
from roster.federation import service as federation
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, TooMany, Unauthenticated
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.reply import Headers, Reply
from roster.web.request import Request

ops = Operations(tag="Authentication")

_BASIC: Final[dict[str, object]] = {auth.READS_ITSELF: True, "security": [{"basic": []}]}
_STEP: Final[dict[str, object]] = {auth.READS_ITSELF: True, "security": [{"jwtQuery": []}, {"jwt": []}]}
_TOKEN: Final = Parameter(name="oauth_token", description="Access token of the provider.", required=True)
_REFRESH: Final = Parameter(name="oauth_refresh", description="Refresh token of the provider.")
_SECRET: Final = Parameter(name="oauth_token_secret", description="Twitter's secret for the token.")


@ops.get(
    "/auth/password",
    id="AuthBasic.authenticate",
    errors=(BadCredentials, TooMany),
    returns=wire.AuthToken,
    extra=_BASIC,
)
async def password(runtime: Runtime, request: Request, actor: Actor) -> Reply:
    """Sign in.

    HTTP Basic: any identifier of the user; a password, API key, device secret or unused backup code. When a second
    factor is needed, the answer leads to the second step.
    """
    identifier, secret = _basic(request)
    named = mapping.identifier(identifier)
    return _reply(request, await login.password(runtime, actor, named, secret, claims=lookup.claims))


@ops.post(
    "/auth/totp",
    id="AuthTotp.authenticate",
    errors=(InvalidToken, BadCredentials, InvalidInput, TooMany),
    parameters=(auth.IN_QUERY,),
    returns=wire.AuthToken,
    extra=_STEP,
)
async def second_factor(runtime: Runtime, request: Request, actor: Actor, body: wire.TotpCode) -> Reply:
    """Second factor.

    Needs the token of the first step, and a code of the authenticator or a backup code.
    """
    proof, code = auth.own_token(request), mapping.code(body)
    return _reply(request, await login.second_factor(runtime, actor, proof, code, claims=lookup.claims))


@ops.get("/auth/totp", id="AuthTotp.redirected", errors=(CodeNeeded,), parameters=(auth.IN_QUERY,), extra=_STEP)
async def second_factor_redirected() -> None:
    """Tell clients that followed the redirect by themselves that a code is needed."""
    raise CodeNeeded


@ops.get("/auth/token", id="AuthToken.renew", returns=wire.AuthToken)
async def renew(tx: Tx, request: Request) -> Reply:
    """Renew a token.

    A fresh token for a valid one of the same session.
    """
    return _reply(request, await login.renew(tx, claims=lookup.claims))


@ops.get(
    "/auth/twitter/reverse",
    id="AuthTwitter.authenticateReverse",
    public=True,
    errors=(UnknownProvider, ProviderSilent, TooMany),
)
async def twitter_reverse(runtime: Runtime, actor: Actor) -> dict[str, str]:
    """Request token for Twitter.

    What a phone needs to ask Twitter for a token of its user in this application's name ("reverse auth").
    """
    return {"x_reverse_auth_parameters": await federation.reverse_token(runtime, actor)}


@ops.get(
    "/auth/{provider}",
    id="AuthExternal.authenticate",
    public=True,
    writes=True,
    errors=(UnknownProvider, InvalidInput, InvalidToken, LinkRequired, Forbidden, TooMany, ProviderSilent),
    parameters=(_TOKEN, _REFRESH, _SECRET),
    returns=wire.AuthToken,
)
async def provider(runtime: Runtime, request: Request, actor: Actor, provider: str) -> Reply:
    """Sign in with an external account.

    Finds the user by external id, then by an address verified on both sides, else creates one; with a valid token of
    ours the external id becomes that user's.
    """
    given = request.query
    token = given.get("oauth_token")
    if not token:
        raise InvalidInput.of("oauth_token", "required", "The token of the provider is missing.")
    secret = given.get("oauth_token_secret") or given.get("oauth_refresh")
    identity = await federation.identify(runtime, actor, provider, token, secret=secret)
    return _reply(request, await external.sign_in(runtime, actor, identity, claims=lookup.claims), cookie=False)


def _basic(request: Request) -> tuple[str, str]:
    """Identifier and secret of the header (RFC 7617). Raises Unauthenticated, BadCredentials."""
    header = request.header("authorization")
    if header is None:
        raise Unauthenticated
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        raise BadCredentials from None
    identifier, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon or not identifier or not secret:
        raise BadCredentials
    return identifier, secret


def _reply(request: Request, done: Granted | StepNeeded, *, cookie: bool = True) -> Reply:
    """A token, or the way to the second step.

    Signing in by a link sets no cookie, nor does a browser get one that comes from elsewhere, since `https://name:secret@…`
    is a link too: another site's page could otherwise sign its visitor in as somebody else.
    """
    if isinstance(done, StepNeeded):
        where = f"{request.prefix}/auth/totp?{auth.QUERY_TOKEN}={quote(done.proof)}"
        return Reply(302, None, (("Location", where),))
    sets_cookie = cookie and not auth.is_sent_elsewhere(request)
    return Reply(200, wire.AuthToken(done.access_token), _cookie(done.access_token) if sets_cookie else ())


def _cookie(token: str) -> Headers:
    return (("Set-Cookie", f"{auth.COOKIE}={token}; Path=/; HttpOnly; Secure; SameSite=Lax"),)
