"""Passwords and PINs as they are stored: the hash of what is typed, and the key that clients make of it."""

import msgspec

from roster.core.audit import service as audit
from roster.core.credentials import chosen, forms, store
from roster.core.credentials.chosen import ChosenKey, Prepared
from roster.core.credentials.models import Credential, Kind, Stored
from roster.core.realms import service as realms
from roster.kit.ids import UserId
from roster.storage.tx import Tx


async def password_of(tx: Tx, user_id: UserId) -> Stored | None:
    """The person's stored password, if there is one, in the form to verify a typed one against."""
    found = await store.chosen_of(tx, user_id, Kind.PASSWORD)
    return await typed(tx, user_id, found) if found else None


async def pin_of(tx: Tx, user_id: UserId) -> Stored | None:
    """The person's stored PIN, if there is one, in the form to verify a typed one against."""
    found = await store.chosen_of(tx, user_id, Kind.PIN)
    return await typed(tx, user_id, found) if found else None


async def replace_password(tx: Tx, user_id: UserId, hash: str | Prepared, *, only_first: bool = False) -> Credential:
    """Store a hash that was just made. Raises UserNotFound; CredentialExists when it should be the first and is not.

    And StepUpRequired when it is to take the place of one that is not there any more.
    """
    made = Prepared(hash) if isinstance(hash, str) else hash
    sealed, facts = _sealed(tx, user_id, Kind.PASSWORD, made.key)
    if only_first:
        put = store.insert(tx, user_id, Kind.PASSWORD, hash=made.hash, sealed=sealed, data=facts)
    else:
        put = store.put_chosen(tx, user_id, Kind.PASSWORD, hash=made.hash, sealed=sealed, data=facts, over=made.over)
    credential = await put
    await audit.record(tx, "credential.password_set", "user", user_id)
    return credential


async def replace_pin(tx: Tx, user_id: UserId, made: Prepared) -> Credential:
    """Store a PIN that was just prepared; the counterpart of `replace_password`. Raises UserNotFound."""
    sealed, facts = _sealed(tx, user_id, Kind.PIN, made.key)
    credential = await store.put_chosen(tx, user_id, Kind.PIN, hash=made.hash, sealed=sealed, data=facts)
    await audit.record(tx, "credential.pin_set", "user", user_id)
    return credential


async def rehash(tx: Tx, stored: Stored, new: str) -> None:
    """Keep the same secret in our own form instead of a foreign or outdated one, or beside its key."""
    old = stored.hash or ""
    await store.rehash(tx, stored.id, None if old.startswith(forms.KDF_1) else old, new)


async def keep_key(tx: Tx, user_id: UserId, stored: Stored, key: ChosenKey) -> None:
    """Keep the key of a secret that has just been typed beside its hash."""
    sealed, facts = _sealed(tx, user_id, Kind(stored.kind), key)
    if sealed is not None:
        await store.keep_key(tx, stored.id, stored.version, sealed, facts)


def _sealed(tx: Tx, user_id: UserId, kind: Kind, key: ChosenKey | None) -> tuple[bytes | None, dict[str, object]]:
    if key is None:
        return None, {}
    return chosen.seal(tx.runtime.keyring, tx.realm_id, user_id, _purpose(kind), key), key.facts()


async def typed(tx: Tx, user_id: UserId, stored: Stored) -> Stored:
    """The same with a hash to verify typed secrets against, where only a key is stored and its derivation is known."""
    if stored.hash is not None or stored.sealed is None:
        return stored
    purpose = _purpose(Kind(stored.kind))
    key = chosen.unseal(tx.runtime.keyring, tx.realm_id, user_id, purpose, stored.sealed)
    if key is None:
        return stored
    made = chosen.stored_key(key, stored.data, (await realms.current(tx)).settings.key_derivation)
    return msgspec.structs.replace(stored, hash=chosen.as_hash(purpose, made))


def _purpose(kind: Kind) -> chosen.Purpose:
    return "pin" if kind is Kind.PIN else "password"
