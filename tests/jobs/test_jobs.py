"""Deferring work, doing it, doing it again, and doing it on time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from roster import app
from roster.core.realms.models import Realm
from roster.core.transfer import service, tasks
from roster.core.transfer.models import Transfer
from roster.jobs import queue, worker
from roster.jobs.errors import AlreadyQueued
from roster.jobs.schedule import SCHEDULE, Timed
from roster.kit.actor import system
from roster.kit.errors import Unavailable
from roster.kit.ids import RealmId, uuid7
from roster.storage.runtime import Runtime
from tests import factories, processes
from tests.core.transfer import moving
from tests.faults import clocks
from tests.processes import PATIENCE

ACTOR = system(RealmId(uuid7()), "nowhere", "test")


@pytest.fixture
async def own(own_dsn: str, tmp_path: Any) -> Any:
    """A runtime on a database of the test's own, because a queue belongs to the whole of one."""
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    yield runtime
    await runtime.close()


def _worker(runtime: Runtime, do: Callable[[Mapping[str, Any]], Awaitable[None]]) -> worker.Worker:
    return worker.Worker(runtime.pool.dsn, {"do": do}, {}, schedule=(), grace=0.0)


async def _states(runtime: Runtime) -> list[tuple[str, int]]:
    async with runtime.lease() as tx:
        return await tx.rows("SELECT status::text, attempts FROM procrastinate_jobs ORDER BY id")


async def test_what_is_deferred_is_done_once_the_transaction_commits(own: Runtime):
    done: list[Mapping[str, Any]] = []

    async def do(args: Mapping[str, Any]) -> None:
        done.append(args)

    async with own.write(ACTOR) as tx:
        with suppress(ZeroDivisionError):
            async with tx.transaction():
                await queue.defer(tx, "do", {"a": 0})
                raise ZeroDivisionError
    async with own.write(ACTOR) as tx:
        await queue.defer(tx, "do", {"a": 1, "b": ["x", None]})
    await _worker(own, do).run_waiting()

    assert done == [{"a": 1, "b": ["x", None]}]
    assert await _states(own) == []


async def test_a_running_worker_takes_up_jobs_as_they_come(own: Runtime):
    arrived = asyncio.Event()

    async def do(_: Mapping[str, Any]) -> None:
        arrived.set()

    running = asyncio.create_task(_worker(own, do).run())
    for _ in range(2):
        async with own.write(ACTOR) as tx:
            await queue.defer(tx, "do", {})
        await arrived.wait()
        arrived.clear()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_cannot_be_done_now_is_done_later_and_what_fails_has_failed(own: Runtime):
    async def do(args: Mapping[str, Any]) -> None:
        if args["later"]:
            raise Unavailable
        raise ZeroDivisionError

    async with own.write(ACTOR) as tx:
        await queue.defer(tx, "do", {"later": True})
        await queue.defer(tx, "do", {"later": False})
    await _worker(own, do).run_waiting()

    states = await _states(own)
    assert states[0][0] == "todo"
    assert states[0][1] >= 1
    assert states[1] == ("failed", 1)


async def test_jobs_of_a_dead_server_are_taken_up_again(own: Runtime):
    done: list[Mapping[str, Any]] = []

    async def do(args: Mapping[str, Any]) -> None:
        done.append(args)

    async with own.write(ACTOR) as tx:
        await queue.defer(tx, "do", {"a": 1}, lock="one")
        await queue.defer(tx, "do", {"a": 2}, lock="one")
        dead = await tx.value("SELECT worker_id FROM procrastinate_register_worker_v1()")
        await tx.run("SELECT procrastinate_fetch_job_v2(NULL, $1)", dead)
    before = await _states(own)
    await _worker(own, do).run_waiting()

    assert before == [("doing", 0), ("todo", 0)]
    assert done == [{"a": 1}, {"a": 2}]


async def test_a_stopped_worker_puts_back_what_it_was_doing(own: Runtime):
    begun = asyncio.Event()

    async def do(_: Mapping[str, Any]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with own.write(ACTOR) as tx:
        await queue.defer(tx, "do", {})
    running = asyncio.create_task(_worker(own, do).run())
    await begun.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert await _states(own) == [("todo", 1)]


async def test_what_a_stopped_worker_puts_back_another_one_takes_up_at_once(own: Runtime, monkeypatch: Any):
    """It does not look by itself before the test is over."""
    monkeypatch.setitem(worker._OPTIONS, "fetch_job_polling_interval", 3600.0)
    begun, done = asyncio.Event(), asyncio.Event()

    async def begin(_: Mapping[str, Any]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def finish(_: Mapping[str, Any]) -> None:
        done.set()

    first = asyncio.create_task(_worker(own, begin).run())
    async with own.write(ACTOR) as tx:
        await queue.defer(tx, "do", {})
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        second = asyncio.create_task(_worker(own, finish).run())
        await until_listening(own, 2)
        first.cancel()
        await done.wait()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)


async def until_listening(runtime: Runtime, count: int) -> None:
    """Until so many workers wait for jobs to come."""
    listening = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state = 'idle' AND query LIKE 'LISTEN %procrastinate%'"
    )
    while True:
        async with runtime.lease() as tx:
            if await tx.value(listening) >= count:
                return
        await asyncio.sleep(0)


async def test_a_job_that_waits_for_another_begins_when_that_has_ended(own: Runtime):
    second = asyncio.Event()

    async def do(args: Mapping[str, Any]) -> None:
        if args["n"] == 2:
            second.set()

    async with own.write(ACTOR) as tx:
        for number in (1, 2):
            await queue.defer(tx, "do", {"n": number}, lock="one")
    running = asyncio.create_task(_worker(own, do).run())
    await second.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_same_work_waits_only_once(own: Runtime):
    async with own.write(ACTOR) as tx:
        await queue.defer(tx, "do", {}, queueing_lock="one")

    with pytest.raises(AlreadyQueued):
        async with own.write(ACTOR) as tx:
            await queue.defer(tx, "do", {}, queueing_lock="one")


async def test_what_was_missed_is_made_up_for_once(own: Runtime):
    done: list[str] = []
    first = asyncio.Event()

    async def sweep() -> None:
        done.append("sweep")
        first.set()

    often = Timed("sweep", "* * * * *")
    for _ in range(2):
        running = asyncio.create_task(worker.Worker(own.pool.dsn, {}, {"sweep": sweep}, schedule=[often]).run())
        await first.wait()
        async with own.lease() as tx:
            while await tx.value("SELECT count(*) FROM procrastinate_jobs"):
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert 1 <= len(done) <= 2


def test_every_name_of_the_schedule_needs_a_task(dsn: str):
    with pytest.raises(KeyError):
        worker.Worker(dsn, {}, {})


def test_names_of_the_schedule_are_different():
    assert len({each.name for each in SCHEDULE}) == len(SCHEDULE)


async def test_an_import_is_run_by_the_worker(own: Runtime):
    realm = await factories.a_realm(own)

    async def do(args: Mapping[str, Any]) -> None:
        await tasks.run(own, args)

    started = await moving.upload(own, factories.roster_in(realm), moving.ndjson({"username": "ada"}))
    await worker.Worker(own.pool.dsn, {service.RUN: do}, {}, schedule=()).run_waiting()

    done = await _transfer(own, realm, started)
    assert (done.state, done.rows_created) == ("done", 1)


async def _transfer(runtime: Runtime, realm: Realm, transfer: Transfer) -> Transfer:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await service.get(tx, transfer.id)


async def test_the_schedule_goes_on_when_a_clock_that_was_ahead_is_set_right(
    own: Runtime, monkeypatch: pytest.MonkeyPatch
):
    wrong_by, ticked = [6 * 3600.0], asyncio.Event()

    async def tick() -> None:
        ticked.set()

    clocks.shift(lambda: wrong_by[0], monkeypatch.setattr)
    every_second = [Timed("tick", "* * * * * *")]
    running = asyncio.create_task(worker.Worker(own.pool.dsn, {}, {"tick": tick}, schedule=every_second, grace=0).run())
    for each in (6 * 3600.0, 0.0, -6 * 3600.0):
        wrong_by[0] = each
        ticked.clear()
        async with asyncio.timeout(processes.PATIENCE):
            await ticked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
