"""Whether people can be called on: what they say themselves, and what organisations see of it."""

from typing import Final
from uuid import UUID

from roster.core.availability import service
from roster.core.availability.errors import ChangeCollides, ChangeNotFound, NoAbsence, TooManyChanges
from roster.core.availability.models import MOST
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound
from roster.core.users.errors import UserNotFound
from roster.dialects.native import caller
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import availability as mapping
from roster.dialects.native.mapping import base
from roster.dialects.native.wire import availability as wire
from roster.dialects.native.wire.base import Listing, SearchQuery
from roster.kit.errors import Forbidden
from roster.kit.filters import InvalidFilter
from roster.kit.ids import OrgId, UserId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Availability")
_OWN: Final = "/me/availability"
_HERE: Final = "/me/organisations/{org_id}/availability"
_WEEKLY: Final = "/me/availability/weekly"
_PLANNED: Final = "/me/availability/planned"
_ABSENCE: Final = "/me/availability/absence"
_PLANNING: Final = (UserNotFound, Forbidden, NotAMember, ChangeCollides, TooManyChanges)


@ops.get(_OWN, id="listMyAvailability", errors=(UserNotFound,))
async def list_own(tx: Tx) -> Listing[wire.Preference]:
    """What one has said: first for all organisations, then for those of which it is said apart."""
    caller.own_id(tx.actor)
    return Listing(items=[mapping.preference_out(each) for each in await service.own(tx)])


@ops.put(_OWN, id="setMyAvailability", status=204, errors=(UserNotFound, Forbidden))
async def say(tx: Tx, body: wire.Said) -> None:
    """Say for all organisations, but those of which it is said apart, whether one can be called on."""
    caller.own_id(tx.actor)
    await service.say(tx, body.available)


@ops.put(_HERE, id="setMyAvailabilityInOrganisation", status=204, errors=(UserNotFound, Forbidden, NotAMember))
async def say_here(tx: Tx, org_id: OrgId, body: wire.Said) -> None:
    """Say it for one organisation that one is a member of."""
    caller.own_id(tx.actor)
    await service.say(tx, body.available, org_id=org_id)


@ops.delete(_HERE, id="followMyAvailability", status=204, errors=(UserNotFound, Forbidden, NotAMember))
async def follow(tx: Tx, org_id: OrgId) -> None:
    """Let count in this organisation again what is said for all; what is planned for it stays."""
    caller.own_id(tx.actor)
    await service.follow(tx, org_id)


@ops.get(_WEEKLY, id="listMyWeeklyChanges", errors=(UserNotFound,))
async def list_weekly(tx: Tx, query: wire.OrganisationQuery) -> Listing[wire.WeeklyChange]:
    """One's weekly changes for all organisations, or for one, through the week."""
    caller.own_id(tx.actor)
    found, _ = await service.weekly(tx, org_id=mapping.org_id_in(query.organisation_id), limit=MOST)
    return Listing(items=[mapping.weekly_out(each) for each in found])


@ops.post(_WEEKLY, id="createMyWeeklyChange", status=201, errors=_PLANNING)
async def add_weekly(tx: Tx, body: wire.WeeklyChangeWrite) -> wire.WeeklyChange:
    """Change every week; carried out by the server, within the minute."""
    caller.own_id(tx.actor)
    return mapping.weekly_out(await service.add_weekly(tx, mapping.weekly_draft(body)))


@ops.put(f"{_WEEKLY}/{{change_id}}", id="replaceMyWeeklyChange", errors=(*_PLANNING, ChangeNotFound))
async def change_weekly(tx: Tx, change_id: UUID, body: wire.WeeklyChangeWrite) -> wire.WeeklyChange:
    """Replace a weekly change."""
    caller.own_id(tx.actor)
    return mapping.weekly_out(await service.change_weekly(tx, change_id, mapping.weekly_draft(body)))


@ops.delete(
    f"{_WEEKLY}/{{change_id}}",
    id="deleteMyWeeklyChange",
    status=204,
    errors=(UserNotFound, Forbidden, ChangeNotFound),
)
async def remove_weekly(tx: Tx, change_id: UUID) -> None:
    """Delete a weekly change."""
    caller.own_id(tx.actor)
    await service.remove_weekly(tx, change_id)


@ops.get(_PLANNED, id="listMyPlannedChanges", errors=(UserNotFound,))
async def list_planned(tx: Tx) -> Listing[wire.PlannedChange]:
    """One's changes that come once, the next one first."""
    caller.own_id(tx.actor)
    found, _ = await service.planned(tx, limit=MOST)
    return Listing(items=[mapping.planned_out(each) for each in found])


@ops.post(_PLANNED, id="createMyPlannedChange", status=201, errors=_PLANNING)
async def plan(tx: Tx, body: wire.PlannedChangeCreate) -> wire.PlannedChange:
    """Plan a change that comes once."""
    caller.own_id(tx.actor)
    org_id = mapping.org_id_in(body.organisation_id)
    return mapping.planned_out(await service.plan(tx, body.at, available=body.available, org_id=org_id))


@ops.delete(
    f"{_PLANNED}/{{change_id}}",
    id="deleteMyPlannedChange",
    status=204,
    errors=(UserNotFound, Forbidden, ChangeNotFound),
)
async def remove_planned(tx: Tx, change_id: UUID) -> None:
    """Delete a planned change."""
    caller.own_id(tx.actor)
    await service.remove_planned(tx, change_id)


@ops.get(_ABSENCE, id="getMyAbsence", errors=(UserNotFound, NoAbsence))
async def get_absence(tx: Tx) -> wire.Absence:
    """The one absence that is planned, unless it is over."""
    caller.own_id(tx.actor)
    return mapping.absence_out(await service.absence(tx))


@ops.put(_ABSENCE, id="setMyAbsence", errors=(UserNotFound, Forbidden))
async def be_absent(tx: Tx, body: wire.AbsenceWrite) -> wire.Absence:
    """Plan to be away, in place of any absence planned before."""
    caller.own_id(tx.actor)
    return mapping.absence_out(await service.be_absent(tx, body.starts_at, body.seconds))


@ops.delete(_ABSENCE, id="deleteMyAbsence", status=204, errors=(UserNotFound, Forbidden, NoAbsence))
async def be_present(tx: Tx) -> None:
    """Plan no absence any more."""
    caller.own_id(tx.actor)
    await service.be_present(tx)


@ops.get(
    "/organisations/{org_id}/availability",
    id="countAvailability",
    needs="members.read in the organisation, or belonging to it",
    errors=(OrgNotFound, Forbidden),
)
async def counts(tx: Tx, org_id: OrgId) -> wire.TreeCounts:
    """How many active members can be called on now."""
    return mapping.counts_out(await service.count(tx, org_id))


@ops.get(
    "/organisations/{org_id}/members/availability",
    id="listMemberAvailability",
    needs="members.read in the organisation",
    errors=(OrgNotFound, Forbidden, InvalidFilter, InvalidCursor),
)
async def list_members(tx: Tx, org_id: OrgId, query: SearchQuery) -> Listing[wire.MemberAvailability]:
    """Which members can be called on now; found, sorted and in pages as the members themselves are."""
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where, sorts = queries.parse_filter(query.filter), queries.parse_sort(query.sort)
    found = await memberships.search(tx, org_id, where, sorts, page)
    statuses = await service.of_members(tx, await orgs.get(tx, org_id), [each.person.id for each in found.items])
    return base.listing(found, lambda each: mapping.member_out(each, statuses.get(each.person.id)))


@ops.get(
    "/organisations/{org_id}/members/{user_id}/availability",
    id="getMemberAvailability",
    needs="members.read in the organisation",
    errors=(OrgNotFound, Forbidden, NotAMember),
)
async def get_member(tx: Tx, org_id: OrgId, user_id: UserId) -> wire.MemberAvailability:
    """Whether one member can be called on now."""
    found = await memberships.member(tx, org_id, user_id)
    statuses = await service.of_members(tx, await orgs.get(tx, org_id), [user_id])
    return mapping.member_out(found, statuses.get(user_id))
