"""Following events: in order, none left out, nothing of other realms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from roster.bus import outbox
from roster.bus.models import Event
from roster.bus.outbox import Outbox
from roster.core.audit import service as audit
from roster.core.realms.models import Realm
from roster.kit.errors import InvalidInput, Unavailable
from roster.storage.runtime import Runtime
from tests import factories


@pytest.fixture
def box(runtime: Runtime) -> Outbox:
    """A reader of this test alone, that looks often."""
    return Outbox(runtime, every=0.01)


async def happen(runtime: Runtime, realm: Realm, *types: str) -> None:
    """Events of these types, in one transaction."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        for each in types:
            await audit.record(tx, each, "thing", uuid4())


async def fail_after(runtime: Runtime, realm: Realm, name: str) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await audit.record(tx, name, "thing", uuid4())
        raise RuntimeError


async def take(events: AsyncIterator[Event], count: int) -> list[str]:
    return [(await anext(events)).type for _ in range(count)]


async def test_events_come_in_the_order_in_which_they_happened(runtime: Runtime, realm: Realm, box: Outbox):
    async with box.listening(realm.id, after=await box.now()) as events:
        await happen(runtime, realm, "a.one", "a.two")
        await happen(runtime, realm, "a.three")

        assert await take(events, 3) == ["a.one", "a.two", "a.three"]


async def test_listeners_get_events_of_their_realm_and_types_only(runtime: Runtime, realm: Realm, box: Outbox):
    other = await factories.a_realm(runtime)
    place = await box.now()

    async with (
        box.listening(realm.id, after=place) as everything,
        box.listening(realm.id, after=place, types=["a.two"]) as some,
    ):
        await happen(runtime, other, "b.one")
        await happen(runtime, realm, "a.one", "a.two", "a.three")

        assert await take(everything, 3) == ["a.one", "a.two", "a.three"]
        assert await take(some, 1) == ["a.two"]


async def test_whoever_comes_later_gets_what_happened_behind_their_place(runtime: Runtime, realm: Realm, box: Outbox):
    await happen(runtime, realm, "a.one", "a.two", "a.three")
    async with box.listening(realm.id, after=(0, -1), types=["a.one"]) as events:
        first = await anext(events)
    await happen(runtime, realm, "a.four")

    async with box.listening(realm.id, after=first.place) as events:
        found = await take(events, 3)
        await happen(runtime, realm, "a.five")
        found += await take(events, 1)

    assert found == ["a.two", "a.three", "a.four", "a.five"]


async def test_a_slow_transaction_is_not_overtaken(runtime: Runtime, realm: Realm, box: Outbox):
    """Without this an event whose transaction began earlier but ended later would be skipped by every cursor."""
    async with box.listening(realm.id, after=await box.now()) as events:
        async with runtime.write(factories.roster_in(realm)) as slow:
            await audit.record(slow, "slow.began", "thing", uuid4())
            await happen(runtime, realm, "quick.done")
            assert await box._next() == []

        assert await take(events, 2) == ["slow.began", "quick.done"]


async def test_what_was_rolled_back_never_happened(runtime: Runtime, realm: Realm, box: Outbox):
    async with box.listening(realm.id, after=await box.now()) as events:
        with pytest.raises(RuntimeError):
            await fail_after(runtime, realm, "never.was")
        await happen(runtime, realm, "a.one")

        assert await take(events, 1) == ["a.one"]


async def test_a_listener_that_falls_behind_misses_nothing(runtime: Runtime, realm: Realm):
    box = Outbox(runtime, every=0.01, batch=7, waiting=5)
    names = [f"a.n{number:02}" for number in range(40)]

    async with box.listening(realm.id, after=await box.now()) as events:
        await happen(runtime, realm, "a.first")
        assert await take(events, 1) == ["a.first"]
        for start in range(0, 40, 10):
            await happen(runtime, realm, *names[start : start + 10])
        async with box.listening(realm.id, after=await box.now()) as others:
            await happen(runtime, realm, "a.last")
            await take(others, 1)

        assert await take(events, 41) == [*names, "a.last"]


async def test_the_table_is_looked_at_only_while_somebody_listens(runtime: Runtime, realm: Realm, box: Outbox):
    assert not box.is_reading
    async with box.listening(realm.id, after=await box.now()) as events:
        assert box.is_reading
        await happen(runtime, realm, "a.one")
        await take(events, 1)
    reader = box._reader
    assert reader is not None
    await reader

    assert not box.is_reading
    async with box.listening(realm.id, after=await box.now()) as events:
        await happen(runtime, realm, "a.two")
        assert await take(events, 1) == ["a.two"]


async def test_a_server_that_stops_ends_all_streams_and_begins_no_more(realm: Realm, box: Outbox):
    place = await box.now()
    async with box.listening(realm.id, after=place) as events:
        waiting = asyncio.ensure_future(anext(events, None))
        box.close()

        assert await waiting is None
    async with box.listening(realm.id, after=place) as events:
        assert await anext(events, None) is None


async def test_the_reader_outlives_a_lost_connection(own_runtime: Runtime, own_dsn: str):
    realm, box = await factories.a_realm(own_runtime), Outbox(own_runtime, every=0.01)
    async with box.listening(realm.id, after=await box.now()) as events:
        await happen(own_runtime, realm, "a.one")
        await take(events, 1)
        connection = await asyncpg.connect(own_dsn)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        await happen_after_all(own_runtime, realm, "a.two")

        assert await take(events, 1) == ["a.two"]


async def happen_after_all(runtime: Runtime, realm: Realm, name: str) -> None:
    """Try until a live connection is had."""
    while True:
        with suppress(Unavailable):
            return await happen(runtime, realm, name)


@pytest.mark.parametrize("place", [(0, -1), (1, 0), (999_999_999_999, 7)])
def test_a_place_as_text_is_read_back(place: tuple[int, int]):
    assert outbox.read_cursor(outbox.cursor(place)) == place


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "-1.1", "1.-2", "1.1 ", "1.1.1", "٣.1", "9" * 19 + ".1"])
def test_what_is_no_place_is_refused(text: str):
    with pytest.raises(InvalidInput):
        outbox.read_cursor(text)


async def test_old_events_are_swept(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    await happen(own_runtime, realm, "a.one")

    kept = await outbox.sweep(own_runtime)
    swept = await outbox.sweep(own_runtime, keep_for=timedelta(seconds=-1), batch=1)

    assert kept == 0
    assert swept == 2


def test_a_process_has_one_reader(runtime: Runtime):
    assert outbox.of(runtime) is outbox.of(runtime)
