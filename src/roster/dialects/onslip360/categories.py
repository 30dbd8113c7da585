"""Categories of labels (contract, tag Label categories)."""

from collections.abc import Callable
from typing import Any, Final

from msgspec import UnsetType

from roster.core.history import service as history
from roster.core.labels import categories
from roster.core.labels.errors import CategoryInUse, CategoryNameTaken, CategoryNotFound
from roster.core.labels.models import Category, CategoryChange, Subject
from roster.dialects.onslip360 import address, auth, lookup, query, reading, replies, wire
from roster.dialects.onslip360.errors import BadQuery, Changed
from roster.dialects.onslip360.mapping import labels as mapping
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import InvalidFilter
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Label categories")

_LIST: Final = "/~{realm}/label-categories/"
_ONE: Final = "/~{realm}/label-categories/{id}"
_WRITE_ERRORS: Final = (InvalidInput, Forbidden, CategoryNameTaken)
_CHANGE_ERRORS: Final = (CategoryNotFound, *_WRITE_ERRORS, Changed)
_IF_MATCH: Final = (replies.IF_MATCH,)
Members = dict[str, Any]
Change = Callable[[Category], CategoryChange]


@ops.get(
    _LIST,
    id="listLabelCategories",
    needs="show-labels",
    errors=(BadQuery, InvalidFilter, Forbidden),
    parameters=query.PARAMETERS,
    returns=list[wire.StoredLabelCategory],
)
async def list_categories(tx: Tx, request: Request, query: Query) -> Reply:
    """List categories of labels."""
    auth.require(tx, "show-labels")
    asked = _listing(query)
    found = await categories.search(tx, asked.where, asked.sorts, asked.page, deleted=asked.deleted)
    return replies.listed(request, await _shown(tx, [] if asked.only_count else found.items), found.total or 0)


@ops.post(
    _LIST,
    id="addLabelCategory",
    status=201,
    needs="edit-labels",
    errors=_WRITE_ERRORS,
    accepts=wire.LabelCategory,
    returns=wire.StoredLabelCategory,
)
async def add_category(tx: Tx, request: Request, body: Members) -> Reply:
    """Add a category of labels."""
    auth.require(tx, "edit-labels")
    sent, extended = reading.read(wire.LabelCategory, body)
    category = await categories.create(tx, mapping.category_draft(sent, extended))
    await lookup.label(tx, Subject.CATEGORY, category.id, sent.labels)
    return replies.made(request, (await _shown(tx, [category]))[0], await _tag(tx, category), category.number)


@ops.get(
    _ONE,
    id="getLabelCategory",
    needs="show-labels",
    errors=(CategoryNotFound, Forbidden),
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.StoredLabelCategory,
    extra=auth.MOMENTS,
)
async def get_category(tx: Tx, request: Request, id: int) -> Reply:
    """Fetch a category of labels.

    With a time behind an at sign, as it was at that moment.
    """
    auth.require(tx, "show-labels")
    category = await categories.find_numbered(tx, id)
    at = address.moment(request)
    if at is not None:
        category = await history.category_at(tx, category, at)
    return replies.shown(request, (await _shown(tx, [category]))[0], await _tag(tx, category))


@ops.put(
    _ONE,
    id="putLabelCategory",
    needs="edit-labels",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.LabelCategory,
    returns=wire.StoredLabelCategory,
)
async def put_category(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Replace a category of labels."""
    found = await _writable(tx, request, id)
    sent, extended = reading.read(wire.LabelCategory, body)
    change = mapping.category_replaced(sent, extended)
    attached = None if isinstance(sent.labels, UnsetType) else sent.labels
    return await _carry_out(tx, request, found, lambda _: change, attached)


@ops.patch(
    _ONE,
    id="updateLabelCategory",
    needs="edit-labels",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.LabelCategoryPatch,
    returns=wire.StoredLabelCategory,
)
async def update_category(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Change members of a category of labels.

    A null `deleted` restores a deleted category.
    """
    found = await _writable(tx, request, id)
    sent, extended = reading.read(wire.LabelCategoryPatch, body)
    if sent.deleted is None and found.deleted_at is not None:
        found = await categories.restore(tx, found.id)

    def change(before: Category) -> CategoryChange:
        return mapping.category_change(sent, extended, before)

    return await _carry_out(tx, request, found, change, sent.labels)


@ops.delete(
    _ONE,
    id="removeLabelCategory",
    status=204,
    needs="edit-labels",
    errors=(CategoryNotFound, Forbidden, CategoryInUse, Changed),
    parameters=_IF_MATCH,
)
async def remove_category(tx: Tx, request: Request, id: int) -> None:
    """Delete a category of labels that has no labels any more.

    It can be restored. Deleting it again changes nothing.
    """
    found = await _writable(tx, request, id)
    if found.deleted_at is None:
        version = found.version if replies.is_conditional(request) else None
        await replies.removed(request, categories.delete(tx, found.id, version=version))


async def _shown(tx: Tx, found: list[Category]) -> list[object]:
    numbers = await lookup.numbers_of(tx, found)
    return [mapping.category_out(each, numbers) for each in found]


async def _writable(tx: Tx, request: Request, number: int) -> Category:
    auth.require(tx, "edit-labels")
    found = await categories.find_numbered(tx, number)
    replies.require_match(request, await _tag(tx, found))
    return found


async def _carry_out(
    tx: Tx, request: Request, found: Category, change: Change, attached: list[int] | UnsetType | None
) -> Reply:
    """Change the category and show the result. Deleted ones cannot be changed."""
    if found.deleted_at is not None:
        raise CategoryNotFound

    async def attempt(before: Category) -> Category:
        return await categories.change(tx, before.id, change(before), version=before.version)

    changed = await replies.carried_out(request, attempt, found, lambda: categories.get(tx, found.id))
    await lookup.label(tx, Subject.CATEGORY, found.id, attached)
    return replies.shown(request, (await _shown(tx, [changed]))[0], await _tag(tx, changed))


async def _tag(tx: Tx, category: Category) -> str:
    return await lookup.tag_of(tx, "g", category)


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.CATEGORY)
