"""Whether people can be called on: now, every week, at a moment, and how many are (contract; notes, section 11).

Only people themselves say it. Somebody else's `userID` in what they send is refused rather than ignored.
"""

from typing import Final

from roster.core.availability import service as availability
from roster.core.availability.errors import ChangeCollides, ChangeNotFound, NoAbsence, TooManyChanges
from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound
from roster.core.users import numbers
from roster.dialects.groupalarm import auth, lookup, mapping, replies, wire, wire_availability
from roster.dialects.groupalarm.errors import NotMember
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="availability")

_NOW: Final = "/user/availability"
_ABSENCE: Final = "/users/availability"
_WEEKLY: Final = "/users/recurring-availability"
_ONE_WEEKLY: Final = "/users/recurring-availability/{changeID}"
_PLANNED: Final = "/users/scheduled-availability"
_ONE_PLANNED: Final = "/users/scheduled-availability/{changeID}"
_WEEKLY_TAG: Final = "recurring-availability"
_PLANNED_TAG: Final = "scheduled-availability"


class Weekly(replies.Page, frozen=True, kw_only=True):
    """Which weekly changes: of one organisation, or those for all."""

    organization: wire.Id = 0


@ops.get(_NOW, id="GetUserAvailability", extra=auth.PERSON_ONLY)
async def own(tx: Tx) -> list[wire_availability.UserOrganizationAvailability]:
    """List what the caller has said: first for all organisations, then for those of which it is said apart."""
    found = await availability.own(tx)
    known = await orgs.with_ids(tx, [each.org_id for each in found if each.org_id is not None])
    me = await _number(tx)
    apart = [(org.number, each.available) for each in found if each.org_id and (org := known.get(each.org_id))]
    return mapping.availabilities_out(me, [(0, found[0].available), *apart])


@ops.get("/user/organization-availability", id="GetOrganizationAvailability", tag="user", extra=auth.PERSON_ONLY)
async def in_organizations(tx: Tx) -> list[wire_availability.UserOrganizationAvailability]:
    """List what holds in each organisation that the caller has joined, said apart or not."""
    first, *apart = await availability.own(tx)
    said = {each.org_id: each.available for each in apart}
    me = auth.me(tx.actor)
    joined = [each.org_id for each in await memberships.of_user(tx, me) if each.state == "active"]
    known = sorted((await orgs.with_ids(tx, joined)).values(), key=lambda org: org.number)
    here = [(org.number, said.get(org.id, first.available)) for org in known]
    return mapping.availabilities_out(await _number(tx), here)


@ops.put(_NOW, id="SetUserAvailability", errors=(InvalidInput, NotMember, Forbidden), extra=auth.PERSON)
async def say(tx: Tx, request: Request, body: wire_availability.UserOrganizationAvailabilityWrite) -> wire.Success:
    """Say for all organisations (`organizationID` 0 or left out), or for one, whether one can be called on."""
    await _require_own(tx, body.user_id)
    await availability.say(tx, body.preference, org_id=await _joined(tx, body.organization_id))
    return replies.done(request)


@ops.delete(_NOW, id="RemoveUserOrganizationAvailability", errors=(InvalidInput, NotMember), extra=auth.PERSON)
async def follow(tx: Tx, request: Request, query: lookup.OfOrganization) -> wire.Success:
    """Let what is said for all count again in an organisation. Planned changes stay."""
    org_id = await _joined(tx, query.organization_id)
    if org_id is not None:
        await availability.follow(tx, org_id)
    return replies.done(request, replies.DELETED)


# the one absence


@ops.get(_ABSENCE, id="GetUserAvailabilityChange", errors=(NoAbsence,), extra=auth.PERSON)
async def get_absence(tx: Tx) -> wire_availability.UserAvailabilityChange:
    """Read the absence that the caller has planned, until it is over."""
    return mapping.absence_out(await availability.absence(tx), await _number(tx))


@ops.post(_ABSENCE, id="AddUserAvailabilityChange", status=201, errors=(InvalidInput, Forbidden), extra=auth.PERSON)
async def be_absent(tx: Tx, body: wire_availability.UserAvailabilityChange) -> wire_availability.UserAvailabilityChange:
    """Plan to be away from `start_time` for `duration` seconds, in place of any absence planned before."""
    me = await _require_own(tx, body.user_id)
    return mapping.absence_out(await availability.be_absent(tx, body.start_time, body.duration), me)


# changes that come every week


@ops.get(
    _WEEKLY, id="ListRecurringAvailabilityChanges", tag=_WEEKLY_TAG, errors=(InvalidInput, NotMember), extra=auth.PERSON
)
async def list_weekly(tx: Tx, query: Weekly) -> wire_availability.RecurringUserAvailabilityChangesList:
    """List the caller's weekly changes for all organisations (`organization` 0 or left out), or for one."""
    org_id = await _joined(tx, query.organization)
    found, total = await availability.weekly(tx, org_id=org_id, offset=query.offset, limit=query.limit)
    me = await _number(tx)
    page = [mapping.weekly_out(each, me, query.organization) for each in found]
    return wire_availability.RecurringUserAvailabilityChangesList(page, total)


@ops.post(
    _WEEKLY,
    id="CreateRecurringAvailabilityChange",
    tag=_WEEKLY_TAG,
    status=201,
    errors=(InvalidInput, NotMember, Forbidden, ChangeCollides, TooManyChanges),
    extra=auth.PERSON,
)
async def add_weekly(
    tx: Tx, body: wire_availability.RecurringUserAvailabilityChangeWrite
) -> wire_availability.RecurringUserAvailabilityChange:
    """Add a change that comes every week; `changeTime` is in UTC."""
    me = await _require_own(tx, body.user_id)
    draft = mapping.weekly_draft(body, await _joined(tx, body.organization_id))
    return mapping.weekly_out(await availability.add_weekly(tx, draft), me, body.organization_id)


@ops.put(
    _ONE_WEEKLY,
    id="UpdateRecurringAvailabilityChange",
    tag=_WEEKLY_TAG,
    errors=(InvalidInput, NotMember, Forbidden, ChangeNotFound, ChangeCollides),
    extra=auth.PERSON,
)
async def change_weekly(
    tx: Tx, changeID: int, body: wire_availability.RecurringUserAvailabilityChangeWrite
) -> wire_availability.RecurringUserAvailabilityChange:
    """Replace a weekly change."""
    if body.id not in (0, changeID):
        raise InvalidInput.of("id", "contradiction", "Path and body name different changes.")
    me = await _require_own(tx, body.user_id)
    change_id = await availability.numbered(tx, changeID)
    draft = mapping.weekly_draft(body, await _joined(tx, body.organization_id))
    return mapping.weekly_out(await availability.change_weekly(tx, change_id, draft), me, body.organization_id)


@ops.delete(
    _ONE_WEEKLY,
    id="DeleteRecurringAvailabilityChange",
    tag=_WEEKLY_TAG,
    errors=(ChangeNotFound,),
    extra=auth.PERSON,
)
async def remove_weekly(tx: Tx, request: Request, changeID: int) -> wire.Success:
    """Delete a weekly change."""
    await availability.remove_weekly(tx, await availability.numbered(tx, changeID))
    return replies.done(request, replies.DELETED)


# changes that come once


@ops.get(_PLANNED, id="ListScheduledAvailabilityChanges", tag=_PLANNED_TAG, errors=(InvalidInput,), extra=auth.PERSON)
async def list_planned(tx: Tx, query: replies.Page) -> wire_availability.ScheduledUserAvailabilityChangesList:
    """List the caller's planned changes, the next one first."""
    found, total = await availability.planned(tx, offset=query.offset, limit=query.limit)
    me = await _number(tx)
    return wire_availability.ScheduledUserAvailabilityChangesList(
        [mapping.planned_out(each, me) for each in found], total
    )


@ops.post(
    _PLANNED,
    id="CreateScheduledAvailabilityChange",
    tag=_PLANNED_TAG,
    status=201,
    errors=(InvalidInput, Forbidden, ChangeCollides, TooManyChanges),
    extra=auth.PERSON,
)
async def plan(
    tx: Tx, body: wire_availability.ScheduledUserAvailabilityChangeWrite
) -> wire_availability.ScheduledUserAvailabilityChange:
    """Plan a change for all organisations of which nothing else is said."""
    me = await _require_own(tx, body.user_id)
    made = await availability.plan(tx, body.change_time, available=mapping.is_available(body.change_status))
    return mapping.planned_out(made, me)


@ops.delete(
    _ONE_PLANNED,
    id="DeleteScheduledAvailabilityChange",
    tag=_PLANNED_TAG,
    errors=(ChangeNotFound,),
    extra=auth.PERSON,
)
async def remove_planned(tx: Tx, request: Request, changeID: int) -> wire.Success:
    """Delete a planned change."""
    await availability.remove_planned(tx, await availability.numbered(tx, changeID))
    return replies.done(request, replies.DELETED)


@ops.get(
    "/organization/{organizationID}/availability",
    id="GetOrganizationAvailabilityCounts",
    tag="organization",
    errors=(OrgNotFound, Forbidden),
)
async def counts(tx: Tx, organizationID: int) -> wire_availability.OrganizationAvailabilityCounts:
    """Count the members who can be called on now, in the organisation alone and in it with all below."""
    org = await lookup.org(tx, organizationID)
    found = await availability.count(tx, org.id)
    return wire_availability.OrganizationAvailabilityCounts(
        count_in_root=mapping.counts_out(found.alone), count_total=mapping.counts_out(found.whole)
    )


async def _number(tx: Tx) -> int:
    me = auth.me(tx.actor)
    return (await numbers.of(tx, [me]))[me]


async def _require_own(tx: Tx, number: int) -> int:
    """The caller's number. Raises Forbidden when somebody else's was sent."""
    me = await _number(tx)
    if number not in (0, me):
        raise Forbidden
    return me


async def _joined(tx: Tx, number: int) -> OrgId | None:
    """The organisation with this number, None for 0. Raises NotMember, also where there is none (notes, section 11)."""
    if not number:
        return None
    try:
        org = await lookup.org(tx, number)
    except OrgNotFound:
        raise NotMember from None
    me = auth.me(tx.actor)
    found = (await memberships.among(tx, org, [me])).get(me)
    if found is None or found.state != "active":
        raise NotMember
    return org.id
