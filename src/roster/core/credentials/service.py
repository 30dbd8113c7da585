"""Use cases over a person's credentials. Passwords are set by the flow `passwords`, TOTP and backup codes by `mfa`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from roster.core.access import recent
from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.credentials import choosing, hashing, marks, rules, store
from roster.core.credentials.errors import CredentialNotFound, TooManyCredentials
from roster.core.credentials.models import (
    Candidates,
    Credential,
    CredentialChange,
    CredentialDraft,
    Issued,
    Kind,
    Stored,
    asked_besides,
)
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.orgs import rights
from roster.core.realms import service as realms
from roster.kit import secrets
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, require_version
from roster.kit.ids import CredentialId, RealmId, UserId, uuid7
from roster.kit.patch import is_set
from roster.storage.joint import Part
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

KEYS: Final = (Kind.API_KEY, Kind.PERSONAL, Kind.HAWK)
"""What programs prove themselves with."""
SIGNED: Final = "hawk"
"""The factor of a request that is signed with a key of kind `hawk`."""
SIGNED_PASSWORD: Final = "password_key"  # noqa: S105
"""The factor of a request that is signed with the key of a password: every one proves the password anew."""
_MADE_HERE: Final = (Kind.API_KEY, Kind.PERSONAL, Kind.DEVICE)
_FOUND_BY_LOOKUP: Final = frozenset({*_MADE_HERE, Kind.BACKUP})
HASHES: Final = Policy("hashes:user", 30, 900)
_MOST: Final = 100


async def list_of(tx: Tx, user_id: UserId) -> list[Credential]:
    """A person's credentials without backup codes, oldest first. Needs `credentials.read`, or being that person."""
    await require_read(tx, user_id)
    return await store.list_of(tx, user_id)


async def get(tx: Tx, user_id: UserId, credential_id: CredentialId) -> Credential:
    """One credential of this person. Raises CredentialNotFound, also when the actor may not see it."""
    await require_read(tx, user_id)
    return await store.find(tx, user_id, credential_id)


async def find_key(tx: Tx, credential_id: CredentialId) -> Credential:
    """A key of a program (KEYS) by its id alone. Raises CredentialNotFound."""
    owner = await store.owner_of(tx, credential_id)
    if owner is None:
        raise CredentialNotFound
    found = await get(tx, owner, credential_id)
    if found.kind not in KEYS:
        raise CredentialNotFound
    return found


async def keys(
    tx: Tx, *, user_id: UserId | None = None, after: UUID | None = None, limit: int = 100
) -> list[Credential]:
    """Keys of programs (KEYS), oldest first: of one person, or with `credentials.read` of the whole realm."""
    if user_id is None:
        access.require(tx, "credentials.read")
    else:
        await require_read(tx, user_id)
    return await store.keys(tx, user_id, after, limit)


async def create(
    runtime: Runtime, actor: Actor, user_id: UserId, draft: CredentialDraft, *, recently: bool = True
) -> Issued:
    """Make an API key, a personal token or a device secret.

    Own ones after a recent sign-in (`recently` as in `require_write`); for others `credentials.write`, and never for
    people who may do more than the actor. Raises InvalidInput, StepUpRequired, Forbidden, Escalation, UserNotFound,
    TooManyCredentials, Unavailable.
    """
    async with runtime.read(actor) as tx:
        await require_write(tx, user_id, recently=recently)
        realm = await realms.current(tx)
        _checked(draft, realm.settings.password_min_length)
        if draft.secret is not None:
            await spend_hashing(tx, user_id)
    hash = None if draft.secret is None else await runtime.workers.run(hashing.hash_secret, draft.secret)
    async with runtime.write(actor) as tx:
        return await _insert(tx, user_id, draft, hash)


async def change(tx: Tx, user_id: UserId, credential_id: CredentialId, change: CredentialChange) -> Credential:
    """Change label or expiry. Raises as `create` does, and CredentialNotFound."""
    await require_write(tx, user_id)
    before = await store.lock(tx, user_id, credential_id)
    _check_change(before, change)
    after = await store.update(
        tx,
        credential_id,
        label=change.label if is_set(change.label) else before.label,
        expires_at=change.expires_at if is_set(change.expires_at) else before.expires_at,
    )
    if after.expires_at is not None:
        await store.shorten_sessions(tx, credential_id, after.expires_at)
    fields = [name for name in ("label", "expires_at") if getattr(before, name) != getattr(after, name)]
    differences = {
        name: [msgspec.to_builtins(getattr(before, name)), msgspec.to_builtins(getattr(after, name))] for name in fields
    }
    changes = {"credential": [str(credential_id)] * 2, **differences}
    await audit.record(tx, "credential.changed", "user", user_id, changes)
    return after


async def renew(tx: Tx, user_id: UserId, credential_id: CredentialId, *, recently: bool = True) -> Issued:
    """Give a personal token another secret; the one before is void. Raises as `create`, and CredentialNotFound."""
    await require_write(tx, user_id, recently=recently)
    found = await store.lock(tx, user_id, credential_id)
    if found.kind != Kind.PERSONAL:
        raise CredentialNotFound
    text = marks.new_key(tx.realm_id, credential_id)
    credential = await store.renew(tx, credential_id, secrets.digest(text))
    await audit.record(tx, "credential.renewed", "user", user_id, {"kind": [found.kind, found.kind]})
    return Issued(credential, text)


async def delete(
    tx: Tx, user_id: UserId, credential_id: CredentialId, *, version: int | None = None, recently: bool = True
) -> None:
    """Remove a credential; sessions that were opened with it are gone too. Removing a TOTP seed ends MFA.

    Raises as `create`, CredentialNotFound, StaleVersion, and SecondFactorRequired for that of an organisation's member.
    """
    await require_write(tx, user_id, recently=recently)
    found = await store.lock(tx, user_id, credential_id)
    require_version(found.version, version)
    if found.kind in (Kind.TOTP, Kind.SMS, Kind.BANKID) and found.state == "active":
        await rights.require_not_enforced(tx, user_id)
    await store.delete(tx, credential_id)
    if found.kind == Kind.TOTP:
        await store.delete_kinds(tx, user_id, [Kind.BACKUP])
    await audit.record(tx, "credential.deleted", "user", user_id, {"kind": [found.kind, None]})


async def spend_hashing(tx: Tx, user_id: UserId) -> None:
    """Count a hash that people want of a secret of their own: nobody keeps the others waiting. Raises TooMany."""
    if tx.actor.is_in_person(user_id) and not tx.actor.may("credentials.write"):
        await limits.spend(tx, HASHES, str(user_id))


async def require_write(tx: Tx, user_id: UserId, *, recently: bool = True) -> None:
    """Raise unless the actor may change this person's credentials: own ones after a recent sign-in, else permission.

    Without `recently` an older sign-in by the same means will do, and a personal token: for front doors whose
    contracts say so.

    Who signs each request has no session to be recent: the password's key counts as a sign-in, another key only with
    `credentials.write`, as it would for others. Who acts in the person's name is somebody else.
    """
    recent.require_no_application(tx, user_id)
    if tx.actor.is_in_person(user_id):
        if not recently:
            recent.require_strong(tx)
        elif not _may_sign(tx.actor):
            await recent.require_recent_sign_in(tx)
        await require_whole(tx, user_id)
        return
    await access.require_over(tx, "credentials.write", user_id)
    await access.require_not_above(tx, user_id)


async def require_whole(tx: Tx, user_id: UserId) -> None:
    """Raise Escalation for a key that was limited to less than its person may do: what it makes would not be."""
    if SIGNED in tx.actor.factors:
        await access.require_not_above(tx, user_id)


async def require_renewal(tx: Tx, user_id: UserId) -> None:
    """Raise unless the actor may set this person's password; as `require_write`, but for one's own by signing.

    A key that signs requests, each anew, is proof enough for whom a role lets change their own (`credentials.own`).
    """
    own = tx.actor.is_in_person(user_id) and SIGNED in tx.actor.factors and tx.actor.may("credentials.own")
    if not own:
        await require_write(tx, user_id)


async def presented(tx: Tx) -> Credential | None:
    """The key that signed this request, whoever that is in the name of; None for everything else."""
    actor = tx.actor
    is_here = actor.user_id is not None and actor.home_id == actor.realm_id
    if not is_here or actor.user_id is None or actor.credential_id is None or SIGNED not in actor.factors:
        return None
    return await store.find(tx, actor.user_id, CredentialId(actor.credential_id))


def signs(actor: Actor) -> bool:
    """Whether each request of the actor is signed with a key of theirs, so that there is no session."""
    return actor.session_id is None and not {SIGNED, SIGNED_PASSWORD, Kind.PIN.value}.isdisjoint(actor.factors)


def _may_sign(actor: Actor) -> bool:
    return SIGNED_PASSWORD in actor.factors or (SIGNED in actor.factors and actor.may("credentials.write"))


async def require_read(tx: Tx, user_id: UserId) -> None:
    """Raise unless the actor may see this person's credentials."""
    if not tx.actor.is_user(user_id) and not await access.is_over(tx, "credentials.write", user_id):
        await access.require_over(tx, "credentials.read", user_id, otherwise=CredentialNotFound)


def _check_change(before: Credential, change: CredentialChange) -> None:
    """A seed or a password with an end would be a second, hidden way to turn it off."""
    if is_set(change.label):
        rules.check_text(change.label, "label")
    if is_set(change.expires_at):
        rules.check_expiry(change.expires_at)
        if before.kind not in (*KEYS, Kind.DEVICE):
            raise InvalidInput.of("expires_at", "not_allowed", "Credentials of this kind do not expire.")


def _checked(draft: CredentialDraft, min_length: int) -> None:
    if draft.kind not in _MADE_HERE:
        raise InvalidInput.of("kind", "wrong_kind", "Credentials of this kind are made in another way.")
    if draft.kind is Kind.DEVICE and draft.secret is None:
        raise InvalidInput.of("secret", "required", "A device brings its own secret.")
    if draft.kind is Kind.PERSONAL and draft.secret is not None:
        raise InvalidInput.of("secret", "not_allowed", "Personal tokens are made by the server.")
    if draft.secret is not None:
        rules.check(draft.secret, min_length, field="secret")
    rules.check_text(draft.label, "label")
    rules.check_expiry(draft.expires_at)


async def _insert(tx: Tx, user_id: UserId, draft: CredentialDraft, hash: str | None) -> Issued:
    await require_room(tx, user_id)
    credential_id = CredentialId(uuid7())
    text = marks.new_key(tx.realm_id, credential_id) if draft.secret is None else None
    keyring = tx.runtime.keyring
    lookup = secrets.digest(text) if text else marks.tag(keyring, user_id, draft.secret or "")
    credential = await store.insert(
        tx,
        user_id,
        draft.kind,
        credential_id=credential_id,
        label=draft.label,
        hash=hash,
        lookup=lookup,
        expires_at=draft.expires_at,
    )
    await audit.record(tx, "credential.created", "user", user_id, {"kind": [None, draft.kind.value]})
    return Issued(credential, text)


# parts of larger use cases, which have made their own checks

password_of = choosing.password_of
pin_of = choosing.pin_of
replace_password = choosing.replace_password
replace_pin = choosing.replace_pin
rehash = choosing.rehash
keep_key = choosing.keep_key


async def require_room(tx: Tx, user_id: UserId) -> None:
    """Raise TooManyCredentials when the person has as many as one may have; UserNotFound."""
    if await store.count(tx, user_id) >= _MOST:
        raise TooManyCredentials


def asked(tx: Tx) -> tuple[LiteralString, Part]:
    """Asks for what `candidates` wants to know of the person whom a part before it calls `meant`."""
    return "candidates", store.candidates(tx)


async def candidates(tx: Tx, user_id: UserId, secret: str, rows: Sequence[Sequence[Any]]) -> Candidates:
    """What the person's credentials, the rows of what was `asked`, make of this secret without hashing it."""
    every = [Stored(*row) for row in rows]
    whole = _whole(tx, user_id, secret) if any(each.lookup for each in every) else ()
    lookups = (marks.tag(tx.runtime.keyring, user_id, secret), *whole) if whole else ()
    read = [each for each in every if each.kind not in _FOUND_BY_LOOKUP or each.lookup in lookups]
    found = [await choosing.typed(tx, user_id, each) if each.kind == Kind.PASSWORD else each for each in read]
    fits = [each for each in found if each.lookup and any(secrets.same(each.lookup, mark) for mark in whole)]
    return Candidates(
        hashed=[each for each in found if each.hash is not None],
        digested=fits[0] if fits else None,
        second_factors=asked_besides(each.kind for each in found),
        has_bankid=any(each.kind == Kind.BANKID for each in found),
    )


def _whole(tx: Tx, user_id: UserId, secret: str) -> tuple[bytes, bytes]:
    """What is stored of secrets that need not be hashed."""
    return secrets.digest(secret), marks.code_mac(tx.runtime.keyring, user_id, secret)


async def spend_backup(tx: Tx, user_id: UserId, code: str) -> bool:
    """Use a backup code up. False when it is wrong or was used before, also by a request at the same moment."""
    return await store.spend_backup(tx, user_id, marks.code_mac(tx.runtime.keyring, user_id, code))


async def replace_backups(tx: Tx, user_id: UserId, count: int) -> list[str]:
    """New backup codes; the ones before are void. They are shown this once."""
    codes = [marks.new_code() for _ in range(count)]
    await store.delete_kinds(tx, user_id, [Kind.BACKUP])
    await store.insert_backups(tx, user_id, [marks.code_mac(tx.runtime.keyring, user_id, code) for code in codes])
    return codes


async def count_backups(tx: Tx, user_id: UserId) -> int:
    """Backup codes that are left."""
    return await store.count_backups(tx, user_id)


async def remove_second_factors(tx: Tx, user_id: UserId) -> int:
    """Take TOTP and backup codes away; the number removed."""
    return await store.delete_kinds(tx, user_id, [Kind.TOTP, Kind.BACKUP])


async def remove_other_ways(tx: Tx, user_id: UserId) -> int:
    """Take away every way to sign in but the password, with the sessions they opened; the number removed."""
    kinds = (*KEYS, Kind.DEVICE, Kind.BACKUP, Kind.EXTERNAL, Kind.PIN)
    removed = await store.delete_kinds(tx, user_id, kinds)
    if removed:
        await audit.record(tx, "credential.deleted", "user", user_id, {"kind": [[each.value for each in kinds], None]})
    return removed


async def touch(tx: Tx, used: Sequence[tuple[RealmId, CredentialId, datetime]]) -> None:
    """Write down when credentials were last used; of any realm."""
    await store.touch(tx, used)
