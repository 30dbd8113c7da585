"""SQL of categories of labels."""

from typing import LiteralString

import msgspec

from roster.core.labels.errors import CategoryNameTaken, CategoryNotFound
from roster.core.labels.models import Category, Facets
from roster.kit.ids import CategoryId
from roster.kit.text import fold
from roster.storage.restorable import Restorable
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, name, resources, facets, tags, version, created_at, created_by, created_from, updated_at, updated_by,"
    " updated_from, deleted_at, deleted_by, deleted_from"
)
LIVE = Listing(columns=_COLUMNS, tables="label_categories", condition="realm_id = $1 AND deleted_at IS NULL")
ALL = Listing(columns=_COLUMNS, tables="label_categories", condition="realm_id = $1")
_UNIQUE = {"label_categories_name_key": CategoryNameTaken}
_RESTORABLE = Restorable(Category, "label_categories", _COLUMNS, missing=CategoryNotFound, conflicts=_UNIQUE)


class Row(msgspec.Struct, frozen=True):
    """What is written about a category."""

    name: str
    resources: list[str]
    facets: Facets
    tags: list[str]


async def find(tx: Tx, category_id: CategoryId) -> Category:
    """Deleted ones too."""
    return await _one(tx, " AND id = $2", category_id)


async def find_numbered(tx: Tx, number: int) -> Category:
    """Deleted ones too."""
    return await _one(tx, " AND number = $2", number)


async def lock(tx: Tx, category_id: CategoryId) -> Category:
    return await _one(tx, " AND id = $2 FOR UPDATE", category_id)


async def _one(tx: Tx, condition: LiteralString, key: object) -> Category:
    return await tx.one(
        Category,
        "SELECT " + _COLUMNS + " FROM label_categories WHERE realm_id = $1" + condition,
        tx.realm_id,
        key,
        missing=CategoryNotFound,
    )


async def insert(tx: Tx, category_id: CategoryId, row: Row) -> Category:
    return await tx.one(
        Category,
        "INSERT INTO label_categories (realm_id, id, name, name_key, resources, facets, tags, created_at, created_by,"
        " created_from, updated_at, updated_by, updated_from)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8, $9, $10) RETURNING " + _COLUMNS,
        *_written(tx, category_id, row),
        missing=CategoryNotFound,
        conflicts=_UNIQUE,
    )


async def update(tx: Tx, category_id: CategoryId, row: Row) -> Category:
    return await tx.one(
        Category,
        "UPDATE label_categories SET name = $3, name_key = $4, resources = $5, facets = $6, tags = $7,"
        " version = version + 1, updated_at = $8, updated_by = $9, updated_from = $10"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        *_written(tx, category_id, row),
        missing=CategoryNotFound,
        conflicts=_UNIQUE,
    )


def _written(tx: Tx, category_id: CategoryId, row: Row) -> tuple[object, ...]:
    who = (tx.now, tx.actor.user_id, tx.actor.origin.device_id)
    return (tx.realm_id, category_id, row.name, fold(row.name), row.resources, row.facets, row.tags, *who)


async def mark_deleted(tx: Tx, category_id: CategoryId) -> Category:
    return await _RESTORABLE.delete(tx, category_id)


async def mark_restored(tx: Tx, category_id: CategoryId) -> Category:
    return await _RESTORABLE.restore(tx, category_id)


async def is_used(tx: Tx, category_id: CategoryId) -> bool:
    """Whether there are labels in it that are not deleted."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM labels WHERE realm_id = $1 AND category_id = $2 AND deleted_at IS NULL)",
        tx.realm_id,
        category_id,
    )
