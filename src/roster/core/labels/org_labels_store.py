"""SQL of the labels of organisations."""

from collections.abc import Collection, Mapping, Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.core.labels.errors import LabelNameTaken, LabelNotFound
from roster.core.labels.models import Facets, OrgLabel
from roster.kit.ids import LabelId, OrgId, uuid7
from roster.kit.text import fold
from roster.storage.restorable import Restorable
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, org_id, name, facets, tags, version, created_at, created_by, created_from, updated_at, updated_by,"
    " updated_from, deleted_at, deleted_by, deleted_from"
)
_UNIQUE = {"labels_name_key": LabelNameTaken}
_RESTORABLE = Restorable(OrgLabel, "labels", _COLUMNS, missing=LabelNotFound, conflicts=_UNIQUE)


class Row(msgspec.Struct, frozen=True):
    """What is written about a label of an organisation."""

    name: str
    facets: Facets
    tags: list[str]


async def find(tx: Tx, org_id: OrgId, label_id: LabelId) -> OrgLabel:
    """Deleted ones too."""
    return await _one(tx, " AND org_id = $2 AND id = $3", org_id, label_id)


async def lock(tx: Tx, org_id: OrgId, label_id: LabelId) -> OrgLabel:
    return await _one(tx, " AND org_id = $2 AND id = $3 FOR UPDATE", org_id, label_id)


async def find_numbered(tx: Tx, number: int) -> OrgLabel:
    """Of any organisation; deleted ones are left out."""
    return await _one(tx, " AND number = $2 AND org_id IS NOT NULL AND deleted_at IS NULL", number)


async def _one(tx: Tx, condition: LiteralString, *keys: object) -> OrgLabel:
    return await tx.one(
        OrgLabel,
        "SELECT " + _COLUMNS + " FROM labels WHERE realm_id = $1" + condition,
        tx.realm_id,
        *keys,
        missing=LabelNotFound,
    )


async def live(tx: Tx, org_ids: Sequence[OrgId]) -> list[OrgLabel]:
    """All of these organisations that are not deleted, in the order of their numbers."""
    return await _some(tx, " AND org_id = ANY($2)", list(org_ids))


async def with_ids(tx: Tx, org_id: OrgId, label_ids: Collection[LabelId]) -> list[OrgLabel]:
    """Those of these that the organisation has."""
    return await _some(tx, " AND org_id = $2 AND id = ANY($3)", org_id, list(label_ids))


async def numbered(tx: Tx, org_ids: Sequence[OrgId], numbers: Collection[int]) -> list[OrgLabel]:
    """Those of these numbers that the organisations have."""
    return await _some(tx, " AND org_id = ANY($2) AND number = ANY($3)", list(org_ids), list(numbers))


async def named(tx: Tx, org_id: OrgId, keys: Collection[str]) -> dict[str, LabelId]:
    """By folded name."""
    found = await _some(tx, " AND org_id = $2 AND name_key = ANY($3)", org_id, list(keys))
    return {fold(each.name): each.id for each in found}


async def _some(tx: Tx, condition: LiteralString, *args: object) -> list[OrgLabel]:
    return await tx.all(
        OrgLabel,
        "SELECT "
        + _COLUMNS
        + " FROM labels WHERE realm_id = $1 AND deleted_at IS NULL"
        + condition
        + " ORDER BY number",
        tx.realm_id,
        *args,
    )


async def count(tx: Tx, org_id: OrgId) -> int:
    """Those that are not deleted."""
    return await tx.value(
        "SELECT count(*) FROM labels WHERE realm_id = $1 AND org_id = $2 AND deleted_at IS NULL", tx.realm_id, org_id
    )


async def insert(tx: Tx, org_id: OrgId, row: Row) -> OrgLabel:
    return await tx.one(
        OrgLabel,
        "INSERT INTO labels (realm_id, id, org_id, name, name_key, facets, tags, created_at, created_by, created_from,"
        " updated_at, updated_by, updated_from)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8, $9, $10) RETURNING " + _COLUMNS,
        *_written(tx, uuid7(), org_id, row),
        missing=LabelNotFound,
        conflicts=_UNIQUE,
    )


async def insert_named(tx: Tx, org_id: OrgId, names: Mapping[str, str]) -> list[OrgLabel]:
    """Labels of these names, by folded name, that are nothing but names; the organisation has none of them."""
    return await tx.all(
        OrgLabel,
        "INSERT INTO labels (realm_id, id, org_id, name, name_key, created_at, created_by, created_from, updated_at,"
        " updated_by, updated_from) SELECT $1, t.id, $2, t.name, t.name_key, $6, $7, $8, $6, $7, $8"
        " FROM unnest($3::uuid[], $4::text[], $5::text[]) AS t (id, name, name_key) RETURNING " + _COLUMNS,
        tx.realm_id,
        org_id,
        [uuid7() for _ in names],
        list(names.values()),
        list(names),
        *_who(tx),
    )


async def update(tx: Tx, label_id: LabelId, org_id: OrgId, row: Row) -> OrgLabel:
    return await tx.one(
        OrgLabel,
        "UPDATE labels SET name = $4, name_key = $5, facets = $6, tags = $7, version = version + 1, updated_at = $8,"
        " updated_by = $9, updated_from = $10 WHERE realm_id = $1 AND id = $2 AND org_id = $3 RETURNING " + _COLUMNS,
        *_written(tx, label_id, org_id, row),
        missing=LabelNotFound,
        conflicts=_UNIQUE,
    )


def _written(tx: Tx, label_id: UUID, org_id: OrgId, row: Row) -> tuple[object, ...]:
    return (tx.realm_id, label_id, org_id, row.name, fold(row.name), row.facets, row.tags, *_who(tx))


def _who(tx: Tx) -> tuple[object, ...]:
    return (tx.now, tx.actor.user_id, tx.actor.origin.device_id)


async def mark_deleted(tx: Tx, label_id: LabelId) -> OrgLabel:
    return await _RESTORABLE.delete(tx, label_id)


async def mark_restored(tx: Tx, label_id: LabelId) -> OrgLabel:
    return await _RESTORABLE.restore(tx, label_id)
