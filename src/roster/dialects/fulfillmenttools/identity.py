"""Sign-in and renewal as the identity toolkit has them: where a client gets the token for the API.

The sign-in hosts know no tenant, so the API key says which one is meant (contract, tag Sign-in). Under the tenant's own
address the key must be that tenant's.
"""

from collections.abc import Mapping
from typing import Final

from roster.core.flows import external, login, refusals
from roster.core.flows.models import Granted, StepNeeded
from roster.core.flows.refusals import Refusal
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.realms import client_keys
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.users import service as users
from roster.core.users.models import User
from roster.dialects.fulfillmenttools import catalogue, identity_errors
from roster.dialects.fulfillmenttools.identity_errors import KeyMissing, KeyUnknown, Refused
from roster.dialects.fulfillmenttools.mapping import identity as mapping
from roster.dialects.fulfillmenttools.wire import identity as wire
from roster.federation import service as federation
from roster.kit import actor as actors
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidToken, TooMany
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import query as queries
from roster.web.bind import FORM
from roster.web.dialect import Dialect
from roster.web.operation import JSON, Operation, Operations, Parameter
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

NAME: Final = f"{catalogue.NAME}-sign-in"
PER_TENANT: Final = Policy("fulfillmenttools:sign-in", 2000, 60)
_KEY: Final = Parameter(name="key", description="The tenant's API key.", required=True)
_RENEWAL: Final = (
    _KEY,
    Parameter(name="grant_type", description="Instead of the body's member."),
    Parameter(name="refresh_token", description="Instead of the body's member."),
)
_WORDS: Final[Mapping[Refusal, str]] = {
    Refusal.UNKNOWN: "INVALID_REFRESH_TOKEN",
    Refusal.ENDED: "TOKEN_EXPIRED",
    Refusal.DISABLED: "USER_DISABLED",
    Refusal.DELETED: "USER_NOT_FOUND",
}
_OIDC: Final = "oidc."
_EXTERNAL: Final = "external."

ops: Final = Operations(tag="Sign-in")


async def authenticate(tx: Tx, request: Request, _operation: Operation) -> Actor:
    """Nobody yet, in the realm that the key names. Raises KeyMissing, KeyUnknown."""
    key = request.query.get("key")
    if not key:
        raise KeyMissing
    realm_id = client_keys.read(tx.runtime.keyring, key)
    if realm_id is None:
        raise KeyUnknown
    try:
        realm = await realms.by_id(tx, realm_id)
    except RealmNotFound:
        raise KeyUnknown from None
    if request.realm_slug not in {"", realm.slug}:
        raise KeyUnknown
    request.realm_slug = realm.slug
    return actors.anonymous(realm.id, realm.slug, request.origin)


@ops.post(
    "/v1/accounts:signInWithPassword",
    id="signInWithPassword",
    public=True,
    parameters=(_KEY,),
    errors=(Refused, KeyMissing, KeyUnknown, BadCredentials, TooMany),
    returns=wire.SignInResponse,
)
async def sign_in_with_password(runtime: Runtime, actor: Actor, body: wire.SignInRequest) -> Reply:
    """Sign in with an address and a password.

    The address is the person's own, or `<username>@<tenant>.com`. People with a second factor get
    `mfaPendingCredential` instead of tokens and go on with `accounts/mfaSignIn:finalize`.
    """
    address = _required(body.email.strip(), "MISSING_EMAIL")
    if not all(address.rpartition("@")):
        raise Refused("INVALID_EMAIL")
    _required(body.password, "MISSING_PASSWORD")
    identifier = await _identifier(runtime, actor, address)
    done = await login.password(runtime, actor, identifier, body.password, claims=_claims, limit=PER_TENANT)
    return _answer(done, actor, address)


@ops.post(
    "/v1/accounts:signInWithIdp",
    id="signInWithIdp",
    public=True,
    parameters=(_KEY,),
    errors=(Refused, KeyMissing, KeyUnknown, TooMany),
    returns=wire.SignInResponse,
)
async def sign_in_with_idp(runtime: Runtime, actor: Actor, body: wire.SignInWithIdpRequest) -> Reply:
    """Sign in with an ID token of an OpenID provider that the installation knows."""
    sent = dict(queries.pairs(body.post_body))
    name = _provider(_required(sent.get("providerId"), "INVALID_PROVIDER_ID"))
    token = _required(sent.get("id_token"), "INVALID_IDP_RESPONSE")
    try:
        proved = await federation.identify(runtime, actor, name, token, kind="oidc")
    except InvalidToken:
        raise Refused("INVALID_IDP_RESPONSE") from None
    await _count(runtime, actor)
    try:
        done = await external.sign_in(runtime, actor, proved, claims=_claims)
    except BadCredentials:
        raise Refused("USER_DISABLED") from None
    return _answer(done, actor, proved.email or "")


@ops.post(
    "/v2/accounts/mfaSignIn:finalize",
    id="finalizeMfaSignIn",
    public=True,
    parameters=(_KEY,),
    errors=(Refused, KeyMissing, KeyUnknown, TooMany),
)
async def finalize(runtime: Runtime, actor: Actor, body: wire.FinalizeRequest) -> wire.SignInResponse:
    """Finish a sign-in with a one-time code, or a backup code in its place."""
    proof = _required(body.mfa_pending_credential, "MISSING_MFA_PENDING_CREDENTIAL")
    given = body.totp_verification_info
    code = _required(given.verification_code if given else "", "MISSING_CODE")
    try:
        granted = await login.second_factor(runtime, actor, proof, code, claims=_claims)
    except InvalidToken:
        raise Refused("INVALID_MFA_PENDING_CREDENTIAL") from None
    except BadCredentials:
        raise Refused("INVALID_CODE") from None
    return mapping.signed_in(granted, actor.realm_slug)


@ops.post(
    "/v1/token",
    id="refreshToken",
    public=True,
    parameters=_RENEWAL,
    consumes=(JSON, FORM),
    errors=(Refused, KeyMissing, KeyUnknown),
)
async def renew(
    runtime: Runtime, actor: Actor, request: Request, body: wire.RefreshRequest | None
) -> wire.RefreshResponse:
    """Renew the tokens. The refresh token is spent by it; use the new one from then on."""
    given = body or wire.RefreshRequest()
    grant = given.grant_type or given.grant_type_too or _in_query(request.query, "grant_type", "grantType")
    text = given.refresh_token or given.refresh_token_too or _in_query(request.query, "refresh_token", "refreshToken")
    if _required(grant, "MISSING_GRANT_TYPE") != "refresh_token":
        raise Refused("INVALID_GRANT_TYPE")
    text = _required(text, "MISSING_REFRESH_TOKEN")
    try:
        granted = await login.refresh(runtime, actor, text, claims=_claims)
    except InvalidToken:
        async with runtime.read(actor) as tx:
            refusal = await refusals.of_refresh_token(tx, text)
        raise Refused(_WORDS[refusal]) from None
    return mapping.renewed(granted, actor.realm_slug)


def _required(value: str | None, word: str) -> str:
    if not value:
        raise Refused(word)
    return value


def _in_query(query: Query, *names: str) -> str | None:
    return next((found for name in names if (found := query.get(name))), None)


def _provider(provider_id: str) -> str:
    """The name in `oidc.external.<name>`, as the settings have it."""
    if not provider_id.startswith(_OIDC):
        raise Refused("INVALID_PROVIDER_ID")
    return provider_id.removeprefix(_OIDC).removeprefix(_EXTERNAL)


async def _count(runtime: Runtime, actor: Actor) -> None:
    """Raise TooMany beyond the documented number of sign-ins a minute."""
    async with runtime.read(actor) as tx:
        wait = await limits.try_spend(tx, [(PER_TENANT, "")])
    if wait:
        raise TooMany(wait)


async def _identifier(runtime: Runtime, actor: Actor, address: str) -> str:
    """Whom an address names. In the tenant's own domain names come before addresses, which anybody could claim."""
    name = mapping.username_in(address, actor.realm_slug)
    if name is None:
        return address
    async with runtime.read(actor) as tx:
        user = await users.find_by_identifier(tx, name)
    return str(user.id) if user is not None and fold(user.username) == fold(name) else address


def _answer(done: Granted | StepNeeded, actor: Actor, address: str) -> Reply:
    if isinstance(done, StepNeeded):
        return Reply(200, mapping.pending(done, address))
    return Reply(200, mapping.signed_in(done, actor.realm_slug))


async def _claims(tx: Tx, user: User) -> Mapping[str, object]:
    """What the original's tokens say besides; rights are not among it, because they are asked for at every request."""
    address = mapping.login_address(user, tx.actor.realm_slug)
    return {"user_id": str(user.id), "email": address, "email_verified": user.email_verified_at is not None}


dialect: Final = Dialect(
    name=NAME,
    title="fulfillmenttools sign-in",
    version="1.0.0",
    description="Sign-in and renewal in the form of the identity toolkit; `key` is the tenant's API key.",
    operations=ops,
    authenticate=authenticate,
    render=identity_errors.render,
    realm_in_path=True,
)
