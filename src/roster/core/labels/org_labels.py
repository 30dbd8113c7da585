"""Labels of organisations: made by whoever may in the organisation, for its members, and seen nowhere else."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from roster.core.audit import service as audit
from roster.core.labels import checking
from roster.core.labels import org_labels_store as store
from roster.core.labels.errors import LabelNotDeleted, LabelNotFound, TooManyOrgLabels
from roster.core.labels.models import OrgLabel, OrgLabelChange, OrgLabelDraft
from roster.core.labels.org_labels_store import Row
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.kit.errors import require_version
from roster.kit.ids import LabelId, OrgId
from roster.kit.patch import present
from roster.kit.text import fold
from roster.storage.tx import Tx

MOST: Final = 1000
"""Labels of one organisation, deleted ones not counted."""
_LONGEST_NAME: Final = 200
_TRACKED: Final = Row.__struct_fields__


async def labels_of(tx: Tx, org_id: OrgId) -> list[OrgLabel]:
    """An organisation's labels by number. Needs `labels.read` there. Raises OrgNotFound, Forbidden."""
    org = await orgs.get(tx, org_id)
    await rights.require(tx, "labels.read", org)
    return await store.live(tx, [org_id])


async def get(tx: Tx, org_id: OrgId, label_id: LabelId) -> OrgLabel:
    """One of them, a deleted one too. Raises LabelNotFound besides."""
    await rights.require(tx, "labels.read", await orgs.get(tx, org_id))
    return await store.find(tx, org_id, label_id)


async def find_numbered(tx: Tx, number: int) -> tuple[Org, OrgLabel]:
    """A label of any organisation by number, and that organisation. Needs `labels.read` there. Raises LabelNotFound."""
    label = await store.find_numbered(tx, number)
    org = (await orgs.with_ids(tx, [label.org_id])).get(label.org_id)
    if org is None or not rights.holds(tx, "labels.read", org):
        raise LabelNotFound
    return org, label


async def of_orgs(tx: Tx, found: Sequence[Org]) -> list[OrgLabel]:
    """The labels of organisations that the actor has been shown; whoever calls shows those that they carry only."""
    return await store.live(tx, [org.id for org in found]) if found else []


async def numbered(tx: Tx, org_ids: Sequence[OrgId], numbers: Collection[int]) -> dict[int, OrgLabel]:
    """Those of these numbers that belong to organisations whose labels the actor has been shown."""
    return {each.number: each for each in await store.numbered(tx, org_ids, numbers)} if numbers else {}


async def known(tx: Tx, org: Org, label_ids: Collection[LabelId]) -> set[LabelId]:
    """Those of these that the organisation has. Part of use cases that have checked the actor."""
    return {each.id for each in await store.with_ids(tx, org.id, label_ids)} if label_ids else set()


async def create(tx: Tx, org_id: OrgId, draft: OrgLabelDraft) -> OrgLabel:
    """A new label. Needs `labels.write` in the organisation.

    Raises OrgNotFound, Forbidden, InvalidInput, LabelNameTaken, TooManyOrgLabels.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "labels.write", org)
    checking.check(draft.name, draft.facets)
    await _require_room(tx, org)
    made = await store.insert(tx, org_id, Row(**msgspec.structs.asdict(draft)))
    await audit.record(tx, "label.created", "label", made.id, _made(made))
    return made


async def named(tx: Tx, org: Org, names: Sequence[str], *, create: bool) -> Mapping[str, LabelId]:
    """Labels by folded name, with `create` those made that are missing, as far as they are names and there is room.

    Of several spellings the first counts. Part of a use case that has locked the organisation and checked the actor.
    """
    wanted: dict[str, str] = {}
    for name in names:
        if checking.is_name(name) and len(name) <= _LONGEST_NAME:
            wanted.setdefault(fold(name), name)
    found = await store.named(tx, org.id, wanted) if wanted else {}
    missing = {key: name for key, name in wanted.items() if key not in found}
    if not create or not missing:
        return found
    room = max(0, MOST - await store.count(tx, org.id))
    made = await store.insert_named(tx, org.id, dict(list(missing.items())[:room]))
    await audit.record_each(tx, "label.created", "label", {each.id: _made(each) for each in made})
    return {**found, **{fold(each.name): each.id for each in made}}


async def change(
    tx: Tx, org_id: OrgId, label_id: LabelId, change: OrgLabelChange, *, version: int | None = None
) -> OrgLabel:
    """Change a label. Needs `labels.write` there. Raises LabelNotFound, StaleVersion, and as `create` does."""
    before = await _lock(tx, org_id, label_id, version)
    row = Row(**checking.merged({name: getattr(before, name) for name in _TRACKED}, present(change)))
    checking.check(row.name, row.facets)
    after = await store.update(tx, label_id, org_id, row)
    await audit.record(tx, "label.changed", "label", label_id, audit.differences(before, after, _TRACKED))
    return after


async def delete(tx: Tx, org_id: OrgId, label_id: LabelId, *, version: int | None = None) -> None:
    """Delete a label: nobody carries it any more, until it is restored. Raises as `change`."""
    before = await _lock(tx, org_id, label_id, version)
    changes = checking.deleted(before, await store.mark_deleted(tx, label_id))
    await audit.record(tx, "label.deleted", "label", label_id, changes)


async def restore(tx: Tx, org_id: OrgId, label_id: LabelId) -> OrgLabel:
    """Bring a deleted label back, also to those who carried it and are still members.

    Raises OrgNotFound, Forbidden, LabelNotFound, LabelNotDeleted, LabelNameTaken, TooManyOrgLabels.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "labels.write", org)
    before = await store.lock(tx, org_id, label_id)
    if before.deleted_at is None:
        raise LabelNotDeleted
    await _require_room(tx, org)
    after = await store.mark_restored(tx, label_id)
    await audit.record(tx, "label.restored", "label", label_id, checking.deleted(before, after))
    return after


async def _require_room(tx: Tx, org: Org) -> None:
    if await store.count(tx, org.id) >= MOST:
        raise TooManyOrgLabels


async def _lock(tx: Tx, org_id: OrgId, label_id: LabelId, version: int | None) -> OrgLabel:
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "labels.write", org)
    found = await store.lock(tx, org_id, label_id)
    if found.deleted_at is not None:
        raise LabelNotFound
    require_version(found.version, version)
    return found


def _made(label: OrgLabel) -> dict[str, list[object]]:
    return {**audit.made(label, _TRACKED), "organisation": [None, str(label.org_id)]}
