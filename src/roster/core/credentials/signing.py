"""Keys that programs and tills sign requests with (Hawk): made here, shown once, stored sealed, checked in `signed`.

A key is named `key:USERNAME+ALIAS@REALM`; a username that such a name cannot hold is replaced by the person's id.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from roster.core.audit import service as audit
from roster.core.credentials import rules, signing_store, store
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound
from roster.core.credentials.models import Credential, Kind, SigningChange, SigningDraft, SigningKey
from roster.core.devices import service as devices
from roster.core.devices.errors import DeviceNotFound
from roster.kit import ids, secrets
from roster.kit.errors import InvalidInput, require_version
from roster.kit.ids import CredentialId, DeviceId, UserId, uuid7
from roster.kit.patch import is_set
from roster.kit.secrets import Keyring
from roster.storage.tx import Tx

_PURPOSE: Final = "hawk-key"
_APPLICATION: Final = "application"
_KEY_BYTES: Final = 32
_NAMEABLE: Final = re.compile(r"[!#-*,-\[\]-~]{1,128}")
_MAX_FACETS: Final = 16_384


def identifier(credential: Credential, username: str, realm_slug: str) -> str:
    """How requests name this key."""
    return f"key:{name_of(username, credential.user_id)}+{credential.data.get('alias')}@{realm_slug}"


async def identifiers_of(tx: Tx, found: Sequence[Credential]) -> dict[CredentialId, str]:
    """How requests name those of these credentials that sign; the caller has checked that the actor may see them."""
    keys = [each for each in found if each.kind == Kind.HAWK]
    names = await store.usernames_of(tx, sorted({each.user_id for each in keys})) if keys else {}
    return {
        each.id: identifier(each, names[each.user_id], tx.actor.realm_slug) for each in keys if each.user_id in names
    }


def name_of(username: str, user_id: UserId) -> str:
    """How identifiers name a person: by username, or by id where the username has signs that a header cannot carry."""
    return username if _NAMEABLE.fullmatch(username) else str(user_id)


async def create(
    tx: Tx, user_id: UserId, draft: SigningDraft, *, printable: bool = False, application: str | None = None
) -> SigningKey:
    """Make a key of 32 random bytes; with `printable` one of 43 signs of base64url, for clients that take it as text.

    With the alias of an `application` it is one that the person let that have, and stays so whatever is changed of it.
    Own ones after a recent sign-in; for others `credentials.write`, and never for people who may do more than the
    actor. Raises InvalidInput, AliasTaken, StepUpRequired, Forbidden, Escalation, UserNotFound, TooManyCredentials.
    """
    await credentials.require_write(tx, user_id)
    rules.check_text(draft.label, "label")
    rules.check_expiry(draft.expires_at)
    await credentials.require_room(tx, user_id)
    data = await _data(tx, draft, draft.alias or os.urandom(4).hex())
    if application is not None:
        data[_APPLICATION] = application
    credential_id, key = CredentialId(uuid7()), new_key(printable=printable)
    credential = await store.insert(
        tx,
        user_id,
        Kind.HAWK,
        credential_id=credential_id,
        label=draft.label,
        sealed=_seal(tx, credential_id, key),
        data=data,
        expires_at=draft.expires_at,
    )
    changes = {"kind": [None, Kind.HAWK.value], "alias": [None, data["alias"]]}
    await audit.record(tx, "credential.created", "user", user_id, changes)
    return await _shown(tx, credential, key)


async def renew(tx: Tx, user_id: UserId, credential_id: CredentialId, *, printable: bool = False) -> SigningKey:
    """Another key under the same name; the one before fails from the next request on.

    Raises CredentialNotFound, and as `create` does.
    """
    await _lock(tx, user_id, credential_id)
    key = new_key(printable=printable)
    credential = await signing_store.put_key(tx, credential_id, _seal(tx, credential_id, key))
    await audit.record(tx, "credential.renewed", "user", user_id, {"alias": [credential.data.get("alias")] * 2})
    return await _shown(tx, credential, key)


async def change(
    tx: Tx, user_id: UserId, credential_id: CredentialId, change: SigningChange, *, version: int | None = None
) -> Credential:
    """Change what is known of a key, never the key; `version` is the one that the caller has seen.

    Raises CredentialNotFound, StaleVersion, and as `create` does.
    """
    before = await _lock(tx, user_id, credential_id)
    require_version(before.version, version)
    draft = _merged(before, change)
    rules.check_text(draft.label, "label")
    rules.check_expiry(draft.expires_at)
    data = await _data(tx, draft, draft.alias or "")
    if is_by_consent(before.data):
        data[_APPLICATION] = before.data[_APPLICATION]
    after = await signing_store.update(tx, credential_id, label=draft.label, data=data, expires_at=draft.expires_at)
    changes = {"credential": [str(credential_id)] * 2, **_differences(before, after)}
    await audit.record(tx, "credential.changed", "user", user_id, changes)
    return after


async def find(tx: Tx, identifier: str) -> Credential:
    """A key of a program by its id, or a signing key by its identifier in this realm. Raises CredentialNotFound."""
    key_id = ids.parse(identifier)
    if key_id is not None:
        return await credentials.find_key(tx, CredentialId(key_id))
    scheme, _, rest = identifier.partition(":")
    name, _, alias = rest.rpartition("@")[0].rpartition("+")
    found = await signing_store.look_up(tx, name, alias) if scheme == "key" else None
    if found is None or rest.rpartition("@")[2] != tx.actor.realm_slug:
        raise CredentialNotFound
    return await credentials.get(tx, found.user_id, found.id)


def draft_of(credential: Credential) -> SigningDraft:
    """What is known of a signing key, in the form in which it was given."""
    data = credential.data
    return SigningDraft(
        alias=msgspec.convert(data.get("alias"), str),
        label=credential.label,
        permissions=msgspec.convert(data.get("permissions"), list[str] | None),
        device_id=device_of(data),
        facets=msgspec.convert(data.get("facets", {}), dict[str, dict[str, object]]),
        expires_at=credential.expires_at,
    )


def device_of(data: Mapping[str, object]) -> DeviceId | None:
    """The device that a key is tied to, as its stored facts say."""
    found = data.get("device")
    return DeviceId(UUID(found)) if isinstance(found, str) else None


def permissions_of(data: Mapping[str, object]) -> frozenset[str] | None:
    """What a key is limited to, as its stored facts say."""
    found = data.get("permissions")
    return None if found is None else frozenset(msgspec.convert(found, list[str]))


def is_by_consent(data: Mapping[str, object]) -> bool:
    """Whether an application got the key because its person consented, as its stored facts say."""
    return _APPLICATION in data


def new_key(*, printable: bool = False) -> bytes:
    """256 random bits; printable ones as 43 signs of base64url."""
    return secrets.token(_KEY_BYTES).encode() if printable else os.urandom(_KEY_BYTES)


def unseal(keyring: Keyring, realm_id: UUID, credential_id: UUID, sealed: bytes) -> bytes | None:
    """The key; None when the row or the installation's key is another."""
    return keyring.open(_PURPOSE, sealed, realm_id.bytes + credential_id.bytes)


def _seal(tx: Tx, credential_id: CredentialId, key: bytes) -> bytes:
    return tx.runtime.keyring.seal(_PURPOSE, key, tx.realm_id.bytes + credential_id.bytes)


async def _shown(tx: Tx, credential: Credential, key: bytes) -> SigningKey:
    username = await store.username_of(tx, credential.user_id)
    return SigningKey(credential, identifier(credential, username, tx.actor.realm_slug), key)


async def _lock(tx: Tx, user_id: UserId, credential_id: CredentialId) -> Credential:
    await credentials.require_write(tx, user_id)
    found = await store.lock(tx, user_id, credential_id)
    if found.kind != Kind.HAWK:
        raise CredentialNotFound
    return found


def _merged(before: Credential, change: SigningChange) -> SigningDraft:
    known = draft_of(before)
    given = {name: getattr(change, name) for name in known.__struct_fields__ if is_set(getattr(change, name))}
    if "facets" in given:
        given["facets"] = {**known.facets, **given["facets"]}
    return msgspec.structs.replace(known, **given)


async def _data(tx: Tx, draft: SigningDraft, alias: str) -> dict[str, object]:
    if len(msgspec.json.encode(draft.facets)) > _MAX_FACETS:
        raise InvalidInput.of("facets", "too_large", "What dialects know of a key takes at most 16 KiB.")
    data: dict[str, object] = {"alias": alias}
    if draft.permissions is not None:
        data["permissions"] = sorted(set(draft.permissions))
    if draft.device_id is not None:
        await _require_device(tx, draft.device_id)
        data["device"] = str(draft.device_id)
    if draft.facets:
        data["facets"] = draft.facets
    return data


async def _require_device(tx: Tx, device_id: DeviceId) -> None:
    try:
        found = await devices.get(tx, device_id)
    except DeviceNotFound:
        found = None
    if found is None or found.deleted_at is not None:
        raise InvalidInput.of("device_id", "unknown_device", "There is no such device.")


def _differences(before: Credential, after: Credential) -> dict[str, list[object]]:
    old = {**before.data, "label": before.label, "expires_at": msgspec.to_builtins(before.expires_at)}
    new = {**after.data, "label": after.label, "expires_at": msgspec.to_builtins(after.expires_at)}
    return {name: [old.get(name), new.get(name)] for name in sorted({*old, *new}) if old.get(name) != new.get(name)}
