"""Labels, which are attached to people and things (contract, tag Labels)."""

from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET, UnsetType

from roster.core.history import service as history
from roster.core.labels import categories
from roster.core.labels import service as labels
from roster.core.labels.errors import CategoryNotFound, LabelNameTaken, LabelNotFound
from roster.core.labels.models import Label, LabelChange, Subject
from roster.dialects.onslip360 import address, auth, lookup, query, reading, replies, wire
from roster.dialects.onslip360.errors import BadQuery, Changed
from roster.dialects.onslip360.mapping import labels as mapping
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import InvalidFilter
from roster.kit.ids import CategoryId
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Labels")

_LIST: Final = "/~{realm}/labels/"
_ONE: Final = "/~{realm}/labels/{id}"
_WRITE_ERRORS: Final = (InvalidInput, Forbidden, LabelNameTaken)
_CHANGE_ERRORS: Final = (LabelNotFound, *_WRITE_ERRORS, Changed)
_IF_MATCH: Final = (replies.IF_MATCH,)
Members = dict[str, Any]
Change = Callable[[Label], LabelChange]


@ops.get(
    _LIST,
    id="listLabels",
    needs="show-labels",
    errors=(BadQuery, InvalidFilter, Forbidden),
    parameters=query.PARAMETERS,
    returns=list[wire.StoredLabel],
)
async def list_labels(tx: Tx, request: Request, query: Query) -> Reply:
    """List labels."""
    auth.require(tx, "show-labels")
    asked = _listing(query)
    found = await labels.search(tx, asked.where, asked.sorts, asked.page, deleted=asked.deleted)
    return replies.listed(request, await _shown(tx, [] if asked.only_count else found.items), found.total or 0)


@ops.post(
    _LIST,
    id="addLabel",
    status=201,
    needs="edit-labels",
    errors=_WRITE_ERRORS,
    accepts=wire.Label,
    returns=wire.StoredLabel,
)
async def add_label(tx: Tx, request: Request, body: Members) -> Reply:
    """Add a label."""
    auth.require(tx, "edit-labels")
    sent, extended = reading.read(wire.Label, body)
    label = await labels.create(tx, mapping.label_draft(sent, extended, await _category(tx, sent.label_category)))
    await lookup.label(tx, Subject.LABEL, label.id, sent.labels)
    return replies.made(request, (await _shown(tx, [label]))[0], await _tag(tx, label), label.number)


@ops.get(
    _ONE,
    id="getLabel",
    needs="show-labels",
    errors=(LabelNotFound, Forbidden),
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.StoredLabel,
    extra=auth.MOMENTS,
)
async def get_label(tx: Tx, request: Request, id: int) -> Reply:
    """Fetch a label.

    With a time behind an at sign, as it was at that moment.
    """
    auth.require(tx, "show-labels")
    label = await labels.find_numbered(tx, id)
    at = address.moment(request)
    if at is not None:
        label = await history.label_at(tx, label, at)
    return replies.shown(request, (await _shown(tx, [label]))[0], await _tag(tx, label))


@ops.put(
    _ONE,
    id="putLabel",
    needs="edit-labels",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.Label,
    returns=wire.StoredLabel,
)
async def put_label(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Replace a label."""
    found = await _writable(tx, request, id)
    sent, extended = reading.read(wire.Label, body)
    change = mapping.label_replaced(sent, extended, await _category(tx, sent.label_category))
    attached = None if isinstance(sent.labels, UnsetType) else sent.labels
    return await _carry_out(tx, request, found, lambda _: change, attached)


@ops.patch(
    _ONE,
    id="updateLabel",
    needs="edit-labels",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.LabelPatch,
    returns=wire.StoredLabel,
)
async def update_label(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Change members of a label.

    A null `deleted` restores a deleted label.
    """
    found = await _writable(tx, request, id)
    sent, extended = reading.read(wire.LabelPatch, body)
    category = UNSET if isinstance(sent.label_category, UnsetType) else await _category(tx, sent.label_category)
    if sent.deleted is None and found.deleted_at is not None:
        found = await labels.restore(tx, found.id)

    def change(before: Label) -> LabelChange:
        return mapping.label_change(sent, extended, before, category)

    return await _carry_out(tx, request, found, change, sent.labels)


@ops.delete(
    _ONE,
    id="removeLabel",
    status=204,
    needs="edit-labels",
    errors=(LabelNotFound, Forbidden, Changed),
    parameters=_IF_MATCH,
)
async def remove_label(tx: Tx, request: Request, id: int) -> None:
    """Delete a label.

    Nothing shows it any more; it can be restored. Deleting it again changes nothing.
    """
    found = await _writable(tx, request, id)
    if found.deleted_at is None:
        version = found.version if replies.is_conditional(request) else None
        await replies.removed(request, labels.delete(tx, found.id, version=version))


async def _shown(tx: Tx, found: list[Label]) -> list[object]:
    numbers = await lookup.numbers_of(tx, found)
    return [mapping.label_out(label, numbers) for label in found]


async def _category(tx: Tx, number: int) -> CategoryId:
    try:
        return (await categories.find_numbered(tx, number)).id
    except CategoryNotFound:
        text = f"There is no category {number}."
        raise InvalidInput.of("label-category", "unknown_category", text) from None


async def _writable(tx: Tx, request: Request, number: int) -> Label:
    auth.require(tx, "edit-labels")
    found = await labels.find_numbered(tx, number)
    replies.require_match(request, await _tag(tx, found))
    return found


async def _carry_out(
    tx: Tx, request: Request, found: Label, change: Change, attached: list[int] | UnsetType | None
) -> Reply:
    """Change the label and show the result. Deleted ones cannot be changed."""
    if found.deleted_at is not None:
        raise LabelNotFound

    async def attempt(before: Label) -> Label:
        return await labels.change(tx, before.id, change(before), version=before.version)

    changed = await replies.carried_out(request, attempt, found, lambda: labels.get(tx, found.id))
    await lookup.label(tx, Subject.LABEL, found.id, attached)
    return replies.shown(request, (await _shown(tx, [changed]))[0], await _tag(tx, changed))


async def _tag(tx: Tx, label: Label) -> str:
    return await lookup.tag_of(tx, "b", label)


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.LABEL)
