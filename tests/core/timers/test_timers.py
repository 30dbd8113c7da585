"""Timers: when they are due, who takes them, and what becomes of a run."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from roster.core.realms.models import Realm
from roster.core.timers import service as timers
from roster.core.timers.errors import TimerNotFound
from roster.core.timers.models import Timer, TimerDraft
from roster.core.timers.service import Run
from roster.kit import clock
from roster.kit.errors import Forbidden, InvalidInput
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

HOURLY = TimerDraft("hourly", "some-service.do", cron="0 * * * *", max_failures=2)


@pytest.mark.parametrize(
    ("cron", "after", "zone", "expected"),
    [
        ("0 8 * * *", "2026-01-01T12:00", "UTC", "2026-01-02T08:00"),
        ("0 8 * * *", "2026-01-01T12:00", "Europe/Stockholm", "2026-01-02T07:00"),
        ("0 8 * * *", "2026-07-01T12:00", "Europe/Stockholm", "2026-07-02T06:00"),
        ("30 0 8 * * *", "2026-01-01T12:00", "UTC", "2026-01-02T08:00:30"),
        ("*/10 * * * * *", "2026-01-01T12:00:01", "UTC", "2026-01-01T12:00:10"),
        ("0 12 * * 1", "2026-01-01T12:00", "UTC", "2026-01-05T12:00"),
    ],
)
def test_a_cron_expression_is_meant_in_its_time_zone(cron: str, after: str, zone: str, expected: str):
    found = timers.following(cron, datetime.fromisoformat(after).replace(tzinfo=UTC), ZoneInfo(zone))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


async def put(runtime: Runtime, realm: Realm, draft: TimerDraft) -> Timer:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await timers.put(tx, draft)


async def take(runtime: Runtime, realm: Realm) -> list[Run]:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await timers.take_due(tx)


async def settle(runtime: Runtime, realm: Realm, run: Run, *, is_done: bool) -> str:
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await timers.settle(tx, run, is_done=is_done)


async def make_due(runtime: Runtime, realm: Realm) -> None:
    """As if its time had come."""
    await people.execute(
        runtime, "UPDATE timers SET due_at = now() WHERE realm_id = $1 AND due_at IS NOT NULL", realm.id
    )


async def test_what_is_due_is_taken_once(runtime: Runtime, realm: Realm):
    made = await put(runtime, realm, HOURLY)
    assert made.state == "initial"
    assert await take(runtime, realm) == []
    await make_due(runtime, realm)
    (run,) = await take(runtime, realm)
    assert run.timer.id == "hourly"
    assert await take(runtime, realm) == []
    assert await settle(runtime, realm, run, is_done=True) == "scheduled"


async def test_what_a_clock_that_was_ahead_has_put_off_is_due_when_its_expression_says(runtime: Runtime, realm: Realm):
    yearly = await put(runtime, realm, TimerDraft("yearly", "some-service.do", cron="0 0 1 1 *"))
    once = await put(runtime, realm, TimerDraft("once", "some-service.do", at=clock.now() + timedelta(days=2)))
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as tx:
        assert await timers.bring_forward(tx) == 0
    await people.execute(runtime, "UPDATE timers SET due_at = due_at + interval '5 h' WHERE realm_id = $1", realm.id)

    async with runtime.write(roster) as tx:
        assert await timers.bring_forward(tx) == 1
        due = dict(await tx.rows("SELECT id, due_at FROM timers WHERE realm_id = $1", realm.id))
    assert once.due_at is not None
    assert due == {"yearly": yearly.due_at, "once": once.due_at + timedelta(hours=5)}


async def test_a_timer_is_given_up_after_so_many_failures_in_a_row(runtime: Runtime, realm: Realm):
    await put(runtime, realm, HOURLY)
    states: list[str] = []
    for is_done in (False, True, False, False):
        await make_due(runtime, realm)
        (run,) = await take(runtime, realm)
        states.append(await settle(runtime, realm, run, is_done=is_done))
    assert states == ["scheduled_after_failure", "scheduled", "scheduled_after_failure", "failed"]
    await make_due(runtime, realm)
    assert await take(runtime, realm) == []


@pytest.mark.parametrize(("is_done", "state"), [(True, "completed"), (False, "failed")])
async def test_a_single_time_comes_once(runtime: Runtime, realm: Realm, is_done: bool, state: str):
    await put(runtime, realm, TimerDraft("once", "a.b", at=clock.now() - timedelta(minutes=1)))
    (run,) = await take(runtime, realm)
    assert await settle(runtime, realm, run, is_done=is_done) == state
    await make_due(runtime, realm)
    assert await take(runtime, realm) == []


async def test_a_run_whose_end_nobody_noted_is_made_again(runtime: Runtime, realm: Realm):
    await put(runtime, realm, TimerDraft("once", "a.b", at=clock.now()))
    assert len(await take(runtime, realm)) == 1
    await make_due(runtime, realm)
    assert len(await take(runtime, realm)) == 1


async def test_a_timer_that_was_replaced_or_removed_meanwhile_is_not_touched(runtime: Runtime, realm: Realm):
    await put(runtime, realm, HOURLY)
    await make_due(runtime, realm)
    (run,) = await take(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        removed = await timers.remove(tx, "hourly")
    assert removed.state == "removed"
    await settle(runtime, realm, run, is_done=True)
    with pytest.raises(TimerNotFound):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await timers.remove(tx, "hourly")
    again = await put(runtime, realm, HOURLY)
    assert (again.state, again.failures) == ("initial", 0)


@pytest.mark.parametrize(
    "draft",
    [
        TimerDraft("x", "a.b"),
        TimerDraft("x", "a.b", cron="0 * * * *", at=clock.now()),
        TimerDraft("x", "a.b", cron="soon"),
        TimerDraft("x", "a.b", cron="99 * * * *"),
        TimerDraft("x", "a.b", cron="0 0 31 2 *"),
        TimerDraft("x", "a.b", cron="* * * * * * *"),
        TimerDraft("x", "a.b", cron="@reboot"),
        TimerDraft("x", "a.*", cron="0 * * * *"),
        TimerDraft("x", "a b", cron="0 * * * *"),
        TimerDraft("x", "a.>", cron="0 * * * *"),
        TimerDraft("x", "a.b", at=datetime(2026, 1, 1)),  # noqa: DTZ001 (that is what is refused)
        TimerDraft("x", "a.b", cron="0 * * * *", data={"a": "x" * 300_000}),
    ],
)
async def test_what_is_no_timer_is_refused(runtime: Runtime, realm: Realm, draft: TimerDraft):
    with pytest.raises(InvalidInput):
        await put(runtime, realm, draft)


async def test_timers_of_another_realm_are_not_there(runtime: Runtime, realm: Realm):
    await put(runtime, realm, HOURLY)
    await make_due(runtime, realm)
    other = await factories.a_realm(runtime)
    assert await take(runtime, other) == []
    with pytest.raises(TimerNotFound):
        async with runtime.write(factories.roster_in(other)) as tx:
            await timers.remove(tx, "hourly")


async def test_timers_need_a_permission(runtime: Runtime, realm: Realm):
    actor = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))
    with pytest.raises(Forbidden):
        async with runtime.write(actor) as tx:
            await timers.put(tx, HOURLY)
    with pytest.raises(Forbidden):
        async with runtime.write(actor) as tx:
            await timers.remove(tx, "hourly")
