"""SQL of devices."""

from typing import LiteralString

import msgspec

from roster.core.devices.errors import DeviceIdTaken, DeviceNotFound
from roster.core.devices.models import Device, Facets, Proven
from roster.kit.ids import DeviceId
from roster.kit.text import fold
from roster.storage.restorable import Restorable
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, name, kind, description, status, external_id, sealed IS NOT NULL, facets, tags, version,"
    " created_at, created_by, created_from, updated_at, updated_by, updated_from, deleted_at, deleted_by, deleted_from"
)
LIVE = Listing(columns=_COLUMNS, tables="devices", condition="realm_id = $1 AND deleted_at IS NULL")
ALL = Listing(columns=_COLUMNS, tables="devices", condition="realm_id = $1")
_UNIQUE = {"devices_external_key": DeviceIdTaken}
_RESTORABLE = Restorable(Device, "devices", _COLUMNS, missing=DeviceNotFound, conflicts=_UNIQUE)


class Row(msgspec.Struct, frozen=True):
    """What is written about a device."""

    name: str
    kind: str
    description: str
    status: str
    external_id: str | None
    facets: Facets
    tags: list[str]


async def find(tx: Tx, device_id: DeviceId) -> Device:
    """Deleted ones too."""
    return await _one(tx, "", device_id)


async def lock(tx: Tx, device_id: DeviceId) -> Device:
    return await _one(tx, " FOR UPDATE", device_id)


async def _one(tx: Tx, ending: LiteralString, device_id: DeviceId) -> Device:
    return await tx.one(
        Device,
        "SELECT " + _COLUMNS + " FROM devices WHERE realm_id = $1 AND id = $2" + ending,
        tx.realm_id,
        device_id,
        missing=DeviceNotFound,
    )


async def look_up(tx: Tx, name: str, number: int | None) -> Device | None:
    """A device that is not deleted by what it calls itself, else by its number."""
    return await tx.maybe(
        Device,
        "SELECT " + _COLUMNS + " FROM devices WHERE realm_id = $1 AND deleted_at IS NULL"
        " AND (external_id = $2 OR number = $3) ORDER BY external_id = $2 DESC NULLS LAST LIMIT 1",
        tx.realm_id,
        name,
        number,
    )


async def find_numbered(tx: Tx, number: int) -> Device:
    """Deleted ones too."""
    return await tx.one(
        Device,
        "SELECT " + _COLUMNS + " FROM devices WHERE realm_id = $1 AND number = $2",
        tx.realm_id,
        number,
        missing=DeviceNotFound,
    )


async def insert(tx: Tx, device_id: DeviceId, row: Row) -> Device:
    return await tx.one(
        Device,
        "INSERT INTO devices (realm_id, id, name, name_key, kind, description, status, external_id, facets, tags,"
        " created_at, created_by, created_from, updated_at, updated_by, updated_from)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $11, $12, $13) RETURNING " + _COLUMNS,
        *_written(tx, device_id, row),
        missing=DeviceNotFound,
        conflicts=_UNIQUE,
    )


async def update(tx: Tx, device_id: DeviceId, row: Row) -> Device:
    return await tx.one(
        Device,
        "UPDATE devices SET name = $3, name_key = $4, kind = $5, description = $6, status = $7, external_id = $8,"
        " facets = $9, tags = $10, version = version + 1, updated_at = $11, updated_by = $12, updated_from = $13"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        *_written(tx, device_id, row),
        missing=DeviceNotFound,
        conflicts=_UNIQUE,
    )


def _written(tx: Tx, device_id: DeviceId, row: Row) -> tuple[object, ...]:
    return (
        tx.realm_id,
        device_id,
        row.name,
        fold(row.name),
        row.kind,
        row.description,
        row.status,
        row.external_id,
        row.facets,
        row.tags,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
    )


async def set_key(tx: Tx, device_id: DeviceId, sealed: bytes | None) -> Device:
    return await tx.one(
        Device,
        "UPDATE devices SET sealed = $3, version = version + 1, updated_at = $4, updated_by = $5, updated_from = $6"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        tx.realm_id,
        device_id,
        sealed,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        missing=DeviceNotFound,
    )


async def mark_deleted(tx: Tx, device_id: DeviceId) -> Device:
    return await _RESTORABLE.delete(tx, device_id)


async def mark_restored(tx: Tx, device_id: DeviceId) -> Device:
    return await _RESTORABLE.restore(tx, device_id)


async def proven(tx: Tx, slug: str, name: str, number: int | None) -> Proven | None:
    """A device of any realm, if it and its realm are in order and it has a key."""
    return await tx.maybe(
        Proven,
        "SELECT r.id, r.version, r.access_version, d.id, d.name, d.version, d.sealed FROM realms r"
        " JOIN devices d ON d.realm_id = r.id WHERE r.slug = $1 AND r.status = 'active'"
        " AND d.deleted_at IS NULL AND d.status = 'enabled' AND d.sealed IS NOT NULL"
        " AND (d.external_id = $2 OR d.number = $3) ORDER BY d.external_id = $2 DESC NULLS LAST LIMIT 1",
        slug,
        name,
        number,
    )


async def end_sessions(tx: Tx, device_id: DeviceId, reason: str) -> None:
    """Sessions that people opened with a PIN on this device."""
    await tx.run(
        "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE realm_id = $1 AND device_id = $2"
        " AND ended_at IS NULL",
        tx.realm_id,
        device_id,
        tx.now,
        reason,
    )
