"""Use cases over categories of labels."""

from collections.abc import Sequence
from typing import Final

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.labels import categories_store as store
from roster.core.labels import checking
from roster.core.labels.categories_store import Row
from roster.core.labels.errors import CategoryInUse, CategoryNotFound, LabelNotDeleted
from roster.core.labels.fields import CATEGORIES
from roster.core.labels.models import Category, CategoryChange, CategoryDraft
from roster.kit.errors import require_version
from roster.kit.filters import Filter, Sort
from roster.kit.ids import CategoryId, uuid7
from roster.kit.pages import Page, Slice
from roster.kit.patch import present
from roster.storage import listing
from roster.storage.tx import Tx

_TRACKED: Final = Row.__struct_fields__


async def get(tx: Tx, category_id: CategoryId) -> Category:
    """One category, deleted ones too. Raises CategoryNotFound. Needs `labels.read`."""
    access.require(tx, "labels.read", otherwise=CategoryNotFound)
    return await store.find(tx, category_id)


async def find_numbered(tx: Tx, number: int) -> Category:
    """One category by number, deleted ones too. Raises as `get`."""
    access.require(tx, "labels.read", otherwise=CategoryNotFound)
    return await store.find_numbered(tx, number)


async def search(
    tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page, *, deleted: bool = False
) -> Slice[Category]:
    """A page of categories, with `deleted` also deleted ones. Needs `labels.read`.

    Raises Forbidden, InvalidFilter, InvalidCursor.
    """
    access.require(tx, "labels.read")
    return await listing.fetch(
        tx,
        store.ALL if deleted else store.LIVE,
        Category,
        fields=CATEGORIES,
        where=where,
        sorts=sorts,
        page=page,
        may_see_private=True,
        about=("deleted",) if deleted else (),
    )


async def create(tx: Tx, draft: CategoryDraft) -> Category:
    """A new category. Raises InvalidInput, CategoryNameTaken. Needs `labels.write`."""
    access.require(tx, "labels.write")
    checking.check(draft.name, draft.facets)
    made = await store.insert(tx, CategoryId(uuid7()), Row(**msgspec.structs.asdict(draft)))
    await audit.record(tx, "label_category.created", "label_category", made.id, audit.made(made, _TRACKED))
    return made


async def change(tx: Tx, category_id: CategoryId, change: CategoryChange, *, version: int | None = None) -> Category:
    """Change a category. Raises CategoryNotFound, StaleVersion, InvalidInput, CategoryNameTaken."""
    before = await _lock(tx, category_id, version)
    row = Row(**checking.merged({name: getattr(before, name) for name in _TRACKED}, present(change)))
    checking.check(row.name, row.facets)
    after = await store.update(tx, category_id, row)
    changes = audit.differences(before, after, _TRACKED)
    await audit.record(tx, "label_category.changed", "label_category", category_id, changes)
    return after


async def delete(tx: Tx, category_id: CategoryId, *, version: int | None = None) -> None:
    """Delete a category without labels. Raises CategoryNotFound, CategoryInUse, StaleVersion."""
    before = await _lock(tx, category_id, version)
    if await store.is_used(tx, category_id):
        raise CategoryInUse
    changes = checking.deleted(before, await store.mark_deleted(tx, category_id))
    await audit.record(tx, "label_category.deleted", "label_category", category_id, changes)


async def restore(tx: Tx, category_id: CategoryId) -> Category:
    """Bring a deleted category back. Raises CategoryNotFound, LabelNotDeleted, CategoryNameTaken."""
    access.require(tx, "labels.write", otherwise=CategoryNotFound)
    before = await store.lock(tx, category_id)
    if before.deleted_at is None:
        raise LabelNotDeleted
    after = await store.mark_restored(tx, category_id)
    changes = checking.deleted(before, after)
    await audit.record(tx, "label_category.restored", "label_category", category_id, changes)
    return after


async def _lock(tx: Tx, category_id: CategoryId, version: int | None) -> Category:
    checking.require_write(tx, CategoryNotFound)
    found = await store.lock(tx, category_id)
    if found.deleted_at is not None:
        raise CategoryNotFound
    require_version(found.version, version)
    return found
