"""Saying whether one can be called on, for all organisations and for single ones, now and beforehand."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from roster.core.availability import service as availability
from roster.core.availability import weeks
from roster.core.availability.errors import ChangeCollides, ChangeNotFound, NoAbsence, TooManyChanges
from roster.core.availability.models import MOST, Counts, Status, WeeklyDraft
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit import clock
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId, uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people
from tests.core.invitations import inviting


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    return await factories.a_person(runtime, realm)


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    return await making.founded(runtime, realm, founder)


@pytest.fixture
async def member(runtime: Runtime, realm: Realm, org: Org) -> User:
    return await making.joined(runtime, realm, org)


@pytest.fixture
async def actor(runtime: Runtime, realm: Realm, member: User) -> Actor:
    """The member."""
    return await factories.acting_as(runtime, realm, member)


async def say(runtime: Runtime, actor: Actor, available: bool, org_id: OrgId | None = None) -> None:
    async with runtime.write(actor) as tx:
        await availability.say(tx, available, org_id=org_id)


async def said(runtime: Runtime, actor: Actor) -> list[tuple[OrgId | None, bool]]:
    async with runtime.read(actor) as tx:
        return [(each.org_id, each.available) for each in await availability.own(tx)]


async def status(runtime: Runtime, realm: Realm, org: Org, user: User) -> Status | None:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return (await availability.of_members(tx, org, [user.id])).get(user.id)


async def counts(runtime: Runtime, actor: Actor, org: Org, *, whole_tree: bool = False) -> Counts:
    async with runtime.read(actor) as tx:
        found = await availability.count(tx, org.id)
        return found.whole if whole_tree else found.alone


async def overdue(runtime: Runtime, realm: Realm, ago: str = "1 minute") -> None:
    """As if the time of all changes had just come."""
    await people.execute(
        runtime,
        "UPDATE availability_changes SET due_at = now() - $2::text::interval WHERE realm_id = $1",
        realm.id,
        ago,
    )


async def test_people_are_available_until_they_say_otherwise(
    runtime: Runtime, realm: Realm, org: Org, member: User, actor: Actor
):
    assert await said(runtime, actor) == [(None, True)]
    assert await status(runtime, realm, org, member) == Status(preferred=True, available=True)

    await say(runtime, actor, False)

    assert await said(runtime, actor) == [(None, False)]
    assert await status(runtime, realm, org, member) == Status(preferred=False, available=False)


async def test_what_is_said_for_one_organisation_goes_before(
    runtime: Runtime, realm: Realm, org: Org, member: User, actor: Actor
):
    await say(runtime, actor, True, org.id)
    await say(runtime, actor, False)
    assert await said(runtime, actor) == [(None, False), (org.id, True)]
    assert await status(runtime, realm, org, member) == Status(preferred=True, available=True)

    async with runtime.write(actor) as tx:
        await availability.follow(tx, org.id)
        await availability.follow(tx, org.id)

    assert await said(runtime, actor) == [(None, False)]
    assert await status(runtime, realm, org, member) == Status(preferred=False, available=False)


async def test_who_leaves_takes_along_what_they_said_there(
    runtime: Runtime, realm: Realm, org: Org, member: User, actor: Actor
):
    await say(runtime, actor, False, org.id)
    async with runtime.write(actor) as tx:
        await availability.add_weekly(tx, WeeklyDraft(1, 0, True, org.id))
        await memberships.remove(tx, org.id, member.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.add(tx, org.id, member.id)

    assert await status(runtime, realm, org, member) == Status(preferred=True, available=True)
    async with runtime.read(actor) as tx:
        assert await availability.weekly(tx, org_id=org.id) == ([], 0)


async def test_only_members_say_something_for_an_organisation_and_only_for_themselves(
    runtime: Runtime, realm: Realm, other_realm: Realm, org: Org, founder: User
):
    stranger = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))
    pending = await factories.a_person(runtime, realm, email="bo@example.org")
    await inviting.invited(runtime, await factories.acting_as(runtime, realm, founder), org, "bo@example.org")
    abroad = await factories.acting_as(runtime, other_realm, await factories.a_person(runtime, other_realm))

    for each in (stranger, await factories.acting_as(runtime, realm, pending), abroad):
        for org_id in (org.id, OrgId(uuid7())):
            with pytest.raises(NotAMember):
                await say(runtime, each, False, org_id)
            async with runtime.read(each) as tx:
                with pytest.raises(NotAMember):
                    await availability.add_weekly(tx, WeeklyDraft(1, 0, True, org_id))
                with pytest.raises(NotAMember):
                    await availability.plan(tx, tx.now + timedelta(days=1), available=True, org_id=org_id)
    for each in (factories.roster_in(realm), people.nobody(realm)):
        with pytest.raises(Forbidden):
            await say(runtime, each, False)


async def test_members_count_who_is_available_here_and_in_all_below(
    runtime: Runtime, realm: Realm, org: Org, founder: User, member: User, actor: Actor
):
    below = await making.founded(runtime, realm, founder, below=org.id, name="Below")
    await making.joined(runtime, realm, below)
    second = await making.joined(runtime, realm, org)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.add(tx, below.id, second.id)
    await factories.a_person(runtime, realm, email="bo@example.org")
    await inviting.invited(runtime, await factories.acting_as(runtime, realm, founder), org, "bo@example.org")
    await say(runtime, actor, False)
    await say(runtime, await factories.acting_as(runtime, realm, second), False, org.id)

    assert await counts(runtime, actor, org) == Counts(1, 2)
    assert await counts(runtime, actor, org, whole_tree=True) == Counts(3, 1)
    stranger = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))
    with pytest.raises(OrgNotFound):
        await counts(runtime, stranger, org)
    assert member.id != second.id


# planned


@pytest.mark.parametrize(
    ("now", "day", "second", "expected"),
    [
        ("2026-11-22T08:00:00", 0, 8 * 3600 + 1, "2026-11-22T08:00:01"),
        ("2026-11-22T08:00:00", 0, 8 * 3600, "2026-11-29T08:00:00"),
        ("2026-11-22T08:00:00", 1, 0, "2026-11-23T00:00:00"),
        ("2026-11-21T23:59:59", 6, 0, "2026-11-28T00:00:00"),
        ("2026-12-31T23:59:59", 5, 60, "2027-01-01T00:01:00"),
    ],
)
def test_a_weekly_moment_comes_on_its_day(now: str, day: int, second: int, expected: str):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = weeks.after(at, day, second)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert weeks.until(at, day, second) == found - timedelta(days=7)


async def test_what_is_due_is_put_in_force_once(runtime: Runtime, realm: Realm, org: Org, member: User, actor: Actor):
    async with runtime.write(actor) as tx:
        once = await availability.plan(tx, tx.now + timedelta(days=1), available=False)
        weekly = await availability.add_weekly(tx, WeeklyDraft(2, 3600, False, org.id))
        await availability.add_weekly(tx, WeeklyDraft(3, 3600, False, org.id, active=False))
    await availability.carry_out(runtime)
    assert await said(runtime, actor) == [(None, True)]

    await overdue(runtime, realm)
    await asyncio.gather(*(availability.carry_out(runtime) for _ in range(3)))

    assert await said(runtime, actor) == [(None, False), (org.id, False)]
    async with runtime.read(actor) as tx:
        assert await availability.planned(tx) == ([], 0)
        assert next(each.id for each in (await availability.weekly(tx, org_id=org.id))[0]) == weekly.id
        with pytest.raises(ChangeNotFound):
            await availability.remove_planned(tx, once.id)
    due = await people.value(
        runtime, "SELECT due_at > now() FROM availability_changes WHERE realm_id = $1 AND id = $2", realm.id, weekly.id
    )
    assert due is True
    trail = await people.value(
        runtime,
        "SELECT count(*) FROM audit_entries WHERE realm_id = $1 AND subject_id = $2"
        " AND action = 'availability.changed'",
        realm.id,
        member.id,
    )
    assert trail == 2


async def test_what_was_said_after_the_time_of_a_change_stays(runtime: Runtime, realm: Realm, org: Org, actor: Actor):
    async with runtime.write(actor) as tx:
        await availability.plan(tx, tx.now + timedelta(days=1), available=False)
        await availability.add_weekly(tx, WeeklyDraft((tx.now.weekday() + 3) % 7, 0, False, org.id))
    await say(runtime, actor, True)
    await say(runtime, actor, True, org.id)
    await overdue(runtime, realm)

    await availability.carry_out(runtime)

    assert await said(runtime, actor) == [(None, True), (org.id, True)]


async def test_of_changes_that_were_missed_the_last_one_counts(runtime: Runtime, realm: Realm, actor: Actor):
    now = clock.now()
    async with runtime.write(actor) as tx:
        for hours, available in ((1, False), (2, True), (3, False)):
            await availability.plan(tx, now + timedelta(hours=hours), available=available)
    await people.execute(
        runtime,
        "UPDATE availability_changes SET due_at = due_at - interval '2 days' WHERE realm_id = $1",
        realm.id,
    )

    await availability.carry_out(runtime)

    assert await said(runtime, actor) == [(None, False)]


async def test_two_changes_at_one_moment_collide(runtime: Runtime, org: Org, actor: Actor):
    draft = WeeklyDraft(1, 60, True)
    async with runtime.read(actor) as tx:
        at = tx.now + timedelta(days=1)
        first = await availability.add_weekly(tx, draft)
        await availability.add_weekly(tx, WeeklyDraft(1, 60, True, org.id))
        other = await availability.add_weekly(tx, WeeklyDraft(1, 61, True))
        with pytest.raises(ChangeCollides):
            await availability.add_weekly(tx, WeeklyDraft(1, 60, False, active=False))
        with pytest.raises(ChangeCollides):
            await availability.change_weekly(tx, other.id, draft)
        changed = await availability.change_weekly(tx, first.id, WeeklyDraft(5, 60, False, active=False))
        await availability.plan(tx, at, available=True)
        with pytest.raises(ChangeCollides):
            await availability.plan(tx, at, available=False)
        assert (changed.day, changed.available, changed.active, changed.number) == (5, False, False, first.number)
        assert await availability.numbered(tx, first.number) == first.id


async def test_the_same_change_added_twice_at_once_is_there_once(runtime: Runtime, actor: Actor):
    async def add() -> None:
        async with runtime.write(actor) as tx:
            await availability.add_weekly(tx, WeeklyDraft(4, 4, True))

    outcomes = await asyncio.gather(*(add() for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(each, ChangeCollides) for each in outcomes) == 4


async def test_nobody_touches_the_plans_of_others(
    runtime: Runtime, realm: Realm, other_realm: Realm, founder: User, actor: Actor
):
    async with runtime.write(actor) as tx:
        weekly = await availability.add_weekly(tx, WeeklyDraft(1, 60, True))
        once = await availability.plan(tx, tx.now + timedelta(days=1), available=False)
        with pytest.raises(ChangeNotFound):
            await availability.remove_planned(tx, weekly.id)
        with pytest.raises(ChangeNotFound):
            await availability.remove_weekly(tx, once.id)
    abroad = await factories.a_person(runtime, other_realm)

    for each in (
        await factories.acting_as(runtime, realm, founder),
        await factories.acting_as(runtime, other_realm, abroad),
    ):
        async with runtime.read(each) as tx:
            assert await availability.weekly(tx) == ([], 0)
            for refused in (
                availability.remove_weekly(tx, weekly.id),
                availability.remove_planned(tx, once.id),
                availability.change_weekly(tx, weekly.id, WeeklyDraft(2, 2, True)),
                availability.numbered(tx, weekly.number),
            ):
                with pytest.raises(ChangeNotFound):
                    await refused


@pytest.mark.parametrize(("day", "second"), [(-1, 0), (7, 0), (0, -1), (0, 86_400), (2**40, 2**40)])
async def test_what_is_no_moment_is_refused(runtime: Runtime, actor: Actor, day: int, second: int):
    async with runtime.read(actor) as tx:
        with pytest.raises(InvalidInput):
            await availability.add_weekly(tx, WeeklyDraft(day, second, True))


async def test_the_past_and_the_end_of_the_calendar_cannot_be_planned(runtime: Runtime, actor: Actor):
    async with runtime.read(actor) as tx:
        for at in (tx.now, datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))):
            with pytest.raises(InvalidInput):
                await availability.plan(tx, at, available=True)


async def test_what_is_said_for_one_organisation_is_not_said_for_all(
    runtime: Runtime, actor: Actor, org: Org, member: User
):
    for available, org_id, expected in ((False, org.id, True), (False, None, False), (True, org.id, False)):
        await say(runtime, actor, available, org_id)
        async with runtime.read(actor) as tx:
            assert await availability.preferred(tx, member.id) is expected


async def test_everybody_has_their_share_of_plans(runtime: Runtime, actor: Actor):
    async with runtime.write(actor) as tx:
        for number in range(MOST):
            await availability.add_weekly(tx, WeeklyDraft(number % 7, number, True))
        with pytest.raises(TooManyChanges):
            await availability.plan(tx, tx.now + timedelta(days=1), available=True)
        found, total = await availability.weekly(tx, offset=10, limit=5)
    assert (len(found), total) == (5, MOST)


async def test_an_absence_goes_before_everything_while_it_lasts(
    runtime: Runtime, realm: Realm, org: Org, member: User, actor: Actor
):
    await say(runtime, actor, True, org.id)
    async with runtime.write(actor) as tx:
        with pytest.raises(NoAbsence):
            await availability.absence(tx)
        await availability.be_absent(tx, tx.now + timedelta(hours=1), 60)
    assert await status(runtime, realm, org, member) == Status(preferred=True, available=True)

    async with runtime.write(actor) as tx:
        made = await availability.be_absent(tx, tx.now - timedelta(minutes=1), 3600)
        assert await availability.absence(tx) == made
    assert await status(runtime, realm, org, member) == Status(preferred=True, available=False)
    assert await counts(runtime, actor, org) == Counts(1, 1)

    async with runtime.write(actor) as tx:
        await availability.be_present(tx)
        with pytest.raises(NoAbsence):
            await availability.be_present(tx)
    assert await status(runtime, realm, org, member) == Status(preferred=True, available=True)


@pytest.mark.parametrize(("days", "seconds"), [(0, 0), (0, -1), (0, 2**62), (-400, 60), (400_000, 60)])
async def test_what_is_no_absence_is_refused(runtime: Runtime, actor: Actor, days: int, seconds: int):
    async with runtime.read(actor) as tx:
        with pytest.raises(InvalidInput):
            await availability.be_absent(tx, tx.now + timedelta(days=days), seconds)
