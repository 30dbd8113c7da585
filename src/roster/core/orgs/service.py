"""Making, finding and changing organisations, and deciding whose they are.

Organisations come with roles, which are known above this feature: making one and changing its owners are parts of the
use cases in `flows.organisations`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from roster.core.audit import service as audit
from roster.core.orgs import checking, rights, store, trees
from roster.core.orgs.errors import LastOwner, OrgHasParts, OrgInsideItself, OrgNotFound, OrgTooDeep
from roster.core.orgs.fields import FIELDS
from roster.core.orgs.models import DEEPEST, MOST_IN_TREE, Facets, Org, OrgChange, OrgDraft, Owner
from roster.core.realms import service as realms
from roster.kit import ids
from roster.kit.errors import Forbidden, InvalidInput, require_version
from roster.kit.filters import Filter, Sort
from roster.kit.ids import OrgId, UserId
from roster.kit.pages import Page, Slice
from roster.kit.patch import changed, is_set
from roster.storage import listing
from roster.storage.tx import Tx

below = trees.below

_IN_ORDER: Final = (Sort("number"),)
_TRACKED: Final = (
    *("parent_id", "name", "description", "language", "timezone", "enforces_mfa", "invitation_text", "facets"),
)


async def get(tx: Tx, org_id: OrgId) -> Org:
    """One organisation. Raises OrgNotFound, also for those the actor may not know of."""
    return await _seen(tx, await store.find(tx, org_id))


async def get_by_number(tx: Tx, number: int) -> Org:
    """The same by its number."""
    return await _seen(tx, await store.find_by_number(tx, number))


async def known_to_member(tx: Tx, org_id: OrgId, user_id: UserId) -> Org:
    """The same for a person who belongs to it, be it as a pending member, as whoever calls has seen."""
    found = await store.find(tx, org_id)
    return found if tx.actor.is_user(user_id) else await _seen(tx, found)


async def lock(tx: Tx, org_id: OrgId) -> Org:
    """One organisation, locked until the end of the transaction; who asks decides about rights. Raises OrgNotFound."""
    return await store.lock(tx, org_id)


async def with_ids(tx: Tx, org_ids: Sequence[OrgId]) -> dict[OrgId, Org]:
    """Those of these organisations that there are; the caller has checked that the actor may see them."""
    return {each.id: each for each in await store.some(tx, org_ids)} if org_ids else {}


async def way_to(tx: Tx, org: Org) -> list[Org]:
    """The organisations from the root to this one, as far as the actor may know of them."""
    found = await with_ids(tx, org.path)
    above = [found[each] for each in org.path if each in found]
    return [each for each in above if each.id == org.id or await rights.may_see(tx, each)]


async def search(
    tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page, *, below: OrgId | None = None
) -> Slice[Org]:
    """A page of organisations that the actor may know of, by number unless sorted otherwise.

    With `below` only those directly below that one. Raises InvalidFilter, InvalidCursor.
    """
    everything = tx.actor.may("orgs.read")
    user_id = rights.own_id(tx)
    return await listing.fetch(
        tx,
        store.ALL if everything else store.OWN,
        Org,
        fields=FIELDS,
        where=where,
        sorts=sorts or _IN_ORDER,
        page=page,
        may_see_private=True,
        args=(below,) if everything else (below, user_id, _reached(tx)),
        about=(str(below), *(() if everything else (str(user_id),))),
    )


async def create(tx: Tx, draft: OrgDraft) -> Org:
    """A new organisation, part of the use case that makes it somebody's.

    Below another it needs `orgs.write` there; a root needs `orgs.create`, or a realm where everybody may found one.
    A chosen number needs `orgs.create`. Raises OrgNotFound, Forbidden, InvalidInput, OrgTooDeep, OrgNumberTaken.
    """
    if draft.number is not None and not tx.actor.may("orgs.create"):
        raise Forbidden
    above: Sequence[OrgId] = ()
    if draft.parent_id is None:
        await _require_founding(tx)
    else:
        await store.lock_trees(tx)
        parent = await store.lock(tx, draft.parent_id)
        await rights.require(tx, "orgs.write", parent)
        above = parent.path
        await _require_room(tx, above, depth=1, size=1)
    checking.check(draft)
    org = await store.insert(tx, draft, above)
    if above:
        await trees.changed(tx)
    await audit.record(tx, "org.created", "org", org.id, {"name": [None, org.name]})
    return org


async def change(tx: Tx, org_id: OrgId, change: OrgChange, *, version: int | None = None) -> Org:
    """Change an organisation. Needs `orgs.write` in it. Raises OrgNotFound, Forbidden, InvalidInput, StaleVersion."""
    before = await store.lock(tx, org_id)
    await rights.require(tx, "orgs.write", before)
    require_version(before.version, version)
    facets = _merged(before.facets, change.facets) if is_set(change.facets) else before.facets
    after = msgspec.structs.replace(before, **{**changed(before, change), "facets": facets})
    checking.check(after, after.invitation_text)
    if after == before:
        return before
    after = await store.update(tx, after)
    await audit.record(tx, "org.changed", "org", org_id, audit.differences(before, after, _TRACKED))
    return after


async def move(tx: Tx, org_id: OrgId, parent_id: OrgId | None, *, version: int | None = None) -> Org:
    """Put an organisation, with all below it, under another one, or make it a root.

    Only its owners may, who need `orgs.write` in the new parent; a root has owners of its own (LastOwner).
    Raises OrgNotFound, OwnersOnly, Forbidden, OrgInsideItself, OrgTooDeep, StaleVersion.
    """
    await store.lock_trees(tx)
    before = await store.lock(tx, org_id)
    await rights.require_owner(tx, before)
    require_version(before.version, version)
    if parent_id == before.parent_id:
        return before
    above = await _new_place(tx, before, parent_id)
    await store.move(tx, before, above)
    await trees.changed(tx)
    after = await store.find(tx, org_id)
    await audit.record(tx, "org.changed", "org", org_id, audit.differences(before, after, _TRACKED))
    return after


async def delete(tx: Tx, org_id: OrgId, *, version: int | None = None) -> None:
    """Delete an organisation, its memberships and what is limited to it; people stay. Only its owners may.

    Raises OrgNotFound, OwnersOnly, OrgHasParts, StaleVersion.
    """
    await store.lock_trees(tx)
    org = await store.lock(tx, org_id)
    await rights.require_owner(tx, org)
    require_version(org.version, version)
    if await store.has_parts(tx, org_id):
        raise OrgHasParts
    await store.delete(tx, org_id)
    await trees.changed(tx)
    await audit.record(tx, "org.deleted", "org", org_id, {"name": [org.name, None]})


async def with_parts(tx: Tx, orgs: Sequence[Org]) -> set[OrgId]:
    """Those of the given ones that have others below them."""
    return await store.with_parts(tx, [org.id for org in orgs]) if orgs else set()


# owners


async def owners_of(tx: Tx, orgs: Sequence[Org]) -> Mapping[OrgId, list[Owner]]:
    """The owners of organisations that the actor has been shown, in the order in which they came."""
    found: dict[OrgId, list[Owner]] = {}
    for owner in await store.owners(tx, [org.id for org in orgs]) if orgs else []:
        found.setdefault(owner.org_id, []).append(owner)
    return found


async def owned_by(tx: Tx, user_id: UserId) -> list[Org]:
    """The organisations that a person owns, by number; needs being that person or `orgs.read`."""
    if not tx.actor.is_user(user_id) and not tx.actor.may("orgs.read"):
        raise Forbidden
    found = await store.some(tx, await store.owned(tx, user_id))
    return sorted(found, key=lambda org: org.number)


async def remove_owner(tx: Tx, org: Org, user_id: UserId) -> bool:
    """Make somebody an owner no more, part of the use case that has locked it; whether they were one before.

    Only owners may. Raises OrgNotFound, OwnersOnly, LastOwner: the last owner of a root stays; what is below belongs to
    the owners above it anyway.
    """
    await rights.require_owner(tx, org)
    owners = {each.user_id for each in await store.owners(tx, [org.id])}
    if org.parent_id is None and owners == {user_id}:
        raise LastOwner
    removed = await store.remove_owner(tx, org.id, user_id)
    if removed:
        await audit.record(tx, "org.owner_removed", "org", org.id, {"owner": [str(user_id), None]})
    return removed


async def own(tx: Tx, org: Org, user_id: UserId) -> bool:
    """Make somebody an owner, part of a use case that has checked that; whether they were none before.

    Raises InvalidInput when there is no such person.
    """
    added = await store.add_owner(tx, org.id, user_id)
    if added:
        await audit.record(tx, "org.owner_added", "org", org.id, {"owner": [None, str(user_id)]})
    elif user_id not in {each.user_id for each in await store.owners(tx, [org.id])}:
        raise InvalidInput.of("owner", "unknown_user", "There is no such user.")
    return added


async def owns_any(tx: Tx, user_id: UserId) -> bool:
    """Whether a person owns any organisation; nothing is checked."""
    return bool(await store.owned(tx, user_id))


async def _seen(tx: Tx, org: Org) -> Org:
    if not await rights.may_see(tx, org):
        raise OrgNotFound
    return org


async def _require_founding(tx: Tx) -> None:
    if tx.actor.may("orgs.create"):
        return
    if rights.own_id(tx) is None or not (await realms.current(tx)).settings.organisations_by_anyone:
        raise Forbidden


async def _new_place(tx: Tx, org: Org, parent_id: OrgId | None) -> Sequence[OrgId]:
    """The way to the new parent; none for a root."""
    if parent_id is None:
        if not await store.owners(tx, [org.id]):
            raise LastOwner
        return ()
    parent = await store.lock(tx, parent_id)
    await rights.require(tx, "orgs.write", parent)
    if org.id in parent.path:
        raise OrgInsideItself
    depth, size = await store.measure(tx, org)
    await _require_room(tx, parent.path, depth=depth, size=size)
    return parent.path


async def _require_room(tx: Tx, above: Sequence[OrgId], *, depth: int, size: int) -> None:
    if len(above) + depth > DEEPEST or await store.count_below(tx, above[0]) + size > MOST_IN_TREE:
        raise OrgTooDeep


def _reached(tx: Tx) -> list[OrgId]:
    """The organisations that roles let the actor read, and the one that the actor is."""
    named = sorted(tx.actor.grants.organisations("orgs.read"))
    found = [OrgId(org_id) for each in named if (org_id := ids.parse(each)) is not None]
    return [*found, tx.actor.org_id] if tx.actor.org_id else found


def _merged(before: Facets, change: Facets) -> Facets:
    return {name: value for name, value in {**before, **change}.items() if value}
