"""Joining, leaving, and who belongs to an organisation. Each is a whole use case: check, change, trail."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.access import within
from roster.core.access.models import ORG_ADMINISTRATOR, ORG_PARTICIPANT
from roster.core.audit import service as audit
from roster.core.audit.service import Changes
from roster.core.memberships import labels_store, store
from roster.core.memberships.errors import NotAMember
from roster.core.memberships.fields import FIELDS, FIELDS_OF_PEOPLE, KEPT
from roster.core.memberships.models import Member, Membership, MembershipChange, Person
from roster.core.orgs import checking, rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Facets, Org
from roster.kit import filters, ids
from roster.kit.errors import Forbidden, InvalidInput, NotFound
from roster.kit.filters import Fields, Filter, Sort
from roster.kit.ids import LabelId, OrgId, RoleId, UserId
from roster.kit.pages import Page, Slice
from roster.kit.patch import is_set
from roster.storage import listing
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_IN_ORDER: Final = (Sort("membership_id"),)
_DEARER: Final = 8
"""So many memberships are looked through in the time in which one person and their membership are looked up."""
_OF_A_MEMBERSHIP: Final = len(Membership.__struct_fields__)


async def search(tx: Tx, org_id: OrgId, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Member]:
    """A page of an organisation's members, pending ones included, in the order in which they came.

    For those who hold `members.read` there. Raises OrgNotFound, Forbidden, InvalidFilter, InvalidCursor.
    """
    org = await orgs.get(tx, org_id)
    await rights.require(tx, "members.read", org)
    counted = page.total and where is None
    which, fields = await _way(tx, org_id, where)
    found = await listing.fetch(
        tx,
        which,
        _member,
        fields=fields,
        where=where,
        sorts=sorts or _IN_ORDER,
        page=msgspec.structs.replace(page, total=False) if counted else page,
        may_see_private=True,
        args=(org_id,),
        about=(org_id,),
    )
    return msgspec.structs.replace(found, total=await store.count(tx, org_id)) if counted else found


async def get(tx: Tx, org_id: OrgId, user_id: UserId) -> Membership:
    """One membership. For that person, and those who hold `members.read`. Raises OrgNotFound, NotAMember, Forbidden."""
    if not tx.actor.is_user(user_id):
        await rights.require(tx, "members.read", await orgs.get(tx, org_id))
    return await store.find(tx, org_id, user_id)


async def member(tx: Tx, org_id: OrgId, user_id: UserId) -> Member:
    """A member as the list shows them, for those who may see the list. Raises OrgNotFound, Forbidden, NotAMember."""
    await rights.require(tx, "members.read", await orgs.get(tx, org_id))
    return _only(await store.member(tx, org_id, user_id))


async def numbered(tx: Tx, org_id: OrgId, number: int) -> Member:
    """The same by the person's number."""
    await rights.require(tx, "members.read", await orgs.get(tx, org_id))
    return _only(await store.numbered(tx, org_id, number))


async def of_user(tx: Tx, user_id: UserId) -> list[Membership]:
    """All memberships of a person, pending ones included; for that person, or with `members.read` everywhere."""
    if not tx.actor.is_user(user_id) and not tx.actor.may("members.read"):
        raise Forbidden
    return await store.of_user(tx, user_id)


async def among(tx: Tx, org: Org, user_ids: Sequence[UserId]) -> Mapping[UserId, Membership]:
    """Which of these people belong to an organisation that the actor has been shown."""
    return {each.user_id: each for each in await store.of_users(tx, org.id, user_ids)} if user_ids else {}


async def joined(tx: Tx, user_id: UserId, org_ids: Sequence[OrgId]) -> set[OrgId]:
    """Those of these organisations to which a person belongs, be it as a pending member. Nothing is checked."""
    return await store.joined(tx, user_id, org_ids) if org_ids else set()


async def may_know(tx: Tx, user_id: UserId) -> bool:
    """Whether the actor may name this person: themselves, in reach, or in an organisation with them.

    Whoever invites people by their ids alone must: ids may be guessed.
    """
    if tx.actor.is_user(user_id) or await access.is_over(tx, "users.read_basic", user_id):
        return True
    if await access.is_over(tx, "users.read", user_id):
        return True
    own = rights.own_id(tx)
    return own is not None and await store.share_an_organisation(tx, own, user_id)


async def add(tx: Tx, org_id: OrgId, user_id: UserId, *, roles: Sequence[RoleId] = ()) -> Membership:
    """Make a person a member without asking them. Needs `members.write` in the organisation, and `users.write` over
    the person, unless it is the actor.

    Raises OrgNotFound, Forbidden, NotFound, AlreadyMember, SecondFactorRequired, and of roles what `within.givable`
    raises.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "members.write", org)
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "users.write", user_id, otherwise=NotFound)
    await within.givable(tx, org, roles)
    return await _enter(tx, org, user_id, roles)


async def found(tx: Tx, org: Org, user_id: UserId) -> Membership:
    """Make whoever founds an organisation its first member and administrator; part of founding it."""
    made = await _enter(tx, org, user_id, ())
    await within.give_built_in(tx, org, ORG_ADMINISTRATOR, user_id)
    return made


async def pend(
    tx: Tx,
    org: Org,
    user_ids: Sequence[UserId],
    *,
    roles: Mapping[UserId, Sequence[RoleId]],
    labels: Mapping[UserId, Sequence[LabelId]] = MappingProxyType({}),
) -> Mapping[UserId, Membership]:
    """Make people pending members, who have to accept, and who carry these labels of the organisation.

    Part of the use case that invites them, which has checked the actor, roles and labels, and locked nothing. Who
    belongs to the organisation already is left out.
    """
    promised = [list(roles.get(each, ())) for each in user_ids]
    made = {each.user_id: each for each in await store.insert_many(tx, org.id, user_ids, promised)}
    carried = {user_id: list(dict.fromkeys(labels.get(user_id, ()))) for user_id in made}
    pairs = [(member.id, label_id) for user_id, member in made.items() for label_id in carried[user_id]]
    if pairs:
        await labels_store.add(tx, pairs)
    where = {"organisation": [None, str(org.id)]}
    changes: dict[UUID, Changes] = {
        user_id: {**where, "labels": [None, sorted(map(str, held))]} if held else where
        for user_id, held in carried.items()
    }
    await audit.record_each(tx, "member.invited", "user", changes)
    return made


async def describe(tx: Tx, told: Mapping[UUID, tuple[str | None, Facets]]) -> None:
    """What the organisation says about members who were just made, by membership: what it calls them, and facets that
    `check` has found good.
    """
    if told:
        await store.describe(tx, told)


def check(external_id: str | None, facets: Facets) -> None:
    """Raise InvalidInput unless an organisation may say this about a member."""
    _check(external_id, facets)


async def decline(tx: Tx, org: Org, user_id: UserId) -> None:
    """A pending member does not want to join; part of the use case that has seen their invitation."""
    found = await store.find(tx, org.id, user_id)
    if found.state == "pending":
        await store.delete(tx, found.id)
        await audit.record(tx, "member.declined", "user", user_id, {"organisation": [str(org.id), None]})


async def join(tx: Tx, org: Org, user_id: UserId) -> Membership:
    """A pending member accepts, and gets the roles promised; part of the use case that has seen their invitation.

    Raises NotAMember, SecondFactorRequired.
    """
    found = await store.find(tx, org.id, user_id)
    await rights.require_second_factor(tx, org, user_id)
    if found.state == "pending":
        await audit.record(tx, "member.joined", "user", user_id, {"organisation": [None, str(org.id)]})
        await within.give_built_in(tx, org, ORG_PARTICIPANT, user_id)
        await within.give(tx, org, found.promised, user_id)
        await store.activate(tx, found.id)  # last: whoever writes a person and their membership begins with the person
    return await store.find(tx, org.id, user_id)


async def change(tx: Tx, org_id: OrgId, user_id: UserId, change: MembershipChange) -> Membership:
    """Change what the organisation says about a member. Needs `members.write` there.

    Raises OrgNotFound, NotAMember, Forbidden, InvalidInput.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "members.write", org)
    before = await store.find(tx, org_id, user_id)
    external_id = change.external_id if is_set(change.external_id) else before.external_id
    facets = {**before.facets, **change.facets} if is_set(change.facets) else before.facets
    _check(external_id, facets)
    after = msgspec.structs.replace(before, external_id=external_id, facets=facets)
    if after == before:
        return before
    after = await store.update(tx, after)
    differences = audit.differences(before, after, ("external_id", "facets"))
    await audit.record(tx, "member.changed", "user", user_id, {**differences, "organisation": [str(org_id)] * 2})
    return after


async def remove(tx: Tx, org_id: OrgId, user_id: UserId) -> None:
    """A person leaves, or is removed by whoever holds `members.write` there: with all roles that end with it.

    Raises OrgNotFound, NotAMember, Forbidden, LastOrgAdministrator. Two administrators who leave at once wait for each
    other, as both lock the organisation.
    """
    org = await orgs.lock(tx, org_id)
    if not tx.actor.is_user(user_id):
        await rights.require(tx, "members.write", org)
    found = await store.find(tx, org_id, user_id)
    async with within.keeping_an_administrator(tx, org):
        await within.take_all(tx, org, user_id)
        await store.delete(tx, found.id)
    await audit.record(tx, "member.removed", "user", user_id, {"organisation": [str(org_id), None]})


async def has_joined_any(tx: Tx, user_id: UserId) -> bool:
    """Whether a person is an active member of any organisation; an invitation binds nobody. Nothing is checked."""
    return await store.has_joined_any(tx, user_id)


async def is_looked_after(tx: Tx, user_id: UserId) -> bool:
    """Whether the actor holds `members.write` in the one organisation of a person who cannot sign in: without an
    address and without any credential. Such people are kept by their organisation, and nobody speaks for them else.
    """
    reached = [OrgId(org_id) for each in tx.actor.grants.organisations("members.write") if (org_id := ids.parse(each))]
    return bool(reached) and await store.is_kept_within(tx, user_id, reached)


async def _way(tx: Tx, org_id: OrgId, where: Filter | None) -> tuple[Listing, Fields]:
    """To begin with the people who may match, where these are fewer than the members, or with the members."""
    if where is None:
        return store.MEMBERS, FIELDS
    people = await listing.about(tx, "users", fields=FIELDS_OF_PEOPLE, where=where)
    is_kept = filters.names(where) <= KEPT
    if people * (_DEARER if is_kept else 1) < await store.size(tx, org_id):
        return store.FROM_PEOPLE, FIELDS_OF_PEOPLE
    return store.BY_KEPT if is_kept else store.MEMBERS, FIELDS


async def _enter(tx: Tx, org: Org, user_id: UserId, role_ids: Sequence[RoleId]) -> Membership:
    await rights.require_second_factor(tx, org, user_id)
    made = await store.insert(tx, org.id, user_id)
    await audit.record(tx, "member.added", "user", user_id, {"organisation": [None, str(org.id)]})
    await within.give_built_in(tx, org, ORG_PARTICIPANT, user_id)
    await within.give(tx, org, role_ids, user_id)
    return made


def _check(external_id: str | None, facets: Mapping[str, dict[str, object]]) -> None:
    problems = checking.facet_problems(dict(facets))
    if problems:
        raise InvalidInput(problems)
    if external_id is not None and (len(external_id) > 200 or not external_id.isprintable()):
        raise InvalidInput.of("external_id", "invalid_text", "Use at most 200 characters, and no control signs.")


def _only(rows: Sequence[Sequence[Any]]) -> Member:
    if not rows:
        raise NotAMember
    return _member(*rows[0])


def _member(*row: Any) -> Member:
    return Member(Person(*row[_OF_A_MEMBERSHIP:]), Membership(*row[:_OF_A_MEMBERSHIP]))
