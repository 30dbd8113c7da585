"""Use cases over devices. Each checks the actor, changes, and writes the trail in the caller's transaction."""

import os
import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.devices import store
from roster.core.devices.errors import DeviceNotDeleted, DeviceNotFound
from roster.core.devices.fields import FIELDS
from roster.core.devices.models import Device, DeviceChange, DeviceDraft, Facets, Proven
from roster.core.devices.store import Row
from roster.kit import ids
from roster.kit.errors import Forbidden, InvalidInput, Problem, require_version
from roster.kit.filters import Filter, Sort
from roster.kit.ids import DeviceId, uuid7
from roster.kit.pages import Page, Slice
from roster.kit.patch import present
from roster.kit.secrets import Keyring
from roster.storage import listing
from roster.storage.tx import Tx

KEY_BYTES: Final = 32
_SHORTEST_KEY: Final = 16
_LONGEST_KEY: Final = 256
_PURPOSE: Final = "device-key"
_NAMEABLE: Final = re.compile(r"[!#-*,-\[\]-~]+")
_TRACKED: Final = Row.__struct_fields__
_MAX_FACETS: Final = 65_536


async def get(tx: Tx, device_id: DeviceId) -> Device:
    """One device, deleted ones too. Raises DeviceNotFound. Needs `devices.read`, or being that device."""
    if tx.actor.origin.device_id != device_id:
        access.require(tx, "devices.read", otherwise=DeviceNotFound)
    return await store.find(tx, device_id)


async def find(tx: Tx, identifier: str) -> Device:
    """One device by id (deleted ones too), by what it calls itself, or by number. Raises as `get`."""
    access.require(tx, "devices.read", otherwise=DeviceNotFound)
    device_id = ids.parse(identifier)
    if device_id is not None:
        return await store.find(tx, DeviceId(device_id))
    found = await store.look_up(tx, identifier, _number(identifier))
    if found is None:
        raise DeviceNotFound
    return found


async def find_numbered(tx: Tx, number: int) -> Device:
    """One device by number, deleted ones too. Raises as `get`."""
    access.require(tx, "devices.read", otherwise=DeviceNotFound)
    return await store.find_numbered(tx, number)


async def search(
    tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page, *, deleted: bool = False
) -> Slice[Device]:
    """A page of devices, with `deleted` also deleted ones. Needs `devices.read`.

    Raises Forbidden, InvalidFilter, InvalidCursor.
    """
    access.require(tx, "devices.read")
    return await listing.fetch(
        tx,
        store.ALL if deleted else store.LIVE,
        Device,
        fields=FIELDS,
        where=where,
        sorts=sorts,
        page=page,
        may_see_private=True,
        about=("deleted",) if deleted else (),
    )


async def create(tx: Tx, draft: DeviceDraft) -> Device:
    """Register a device. Raises InvalidInput, DeviceIdTaken. Needs `devices.write`."""
    access.require(tx, "devices.write")
    row = _checked(Row(**msgspec.structs.asdict(draft)))
    device = await store.insert(tx, DeviceId(uuid7()), row)
    await audit.record(tx, "device.created", "device", device.id, audit.made(device, _TRACKED))
    return device


async def change(tx: Tx, device_id: DeviceId, change: DeviceChange, *, version: int | None = None) -> Device:
    """Change a device; one that is disabled cannot prove itself, and the sessions opened on it end.

    Raises DeviceNotFound, StaleVersion, InvalidInput, DeviceIdTaken. Needs `devices.write`.
    """
    return await _change(tx, await _lock(tx, device_id, version), change)


async def annotate(tx: Tx, device_id: DeviceId, facets: Facets, *, version: int | None = None) -> Device:
    """Change what only dialects know of a device, and nothing that the directory knows.

    Raises as `change` does. Needs `devices.annotate`, or `devices.write`.
    """
    before = await _lock(tx, device_id, version, "devices.annotate")
    return await _change(tx, before, DeviceChange(facets=facets))


async def bind(
    tx: Tx, device_id: DeviceId, *, external_id: str | None = None, key: bytes | None = None, version: int | None = None
) -> Device:
    """Tie a registered device to the hardware that it is: what that calls itself, its key, each only while unset.

    Raises as `change` and `set_key` do; Forbidden for what is set already. Needs `devices.bind`, or `devices.write`.
    """
    before = await _lock(tx, device_id, version, "devices.bind")
    if (external_id is not None and before.external_id is not None) or (key is not None and before.has_key):
        raise Forbidden("This device is bound already.")
    if external_id is not None:
        await _change(tx, before, DeviceChange(external_id=external_id))
    if key is not None:
        await _set_key(tx, before, key)
    return await store.find(tx, device_id)


async def _change(tx: Tx, before: Device, change: DeviceChange) -> Device:
    device_id = before.id
    known = {name: getattr(before, name) for name in _TRACKED}
    given = present(change)
    if "facets" in given:
        given["facets"] = {**before.facets, **given["facets"]}
    after = await store.update(tx, device_id, _checked(Row(**{**known, **given})))
    if before.status == "enabled" and after.status == "disabled":
        await store.end_sessions(tx, device_id, "device_disabled")
    await audit.record(tx, "device.changed", "device", device_id, audit.differences(before, after, _TRACKED))
    return after


async def set_key(tx: Tx, device_id: DeviceId, key: bytes | None = None) -> bytes:
    """Give a device a key to prove itself with, a new one when none is given; it is returned this once.

    Sessions that were opened on the device with the key before end. Raises DeviceNotFound, InvalidInput.
    Needs `devices.write`.
    """
    return await _set_key(tx, await _lock(tx, device_id, None), key)


async def _set_key(tx: Tx, before: Device, key: bytes | None) -> bytes:
    device_id = before.id
    made = os.urandom(KEY_BYTES) if key is None else key
    if not _SHORTEST_KEY <= len(made) <= _LONGEST_KEY:
        raise InvalidInput.of("key", "wrong_length", f"A key has {_SHORTEST_KEY} to {_LONGEST_KEY} bytes.")
    after = await store.set_key(tx, device_id, tx.runtime.keyring.seal(_PURPOSE, made, _row(tx.realm_id, device_id)))
    await store.end_sessions(tx, device_id, "device_key_changed")
    await audit.record(tx, "device.key_set", "device", device_id, {"has_key": [before.has_key, after.has_key]})
    return made


async def remove_key(tx: Tx, device_id: DeviceId) -> Device:
    """Take a device's key away: it cannot prove itself any more. Raises as `set_key` does."""
    before = await _lock(tx, device_id, None)
    after = await store.set_key(tx, device_id, None)
    await store.end_sessions(tx, device_id, "device_key_changed")
    await audit.record(tx, "device.key_removed", "device", device_id, {"has_key": [before.has_key, after.has_key]})
    return after


async def delete(tx: Tx, device_id: DeviceId, *, version: int | None = None) -> None:
    """Delete a device so that it can be restored. Raises DeviceNotFound, StaleVersion. Needs `devices.write`."""
    await _lock(tx, device_id, version)
    after = await store.mark_deleted(tx, device_id)
    await store.end_sessions(tx, device_id, "device_deleted")
    await audit.record(tx, "device.deleted", "device", device_id, audit.made(after, ["deleted_at"]))


async def restore(tx: Tx, device_id: DeviceId) -> Device:
    """Bring a deleted device back with its key. Raises DeviceNotFound, DeviceNotDeleted, DeviceIdTaken."""
    access.require(tx, "devices.write", otherwise=DeviceNotFound)
    before = await store.lock(tx, device_id)
    if before.deleted_at is None:
        raise DeviceNotDeleted
    after = await store.mark_restored(tx, device_id)
    changes = audit.differences(before, after, ("deleted_at", "deleted_by", "deleted_from"))
    await audit.record(tx, "device.restored", "device", device_id, changes)
    return after


def identifier(device: Device, realm_slug: str) -> str:
    """How requests name this device when it signs: by what it calls itself if a header can carry that, else by number.

    A name that is a number might be that of another device.
    """
    name = device.external_id or ""
    is_nameable = _NAMEABLE.fullmatch(name) and not name.isdigit()
    return f"dev:{name if is_nameable else device.number}@{realm_slug}"


# parts of larger use cases, which have made their own checks


async def proven(tx: Tx, realm_slug: str, name: str) -> Proven | None:
    """The device of this name or number, if it may prove itself at this moment; whoever calls checks that it does."""
    return await store.proven(tx, realm_slug, name, _number(name)) if ids.parse(name) is None else None


def key_of(keyring: Keyring, found: Proven) -> bytes | None:
    """The device's key; None when the row or the installation's key is another."""
    return keyring.open(_PURPOSE, found.sealed, _row(found.realm_id, found.id))


async def _lock(tx: Tx, device_id: DeviceId, version: int | None, permission: str = "devices.write") -> Device:
    """The device for changing it, with the permission or `devices.write`."""
    if not tx.actor.may("devices.write") and not tx.actor.may(permission):
        access.require(tx, "devices.read", otherwise=DeviceNotFound)
        raise Forbidden
    found = await store.lock(tx, device_id)
    if found.deleted_at is not None:
        raise DeviceNotFound
    require_version(found.version, version)
    return found


def _checked(row: Row) -> Row:
    texts = {"name": row.name, "kind": row.kind, "external_id": row.external_id or ""}
    problems = [_unprintable(name) for name, text in texts.items() if not text.isprintable()]
    if not row.name.strip():
        problems.append(Problem("name", "required", "A device has a name."))
    if len(msgspec.json.encode(row.facets)) > _MAX_FACETS:
        problems.append(Problem("facets", "too_large", "What dialects know of a device takes at most 64 KiB."))
    if problems:
        raise InvalidInput(problems)
    return row


def _unprintable(name: str) -> Problem:
    return Problem(name, "invalid_text", "This text holds signs that cannot be shown.")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _row(realm_id: UUID, device_id: UUID) -> bytes:
    return realm_id.bytes + device_id.bytes
