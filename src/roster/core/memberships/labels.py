"""Which labels of their organisation members carry, pending ones too; they end with the membership."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from roster.core.audit import service as audit
from roster.core.audit.service import Changes
from roster.core.labels import org_labels
from roster.core.labels.errors import LabelNotFound
from roster.core.labels.models import OrgLabel
from roster.core.memberships import labels_store, store
from roster.core.memberships.models import Carrier, Membership
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.kit.errors import InvalidInput
from roster.kit.ids import LabelId, OrgId, UserId
from roster.storage.tx import Tx


async def of_members(tx: Tx, members: Sequence[Membership]) -> Mapping[UUID, list[LabelId]]:
    """The labels of members that the actor has been shown, by membership."""
    return await labels_store.carried(tx, [each.id for each in members]) if members else {}


async def carriers(tx: Tx, found: Sequence[Org], labels: Sequence[OrgLabel]) -> Mapping[LabelId, list[Carrier]]:
    """Who carries these labels of organisations that the actor has been shown.

    Where the actor may not see members, only they themselves are shown.
    """
    readable = {org.id for org in found if rights.holds(tx, "members.read", org)}
    own_only = [each.id for each in labels if each.org_id not in readable]
    by_label: dict[LabelId, list[Carrier]] = {}
    ids = [each.id for each in labels]
    for each in await labels_store.carriers(tx, ids, own_only, rights.own_id(tx)) if ids else ():
        by_label.setdefault(each.label_id, []).append(each)
    return by_label


async def give(tx: Tx, org_id: OrgId, label_id: LabelId, user_id: UserId) -> None:
    """Give a member a label. Doing it again changes nothing. Needs `labels.write` in the organisation.

    Raises OrgNotFound, Forbidden, LabelNotFound, NotAMember.
    """
    org, member = await _writable(tx, org_id, user_id)
    if not await org_labels.known(tx, org, [label_id]):
        raise LabelNotFound
    await attach(tx, org, [(member, [label_id])])


async def take(tx: Tx, org_id: OrgId, label_id: LabelId, user_id: UserId) -> None:
    """Take a label away. Raises as `give`; LabelNotFound for one that is not carried."""
    org, member = await _writable(tx, org_id, user_id)
    held = (await labels_store.carried(tx, [member.id])).get(member.id, [])
    if label_id not in held:
        raise LabelNotFound
    await _put(tx, org, [(member, held, [each for each in held if each != label_id])])


async def give_to(tx: Tx, org_id: OrgId, label_id: LabelId, user_ids: Sequence[UserId]) -> None:
    """Make these members, and nobody else, carry a label. Needs `labels.write` in the organisation.

    Raises OrgNotFound, Forbidden, LabelNotFound, InvalidInput for whoever is no member.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "labels.write", org)
    if not await org_labels.known(tx, org, [label_id]):
        raise LabelNotFound
    had = {each.user_id for each in await labels_store.carriers(tx, [label_id])}
    members = {each.user_id: each for each in await store.of_users(tx, org_id, [*had, *user_ids])}
    if not members.keys() >= set(user_ids):
        raise InvalidInput.of("members", "not_a_member", "Only members carry labels.")
    held = await of_members(tx, list(members.values()))
    changed = [member for user_id, member in members.items() if (user_id in had) != (user_id in user_ids)]
    await _put(tx, org, [(each, held.get(each.id, []), _toggled(held.get(each.id, []), label_id)) for each in changed])


async def attach(
    tx: Tx, org: Org, wanted: Sequence[tuple[Membership, Sequence[LabelId]]], *, replace: bool = False
) -> None:
    """Give members labels, with `replace` in place of all that they carry.

    Part of a use case that has locked the organisation, and checked the actor and that these are its labels.
    """
    wanted = [(member, labels) for member, labels in wanted if labels or replace]
    held = await of_members(tx, [member for member, _ in wanted])
    changes = [(member, held.get(member.id, []), labels) for member, labels in wanted]
    await _put(
        tx,
        org,
        [(member, had, list(dict.fromkeys(labels if replace else [*had, *labels]))) for member, had, labels in changes],
    )


async def _writable(tx: Tx, org_id: OrgId, user_id: UserId) -> tuple[Org, Membership]:
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "labels.write", org)
    return org, await store.find(tx, org_id, user_id)


async def _put(tx: Tx, org: Org, wanted: Sequence[tuple[Membership, Sequence[LabelId], Sequence[LabelId]]]) -> None:
    """Members with the labels that they carry now, and those that they shall."""
    changed = [each for each in wanted if set(each[1]) != set(each[2])]
    if not changed:
        return
    await labels_store.remove(tx, [(who.id, each) for who, had, has in changed for each in set(had) - set(has)])
    await labels_store.add(tx, [(who.id, each) for who, had, has in changed for each in set(has) - set(had)])
    where = [str(org.id)] * 2
    told: dict[UUID, Changes] = {
        who.user_id: {"labels": [sorted(map(str, had)), sorted(map(str, has))], "organisation": where}
        for who, had, has in changed
    }
    await audit.record_each(tx, "member.labelled", "user", told)


def _toggled(held: Sequence[LabelId], label_id: LabelId) -> list[LabelId]:
    return [each for each in held if each != label_id] if label_id in held else [*held, label_id]
