"""Saying whether one can be called on, planning it, and who can be called on now.

Only people themselves say this, nobody in their place. What they say for an organisation goes with their membership.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from roster.core.audit import service as audit
from roster.core.availability import store, weeks
from roster.core.availability.errors import ChangeNotFound, NoAbsence, TooManyChanges
from roster.core.availability.models import (
    LONGEST_ABSENCE,
    MOST,
    Absence,
    Due,
    Planned,
    Preference,
    Status,
    TreeCounts,
    Weekly,
    WeeklyDraft,
)
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.kit.actor import system
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId, RealmId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_SET: Final = 500
_REALMS: Final = 100
_CHANGED: Final = "availability.changed"


async def own(tx: Tx) -> list[Preference]:
    """What the actor has said: first for all organisations, then for those of which it is said apart."""
    found = await store.of_user(tx, _me(tx))
    if found and found[0].org_id is None:
        return found
    return [Preference(None, available=True, changed_at=None), *found]


async def preferred(tx: Tx, user_id: UserId) -> bool:
    """What a person has said for all organisations. Nothing is checked: who may see the person may see it."""
    return await store.said_for_all(tx, user_id)


async def say(tx: Tx, available: bool, *, org_id: OrgId | None = None) -> None:
    """The actor can be called on from now on, or not: everywhere, or in one organisation. Raises NotAMember."""
    me = _me(tx)
    await _require_member(tx, me, org_id)
    await store.put(tx, [(me, org_id, available, tx.now)])
    await audit.record(tx, _CHANGED, "user", me, _told(org_id, available))


async def follow(tx: Tx, org_id: OrgId) -> None:
    """In this organisation what the actor says for all counts again; plans stay. Raises NotAMember."""
    me = _me(tx)
    await _require_member(tx, me, org_id)
    if await store.remove(tx, me, org_id):
        await audit.record(tx, _CHANGED, "user", me, _told(org_id, None))


async def of_members(tx: Tx, org: Org, user_ids: Sequence[UserId]) -> Mapping[UserId, Status]:
    """How it stands with active members of an organisation; the caller has checked that the actor sees its members."""
    found = await store.statuses(tx, org.id, user_ids) if user_ids else []
    return {user_id: Status(said, said and here) for user_id, said, here in found}


async def ready(tx: Tx, membership_ids: Collection[UUID]) -> set[UUID]:
    """Those of these memberships that are active and whose people can be called on there now. Nothing is checked."""
    return await store.ready(tx, membership_ids) if membership_ids else set()


async def count(tx: Tx, org_id: OrgId) -> TreeCounts:
    """How many active members of an organisation, and of it with all below, can be called on now; everybody once.

    For members and those who hold `members.read`. Raises OrgNotFound, Forbidden.
    """
    org = await orgs.get(tx, org_id)
    found = await counts(tx, [org])
    if org.id not in found:
        raise Forbidden
    return found[org.id]


async def counts(tx: Tx, found: Sequence[Org]) -> Mapping[OrgId, TreeCounts]:
    """The same for several organisations that the actor has been shown; those whose members they may not count are left
    out.
    """
    me = rights.own_id(tx)
    others = [org.id for org in found if not rights.holds(tx, "members.read", org)]
    joined = await memberships.joined(tx, me, others) if me and others else set[OrgId]()
    countable = [org.id for org in found if org.id not in others or org.id in joined]
    return await store.counts(tx, countable) if countable else {}


# weekly and planned changes


async def weekly(tx: Tx, *, org_id: OrgId | None = None, offset: int = 0, limit: int = 50) -> tuple[list[Weekly], int]:
    """The actor's weekly changes for all organisations, or for one, through the week; and how many there are."""
    return await store.weekly(tx, _me(tx), org_id, offset=offset, limit=limit)


async def add_weekly(tx: Tx, draft: WeeklyDraft) -> Weekly:
    """A change that comes every week. Raises NotAMember, ChangeCollides, TooManyChanges, InvalidInput."""
    me = _me(tx)
    await _check_weekly(tx, me, draft)
    await _require_room(tx, me)
    made = await store.insert_weekly(tx, me, draft, weeks.after(tx.now, draft.day, draft.second))
    await audit.record(tx, "availability.planned", "user", me, {"change": [None, str(made.id)]})
    return made


async def change_weekly(tx: Tx, change_id: UUID, draft: WeeklyDraft) -> Weekly:
    """One of the actor's weekly changes as it is to be from now on. Raises ChangeNotFound, and as `add_weekly`."""
    me = _me(tx)
    await _check_weekly(tx, me, draft)
    made = await store.update_weekly(tx, me, change_id, draft, weeks.after(tx.now, draft.day, draft.second))
    await audit.record(tx, "availability.planned", "user", me, {"change": [str(change_id), str(change_id)]})
    return made


async def remove_weekly(tx: Tx, change_id: UUID) -> None:
    """Raises ChangeNotFound."""
    await _remove(tx, change_id, weekly=True)


async def planned(tx: Tx, *, offset: int = 0, limit: int = 50) -> tuple[list[Planned], int]:
    """The actor's changes that come once, the next one first; and how many there are."""
    return await store.planned(tx, _me(tx), offset=offset, limit=limit)


async def plan(tx: Tx, at: datetime, *, available: bool, org_id: OrgId | None = None) -> Planned:
    """A change that comes once. Raises NotAMember, ChangeCollides, TooManyChanges, InvalidInput for the past."""
    me = _me(tx)
    await _require_member(tx, me, org_id)
    if at <= tx.now:
        raise InvalidInput.of("at", "past", "This moment is over.")
    if at.year > tx.now.year + 100:
        raise InvalidInput.of("at", "out_of_range", "This is too far away.")
    await _require_room(tx, me)
    made = await store.insert_planned(tx, me, org_id, available=available, at=at)
    await audit.record(tx, "availability.planned", "user", me, {"change": [None, str(made.id)]})
    return made


async def remove_planned(tx: Tx, change_id: UUID) -> None:
    """Raises ChangeNotFound."""
    await _remove(tx, change_id, weekly=False)


async def numbered(tx: Tx, number: int) -> UUID:
    """The id of one of the actor's changes, weekly or planned, by its number. Raises ChangeNotFound."""
    found = await store.find_numbered(tx, _me(tx), number)
    if found is None:
        raise ChangeNotFound
    return found


async def absence(tx: Tx) -> Absence:
    """The one absence that the actor has planned, unless it is over. Raises NoAbsence."""
    found = await store.look_up_absence(tx, _me(tx))
    if found is None:
        raise NoAbsence
    return found


async def be_absent(tx: Tx, starts_at: datetime, seconds: int) -> Absence:
    """Plan to be away for so many seconds, in place of any absence planned before. Raises InvalidInput."""
    me = _me(tx)
    if not 0 < seconds <= LONGEST_ABSENCE:
        raise InvalidInput.of("duration", "out_of_range", f"An absence lasts 1 to {LONGEST_ABSENCE} seconds.")
    if starts_at.year > tx.now.year + 100:
        raise InvalidInput.of("start_time", "out_of_range", "This is too far away.")
    made = Absence(me, starts_at, starts_at + timedelta(seconds=seconds))
    if made.ends_at <= tx.now:
        raise InvalidInput.of("start_time", "past", "This absence is over.")
    await store.put_absence(tx, made)
    await audit.record(tx, "availability.planned", "user", me, {"absence": [None, "planned"]})
    return made


async def be_present(tx: Tx) -> None:
    """Plan no absence any more. Raises NoAbsence."""
    me = _me(tx)
    if not await store.delete_absence(tx, me):
        raise NoAbsence
    await audit.record(tx, "availability.planned", "user", me, {"absence": ["planned", None]})


# when the time has come


async def carry_out(runtime: Runtime) -> None:
    """Put in force what is due, in all realms. Several servers may do this at once, and again after a kill: each change
    is carried out in the transaction that settles it, and never over what was said after its time.
    """
    while True:
        async with runtime.lease() as tx:
            due = await store.realms_with_due(tx, _REALMS)
        done = 0
        for realm_id in due:
            done += await _carry_out_in(runtime, realm_id)
        if not done:
            return


async def _carry_out_in(runtime: Runtime, realm_id: RealmId) -> int:
    async with runtime.write(system(realm_id, "", "schedule")) as tx:
        due = await store.take_due(tx, _SET)
        if not due:
            return 0
        said = _latest(due, tx.now)
        changed = await store.put(tx, [(*whose, available, at) for whose, (available, at) in said.items()])
        await store.settle(tx, [each.id for each in due if each.day is None], _again(due, tx.now))
        for user_id, org_id in sorted(changed, key=str):
            await audit.record(tx, _CHANGED, "user", user_id, _told(org_id, said[user_id, org_id][0]))
        return len(due)


def _latest(due: Sequence[Due], now: datetime) -> dict[tuple[UserId, OrgId | None], tuple[bool, datetime]]:
    """Of several changes of one person only the last counts; of a weekly one its last time."""
    found: dict[tuple[UserId, OrgId | None], tuple[bool, datetime]] = {}
    for each in due:
        weekly = each.day is not None and each.second is not None
        at = weeks.until(now, each.day or 0, each.second or 0) if weekly else each.due_at
        whose = (each.user_id, each.org_id)
        if whose not in found or found[whose][1] <= at:
            found[whose] = (each.available, at)
    return found


def _again(due: Sequence[Due], now: datetime) -> list[tuple[UUID, datetime]]:
    return [
        (each.id, weeks.after(now, each.day, each.second))
        for each in due
        if each.day is not None and each.second is not None
    ]


def _me(tx: Tx) -> UserId:
    me = rights.own_id(tx)
    if me is None:
        raise Forbidden("Only people say for themselves whether they are available.")
    return me


async def _require_member(tx: Tx, me: UserId, org_id: OrgId | None) -> None:
    """What is said for an organisation is said by its members; nobody else learns that it is there."""
    if org_id is not None and (await memberships.get(tx, org_id, me)).state != "active":
        raise NotAMember


async def _check_weekly(tx: Tx, me: UserId, draft: WeeklyDraft) -> None:
    if not 0 <= draft.day <= 6:
        raise InvalidInput.of("day", "out_of_range", "A day is 0 (Sunday) to 6.")
    if not 0 <= draft.second < 86_400:
        raise InvalidInput.of("second", "out_of_range", "A day has 86400 seconds.")
    await _require_member(tx, me, draft.org_id)


async def _require_room(tx: Tx, me: UserId) -> None:
    await store.lock_person(tx, me)
    if await store.count_changes(tx, me) >= MOST:
        raise TooManyChanges


async def _remove(tx: Tx, change_id: UUID, *, weekly: bool) -> None:
    me = _me(tx)
    if not await store.delete(tx, me, change_id, weekly=weekly):
        raise ChangeNotFound
    await audit.record(tx, "availability.planned", "user", me, {"change": [str(change_id), None]})


def _told(org_id: OrgId | None, available: bool | None) -> dict[str, list[object]]:
    where = str(org_id) if org_id else None
    return {"available": [None, available], "organisation": [where, where]}
