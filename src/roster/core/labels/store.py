"""SQL of the realm's labels, without those of organisations, and of what they are attached to."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.core.labels.errors import LabelNameTaken, LabelNotFound
from roster.core.labels.fields import CATEGORY_NUMBER
from roster.core.labels.models import Facets, Label
from roster.kit.ids import CategoryId, LabelId
from roster.kit.text import fold
from roster.storage.restorable import Restorable
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, name, category_id, " + CATEGORY_NUMBER + " AS category_number, facets, tags, version, created_at,"
    " created_by, created_from, updated_at, updated_by, updated_from, deleted_at, deleted_by, deleted_from"
)
LIVE = Listing(columns=_COLUMNS, tables="labels", condition="realm_id = $1 AND org_id IS NULL AND deleted_at IS NULL")
ALL = Listing(columns=_COLUMNS, tables="labels", condition="realm_id = $1 AND org_id IS NULL")
_UNIQUE = {"labels_name_key": LabelNameTaken}
_RESTORABLE = Restorable(Label, "labels", _COLUMNS, missing=LabelNotFound, conflicts=_UNIQUE)


class Row(msgspec.Struct, frozen=True):
    """What is written about a label."""

    name: str
    category_id: CategoryId
    facets: Facets
    tags: list[str]


async def find(tx: Tx, label_id: LabelId) -> Label:
    """Deleted ones too."""
    return await _one(tx, " AND id = $2", label_id)


async def find_numbered(tx: Tx, number: int) -> Label:
    """Deleted ones too."""
    return await _one(tx, " AND number = $2", number)


async def lock(tx: Tx, label_id: LabelId) -> Label:
    return await _one(tx, " AND id = $2 FOR UPDATE", label_id)


async def _one(tx: Tx, condition: LiteralString, key: object) -> Label:
    return await tx.one(
        Label,
        "SELECT " + _COLUMNS + " FROM labels WHERE realm_id = $1 AND org_id IS NULL" + condition,
        tx.realm_id,
        key,
        missing=LabelNotFound,
    )


async def insert(tx: Tx, label_id: LabelId, row: Row) -> Label:
    return await tx.one(
        Label,
        "INSERT INTO labels (realm_id, id, name, name_key, category_id, facets, tags, created_at, created_by,"
        " created_from, updated_at, updated_by, updated_from)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8, $9, $10) RETURNING " + _COLUMNS,
        *_written(tx, label_id, row),
        missing=LabelNotFound,
        conflicts=_UNIQUE,
    )


async def update(tx: Tx, label_id: LabelId, row: Row) -> Label:
    return await tx.one(
        Label,
        "UPDATE labels SET name = $3, name_key = $4, category_id = $5, facets = $6, tags = $7,"
        " version = version + 1, updated_at = $8, updated_by = $9, updated_from = $10"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        *_written(tx, label_id, row),
        missing=LabelNotFound,
        conflicts=_UNIQUE,
    )


def _written(tx: Tx, label_id: LabelId, row: Row) -> tuple[object, ...]:
    who = (tx.now, tx.actor.user_id, tx.actor.origin.device_id)
    return (tx.realm_id, label_id, row.name, fold(row.name), row.category_id, row.facets, row.tags, *who)


async def mark_deleted(tx: Tx, label_id: LabelId) -> Label:
    return await _RESTORABLE.delete(tx, label_id)


async def mark_restored(tx: Tx, label_id: LabelId) -> Label:
    return await _RESTORABLE.restore(tx, label_id)


async def live(tx: Tx, label_ids: Sequence[UUID], numbers: Sequence[int] = ()) -> list[Label]:
    """Those of these ids and numbers that are there and not deleted, in the order of their numbers."""
    return await tx.all(
        Label,
        "SELECT " + _COLUMNS + " FROM labels WHERE realm_id = $1 AND (id = ANY($2) OR number = ANY($3))"
        " AND org_id IS NULL AND deleted_at IS NULL ORDER BY number",
        tx.realm_id,
        list(label_ids),
        list(numbers),
    )


async def attached(tx: Tx, subject_ids: Sequence[UUID]) -> list[tuple[UUID, LabelId, int]]:
    """Subject, label and its number; labels that are deleted are not shown."""
    rows = await tx.rows(
        "SELECT a.subject_id, l.id, l.number FROM label_attachments a"
        " JOIN labels l ON l.realm_id = a.realm_id AND l.id = a.label_id AND l.deleted_at IS NULL"
        " WHERE a.realm_id = $1 AND a.subject_id = ANY($2) ORDER BY l.number",
        tx.realm_id,
        list(subject_ids),
    )
    return [(subject_id, LabelId(label_id), number) for subject_id, label_id, number in rows]


async def exists(tx: Tx, where: LiteralString, subject_id: UUID) -> bool:
    """Whether there is such a row; it is locked, so that two changes of its labels come one after the other."""
    found = await tx.value(
        "SELECT id FROM " + where + " realm_id = $1 AND id = $2 FOR NO KEY UPDATE", tx.realm_id, subject_id
    )
    return found is not None


async def attach(tx: Tx, kind: str, subject_id: UUID, label_ids: Sequence[LabelId]) -> None:
    await tx.run(
        "INSERT INTO label_attachments (realm_id, subject_id, subject_kind, label_id)"
        " SELECT $1, $2, $3, unnest($4::uuid[]) ON CONFLICT DO NOTHING",
        tx.realm_id,
        subject_id,
        kind,
        list(label_ids),
    )


async def detach(tx: Tx, subject_id: UUID, label_ids: Sequence[LabelId]) -> None:
    await tx.run(
        "DELETE FROM label_attachments WHERE realm_id = $1 AND subject_id = $2 AND label_id = ANY($3)",
        tx.realm_id,
        subject_id,
        list(label_ids),
    )
