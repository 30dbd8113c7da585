"""Secrets of users: passwords, API keys, device secrets and the second factor (contract, tag Secrets)."""

from typing import Final

from msgspec import UNSET, UnsetType

from roster.core.credentials import search
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialExists, CredentialNotFound
from roster.core.credentials.models import Credential, CredentialDraft, Kind
from roster.core.flows import passwords
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import AlreadyActive, WrongCode
from roster.core.users.errors import UserNotFound
from roster.dialects.acceleratxr import auth, lookup, mapping, query, wire
from roster.dialects.acceleratxr.errors import RangeArity, UidMismatch, WhoIsMe
from roster.dialects.acceleratxr.users import CRITERIA, LISTING
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion, TooMany
from roster.kit.filters import InvalidFilter
from roster.kit.ids import CredentialId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query

ops = Operations(tag="Secrets")

_KINDS: Final = tuple(mapping.KINDS.values())
_ADDRESSED: Final = (UserNotFound, Forbidden, WhoIsMe)
_LIST_ERRORS: Final = (*_ADDRESSED, InvalidFilter, RangeArity)
_ONE: Final = (*_ADDRESSED, CredentialNotFound)
_WITH_PROOF: Final = {auth.TAKES_PROOF: True}


@ops.get("/users/{userId}/secrets", id="UserSecret.findAll", errors=_LIST_ERRORS, parameters=LISTING)
async def find_all(tx: Tx, query: Query, userId: str) -> list[wire.UserSecret]:
    """List secrets, without what they consist of."""
    user_id, asked = await _readable(tx, userId), _listing(query)
    found = await search.search(tx, user_id, _KINDS, where=asked.where, sorts=asked.sorts, page=asked.page)
    return [mapping.secret_out(each) for each in found.items]


@ops.post(
    "/users/{userId}/secrets",
    id="UserSecret.create",
    errors=(*_ADDRESSED, InvalidInput, UidMismatch, CredentialExists, AlreadyActive, TooMany),
    extra=_WITH_PROOF,
)
async def create(runtime: Runtime, actor: Actor, userId: str, body: wire.UserSecretWrite) -> wire.UserSecret:
    """Create a secret.

    The token of a fresh registration or of a recovery mail may set the first password.
    """
    user_id = await _owner(runtime, actor, userId, body.user_id)
    label = body.description or ""
    if body.type == "password":
        made = await passwords.set_password(runtime, actor, user_id, _required(body.secret), only_first=True)
        return mapping.secret_out(made)
    if body.type == "mfa":
        async with runtime.write(actor) as tx:
            seed = await mfa.enrol(tx, user_id, label=label)
        return mapping.secret_out(seed.credential, secret=wire.TotpSeed(seed.otpauth_url, seed.secret))
    secret = None if isinstance(body.secret, UnsetType) else body.secret
    draft = CredentialDraft(mapping.KINDS[body.type], secret, label)
    issued = await credentials.create(runtime, actor, user_id, draft)
    shown = _own_key(issued.secret or secret) if body.type == "apikey" else UNSET
    return mapping.secret_out(issued.credential, secret=shown)


@ops.get("/users/{userId}/secrets/count", id="UserSecret.count", errors=_LIST_ERRORS, parameters=CRITERIA)
async def count(tx: Tx, query: Query, userId: str) -> wire.Count:
    """Count secrets."""
    user_id = await _readable(tx, userId)
    return wire.Count(await search.count(tx, user_id, _KINDS, where=_criteria(query)))


@ops.put(
    "/users/{userId}/secrets/password",
    id="UserSecret.setPasswordPut",
    errors=(*_ADDRESSED, InvalidInput, UidMismatch, TooMany),
    extra=_WITH_PROOF,
)
async def set_password(runtime: Runtime, actor: Actor, userId: str, body: wire.PasswordWrite) -> wire.UserSecret:
    """Set the password.

    Creates or replaces it. The token of a recovery mail is enough, else a recent sign-in.
    """
    user_id = await _owner(runtime, actor, userId, body.user_id)
    return mapping.secret_out(await passwords.set_password(runtime, actor, user_id, body.secret))


@ops.get(
    "/users/{userId}/secrets/password",
    id="UserSecret.setPassword",
    writes=True,
    errors=(*_ONE, InvalidInput, UidMismatch, TooMany),
    extra=_WITH_PROOF,
)
async def set_password_by_get(
    runtime: Runtime,
    actor: Actor,
    userId: str,
    body: wire.PasswordWrite | None,
) -> wire.UserSecret:
    """Set the password (documented form).

    Only with a body; without one there is nothing at this address.
    """
    if body is None:
        raise CredentialNotFound
    return await set_password(runtime, actor, userId, body)


@ops.get("/users/{userId}/secrets/{id}", id="UserSecret.findById", errors=_ONE)
async def find_by_id(tx: Tx, userId: str, id: str) -> wire.UserSecret:
    """Fetch a secret, without what it consists of."""
    return mapping.secret_out(await _secret(tx, await _readable(tx, userId), id))


@ops.put(
    "/users/{userId}/secrets/{id}",
    id="UserSecret.update",
    errors=(*_ONE, InvalidInput, UidMismatch, StaleVersion, TooMany),
)
async def update(
    runtime: Runtime,
    actor: Actor,
    userId: str,
    id: str,
    body: wire.UserSecretWrite,
) -> wire.UserSecret:
    """Change a secret.

    Only passwords can be changed.
    """
    async with runtime.read(actor) as tx:
        user_id = await _readable(tx, userId)
        lookup.require_uid(body.user_id, user_id)
        found = await _secret(tx, user_id, id)
    if not isinstance(body.uid, UnsetType) and mapping.read_uid(body.uid) != found.id:
        raise UidMismatch
    if not isinstance(body.version, UnsetType) and body.version != found.version:
        raise StaleVersion(stored=found.version, sent=body.version)
    if found.kind != Kind.PASSWORD or body.type != "password":
        raise InvalidInput.of("type", "not_changeable", "Only a password can be changed; delete it and create another.")
    return mapping.secret_out(await passwords.set_password(runtime, actor, user_id, _required(body.secret)))


@ops.delete("/users/{userId}/secrets/{id}", id="UserSecret.delete", errors=_ONE)
async def delete(tx: Tx, userId: str, id: str) -> None:
    """Delete a secret.

    Deleting the mfa secret ends MFA.
    """
    user_id = await _readable(tx, userId)
    await credentials.delete(tx, user_id, (await _secret(tx, user_id, id)).id)


@ops.put("/users/{userId}/secrets/{id}/enroll", id="UserSecret.enroll", errors=(*_ONE, WrongCode, AlreadyActive))
async def enroll(tx: Tx, userId: str, id: str, body: wire.TotpCode) -> wire.UserSecret:
    """Complete MFA enrolment.

    A right code turns MFA on; the answer holds backup codes, each good for one sign-in.
    """
    user_id = await _readable(tx, userId)
    found = await _secret(tx, user_id, id)
    activated = await mfa.activate(tx, user_id, found.id, mapping.code(body))
    return mapping.secret_out(activated.credential, codes=activated.codes)


async def _owner(runtime: Runtime, actor: Actor, text: str, sent: str | UnsetType) -> UserId:
    async with runtime.read(actor) as tx:
        user_id = await lookup.owner(tx, text)
    lookup.require_uid(sent, user_id)
    return user_id


async def _readable(tx: Tx, text: str) -> UserId:
    """The person in the path, if the actor may see their secrets. Raises Forbidden, and as `lookup.person`."""
    user_id = (await lookup.person(tx, text)).id
    try:
        await credentials.require_read(tx, user_id)
    except CredentialNotFound:
        raise Forbidden from None
    return user_id


async def _secret(tx: Tx, user_id: UserId, text: str) -> Credential:
    """One secret of a kind that the wire has a word for. Raises CredentialNotFound."""
    credential_id = mapping.read_uid(text)
    if credential_id is None:
        raise CredentialNotFound
    found = await credentials.get(tx, user_id, CredentialId(credential_id))
    if not mapping.is_shown(found):
        raise CredentialNotFound
    return found


def _required(secret: str | UnsetType) -> str:
    if isinstance(secret, UnsetType):
        raise InvalidInput.of("secret", "required", "A secret of this type needs a value.")
    return secret


def _own_key(secret: str | None) -> str | UnsetType:
    return UNSET if secret is None else secret


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.SECRET)


def _criteria(given: Query) -> query.Filter | None:
    return query.criteria(given, query.SECRET)
