"""Use cases over labels of the realm, and attaching them; those of organisations are in `org_labels`."""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.labels import categories_store, checking, store
from roster.core.labels.errors import CategoryNotFound, LabelNotDeleted, LabelNotFound
from roster.core.labels.fields import LABELS
from roster.core.labels.models import Label, LabelChange, LabelDraft, Subject
from roster.core.labels.store import Row
from roster.kit.errors import InvalidInput, NotFound, require_version
from roster.kit.filters import Filter, Sort
from roster.kit.ids import CategoryId, LabelId, UserId, uuid7
from roster.kit.pages import Page, Slice
from roster.kit.patch import present
from roster.storage import listing
from roster.storage.tx import Tx

_TRACKED: Final = Row.__struct_fields__
_MOST: Final = 100
_TABLES: Final[Mapping[Subject, tuple[LiteralString, str]]] = {
    Subject.USER: ("users WHERE", "users.write"),
    Subject.ROLE: ("roles WHERE org_id IS NULL AND", "roles.write"),
    Subject.DEVICE: ("devices WHERE", "devices.write"),
    Subject.CREDENTIAL: ("credentials WHERE", "credentials.write"),
    Subject.LABEL: ("labels WHERE org_id IS NULL AND", "labels.write"),
    Subject.CATEGORY: ("label_categories WHERE", "labels.write"),
}
"""Where subjects of each kind are stored, those of organisations left out, and what it takes to change them."""


async def get(tx: Tx, label_id: LabelId) -> Label:
    """One label, deleted ones too. Raises LabelNotFound. Needs `labels.read`."""
    access.require(tx, "labels.read", otherwise=LabelNotFound)
    return await store.find(tx, label_id)


async def find_numbered(tx: Tx, number: int) -> Label:
    """One label by number, deleted ones too. Raises as `get`."""
    access.require(tx, "labels.read", otherwise=LabelNotFound)
    return await store.find_numbered(tx, number)


async def search(
    tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page, *, deleted: bool = False
) -> Slice[Label]:
    """A page of labels, with `deleted` also deleted ones. Needs `labels.read`.

    Raises Forbidden, InvalidFilter, InvalidCursor.
    """
    access.require(tx, "labels.read")
    return await listing.fetch(
        tx,
        store.ALL if deleted else store.LIVE,
        Label,
        fields=LABELS,
        where=where,
        sorts=sorts,
        page=page,
        may_see_private=True,
        about=("deleted",) if deleted else (),
    )


async def create(tx: Tx, draft: LabelDraft) -> Label:
    """A new label. Raises InvalidInput, also for an unknown category, LabelNameTaken. Needs `labels.write`."""
    access.require(tx, "labels.write")
    checking.check(draft.name, draft.facets)
    await _require_category(tx, draft.category_id)
    made = await store.insert(tx, LabelId(uuid7()), Row(**msgspec.structs.asdict(draft)))
    await audit.record(tx, "label.created", "label", made.id, audit.made(made, _TRACKED))
    return made


async def change(tx: Tx, label_id: LabelId, change: LabelChange, *, version: int | None = None) -> Label:
    """Change a label. Raises LabelNotFound, StaleVersion, and as `create` does."""
    before = await _lock(tx, label_id, version)
    row = Row(**checking.merged({name: getattr(before, name) for name in _TRACKED}, present(change)))
    checking.check(row.name, row.facets)
    if row.category_id != before.category_id:
        await _require_category(tx, row.category_id)
    after = await store.update(tx, label_id, row)
    await audit.record(tx, "label.changed", "label", label_id, audit.differences(before, after, _TRACKED))
    return after


async def delete(tx: Tx, label_id: LabelId, *, version: int | None = None) -> None:
    """Delete a label: nothing shows it any more, until it is restored. Raises LabelNotFound, StaleVersion."""
    before = await _lock(tx, label_id, version)
    changes = checking.deleted(before, await store.mark_deleted(tx, label_id))
    await audit.record(tx, "label.deleted", "label", label_id, changes)


async def restore(tx: Tx, label_id: LabelId) -> Label:
    """Bring a deleted label back, also to what it was attached to.

    Raises LabelNotFound, LabelNotDeleted, LabelNameTaken; InvalidInput while its category is deleted.
    """
    access.require(tx, "labels.write", otherwise=LabelNotFound)
    before = await store.lock(tx, label_id)
    if before.deleted_at is None:
        raise LabelNotDeleted
    await _require_category(tx, before.category_id)
    after = await store.mark_restored(tx, label_id)
    await audit.record(tx, "label.restored", "label", label_id, checking.deleted(before, after))
    return after


async def of(tx: Tx, subject_ids: Sequence[UUID]) -> dict[UUID, list[LabelId]]:
    """The labels of things and people of any kind; the caller has checked that the actor may see these."""
    found: dict[UUID, list[LabelId]] = {}
    for subject_id, label_id, _ in await store.attached(tx, subject_ids) if subject_ids else ():
        found.setdefault(subject_id, []).append(label_id)
    return found


async def numbers_of(tx: Tx, subject_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """The same by number, ascending."""
    found: dict[UUID, list[int]] = {}
    for subject_id, _, number in await store.attached(tx, subject_ids) if subject_ids else ():
        found.setdefault(subject_id, []).append(number)
    return found


async def numbered(tx: Tx, numbers: Sequence[int]) -> list[LabelId]:
    """The labels of these numbers, for `attach`. Raises InvalidInput for one that is not there."""
    found = {each.number: each.id for each in await store.live(tx, (), numbers)} if numbers else {}
    unknown = [number for number in numbers if number not in found]
    if unknown:
        raise InvalidInput.of("labels", "unknown_label", f"There is no label {unknown[0]}.")
    return [found[number] for number in numbers]


async def numbers_for(tx: Tx, label_ids: Sequence[LabelId]) -> list[int]:
    """The numbers of these labels, deleted ones left out. Nothing is checked."""
    return sorted(each.number for each in await store.live(tx, label_ids)) if label_ids else []


async def of_person(tx: Tx, user_id: UserId) -> list[Label]:
    """A person's labels in the order of their numbers.

    Needs `labels.read`, and `users.read` or being that person. Raises Forbidden, NotFound.
    """
    access.require(tx, "labels.read")
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "users.read", user_id)
    return await store.live(tx, (await of(tx, [user_id])).get(user_id, ()))


async def attach(tx: Tx, kind: Subject, subject_id: UUID, label_ids: Sequence[LabelId]) -> None:
    """Make the labels of somebody or something exactly these.

    Needs what it takes to change the subject; what belongs to people who may do more stays as it is. Raises Forbidden,
    Escalation, NotFound for a subject that is not there, InvalidInput for unknown or too many labels.
    """
    held = await _held(tx, kind, subject_id)
    await _make(tx, kind, subject_id, held, list(dict.fromkeys(label_ids)))


async def add(tx: Tx, kind: Subject, subject_id: UUID, label_id: LabelId) -> None:
    """Attach one more label, if it is not there yet. Raises as `attach` does; LabelNotFound for an unknown label."""
    held = await _held(tx, kind, subject_id)
    if not await store.live(tx, [label_id]):
        raise LabelNotFound
    await _make(tx, kind, subject_id, held, [*held, label_id] if label_id not in held else held)


async def remove(tx: Tx, kind: Subject, subject_id: UUID, label_id: LabelId) -> None:
    """Take one label away. Raises as `attach` does; LabelNotFound for one that is not attached."""
    held = await _held(tx, kind, subject_id)
    if label_id not in held:
        raise LabelNotFound
    await _make(tx, kind, subject_id, held, [each for each in held if each != label_id])


async def _held(tx: Tx, kind: Subject, subject_id: UUID) -> list[LabelId]:
    """What is attached now; nobody else changes it before this transaction ends."""
    await _require_subject(tx, kind, subject_id)
    return (await of(tx, [subject_id])).get(subject_id, [])


async def _make(tx: Tx, kind: Subject, subject_id: UUID, held: Sequence[LabelId], wanted: Sequence[LabelId]) -> None:
    if len(wanted) > _MOST:
        raise InvalidInput.of("labels", "too_many", f"At most {_MOST} labels.")
    known = {each.id for each in await store.live(tx, wanted)} if wanted else set[LabelId]()
    if not known >= set(wanted):
        raise InvalidInput.of("labels", "unknown_label", "There is no such label.")
    if set(held) == set(wanted):
        return
    await store.detach(tx, subject_id, [each for each in held if each not in wanted])
    await store.attach(tx, kind, subject_id, [each for each in wanted if each not in held])
    changes = [sorted(map(str, held)), sorted(map(str, wanted))]
    await audit.record(tx, f"{kind}.labelled", kind, subject_id, {"labels": changes})


async def _require_subject(tx: Tx, kind: Subject, subject_id: UUID) -> None:
    table, permission = _TABLES[kind]
    if kind is Subject.USER:
        await access.require_over(tx, permission, UserId(subject_id))
        await access.require_not_above(tx, UserId(subject_id))
    else:
        access.require(tx, permission)
    if not await store.exists(tx, table, subject_id):
        raise NotFound


async def _require_category(tx: Tx, category_id: CategoryId) -> None:
    try:
        found = await categories_store.lock(tx, category_id)
    except CategoryNotFound:
        found = None
    if found is None or found.deleted_at is not None:
        raise InvalidInput.of("category_id", "unknown_category", "There is no such category of labels.")


async def _lock(tx: Tx, label_id: LabelId, version: int | None) -> Label:
    checking.require_write(tx, LabelNotFound)
    found = await store.lock(tx, label_id)
    if found.deleted_at is not None:
        raise LabelNotFound
    require_version(found.version, version)
    return found
