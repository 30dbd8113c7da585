"""The outbox, told on the bus: in order, at least once, by one at a time, whatever goes away meanwhile."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import msgspec
import pytest

from roster.bus.link import Link, NotConnected, Receive, Subscription
from roster.bus.models import Event
from roster.bus.relay import Relay, Told
from roster.core.audit import service as audit
from roster.core.realms.models import Realm
from roster.kit import ids
from roster.storage.runtime import Runtime
from tests import factories, processes

TYPES = ("thing.made", "thing.gone")


class Flaky(Link):
    """A link of our own making that loses what it likes; `heard` is what came through, acknowledged or not."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, object]]] = []
        self.up = asyncio.Event()
        self.up.set()
        self.changed = asyncio.Condition()
        self._counts = itertools.count(1)
        self.connections = 1
        self.comes_back = False
        """Before the next acknowledgement, which is then another connection's."""
        self.lose_every = 0
        """So many calls, or none when it is 0."""

    @property
    def is_connected(self) -> bool:
        return self.up.is_set()

    @property
    def generation(self) -> int:
        return self.connections

    @property
    def max_payload(self) -> int:
        return 1_048_576

    async def connected(self) -> None:
        await self.up.wait()

    async def publish(self, subject: str, data: bytes, *, reply: str = "") -> None:
        assert not reply
        await self._fail_sometimes()
        async with self.changed:
            self.heard.append((subject, msgspec.json.decode(data)))
            self.changed.notify_all()

    async def flush(self) -> None:
        await self._fail_sometimes()
        if self.comes_back:
            self.connections += 1
            self.comes_back = False

    async def subscribe(self, subject: str, receive: Receive, *, queue: str = "") -> Subscription:
        raise NotImplementedError  # a relay only tells

    async def _fail_sometimes(self) -> None:
        if not self.up.is_set() or (self.lose_every and next(self._counts) % self.lose_every == 0):
            raise NotConnected

    async def until(self, subjects: Iterable[UUID]) -> None:
        wanted = {str(each) for each in subjects}
        async with asyncio.timeout(processes.PATIENCE), self.changed:
            await self.changed.wait_for(lambda: wanted <= {each["id"] for _, each in self.heard})


def translate(event: Event) -> Iterable[Told]:
    yield Told(event.type, msgspec.json.encode({"id": str(event.subject_id)}))


@asynccontextmanager
async def telling(runtime: Runtime, realm: Realm, link: Link, name: str = "test") -> AsyncIterator[Relay]:
    one = Relay(runtime, link, name=name, realm=realm.slug, types=TYPES, translate=translate)
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def happen(runtime: Runtime, realm: Realm, count: int, type_: str = "thing.made") -> list[UUID]:
    """Events, each in a transaction of its own, about things of their own."""
    made = [ids.uuid7() for _ in range(count)]
    for each in made:
        async with runtime.write(factories.roster_in(realm)) as tx:
            await audit.record(tx, type_, "thing", each)
    return made


async def begun(runtime: Runtime, realm: Realm, link: Flaky) -> None:
    """The cursor is there: from now on everything is told."""
    link.heard.clear()
    while not link.heard:
        await happen(runtime, realm, 1)
        with suppress(TimeoutError):  # it looks four times a second, and what it finds has to be told too
            async with asyncio.timeout(0.1), link.changed:
                await link.changed.wait_for(lambda: bool(link.heard))


def told(link: Flaky, of: list[UUID]) -> list[str]:
    """What was told of these, in the order of the first time."""
    wanted = {str(each) for each in of}
    return list(dict.fromkeys(str(each["id"]) for _, each in link.heard if each["id"] in wanted))


async def test_what_happened_before_the_first_time_is_not_told(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    before = await happen(own_runtime, realm, 3)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
    assert told(link, before) == []


async def test_events_are_told_in_order_and_only_those_wanted(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        unwanted = await happen(own_runtime, realm, 3, "other.made")
        wanted = await happen(own_runtime, realm, 5) + await happen(own_runtime, realm, 1, "thing.gone")
        await link.until(wanted)
    assert told(link, wanted) == [str(each) for each in wanted]
    assert link.heard[-1][0] == "thing.gone"
    assert told(link, unwanted) == []


async def test_events_of_other_realms_stay_there(own_runtime: Runtime):
    realm, other = await factories.a_realm(own_runtime), await factories.a_realm(own_runtime)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        elsewhere = await happen(own_runtime, other, 3)
        here = await happen(own_runtime, realm, 1)
        await link.until(here)
    assert told(link, elsewhere) == []


async def _begin_and_give_up(runtime: Runtime, realm: Realm, thing: UUID) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await audit.record(tx, "thing.made", "thing", thing)
        raise ValueError("changed my mind")


async def test_what_was_rolled_back_is_not_told(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    never = ids.uuid7()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        with pytest.raises(ValueError, match="changed my mind"):
            await _begin_and_give_up(own_runtime, realm, never)
        await link.until(await happen(own_runtime, realm, 1))
    assert told(link, [never]) == []


async def test_nothing_is_lost_when_the_bus_goes_and_comes(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        link.up.clear()
        away = await happen(own_runtime, realm, 10)
        assert told(link, away) == []
        link.up.set()
        await link.until(away)
    assert told(link, away) == [str(each) for each in away]


async def test_whatever_is_lost_on_the_way_is_told_again_in_order(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        link.lose_every = 9
        many = await happen(own_runtime, realm, 15)
        await link.until(many)
    assert told(link, many) == [str(each) for each in many]


async def test_what_another_connection_acknowledges_is_told_again(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        link.comes_back = True
        one = await happen(own_runtime, realm, 1)
        await link.until(one)
        more = await happen(own_runtime, realm, 1)
        await link.until(more)
    every = [str(each["id"]) for _, each in link.heard]
    assert len(every) > len(set(every))


async def test_more_than_a_batch_is_told_at_once(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    many = [ids.uuid7() for _ in range(450)]
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        async with own_runtime.write(factories.roster_in(realm)) as tx:
            await audit.record_many(tx, "thing.made", "thing", many)
        await link.until(many)
    assert sorted(told(link, many)) == sorted(str(each) for each in many)
    assert len(set(told(link, many))) == sum(each["id"] in set(map(str, many)) for _, each in link.heard)


async def test_the_next_process_goes_on_where_the_last_one_stopped(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    first, second = Flaky(), Flaky()
    async with telling(own_runtime, realm, first):
        await begun(own_runtime, realm, first)
        early = await happen(own_runtime, realm, 2)
        await first.until(early)
        async with own_runtime.lease() as tx:  # what was told is stored a moment after
            while await tx.value("SELECT count(*) FROM bus_cursors WHERE held_until > now()") != 1:
                await asyncio.sleep(0)
    between = await happen(own_runtime, realm, 3)
    async with telling(own_runtime, realm, second):
        await second.until(between)
    assert told(second, between) == [str(each) for each in between]


async def test_one_tells_at_a_time_and_another_takes_over(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    first, second = Flaky(), Flaky()
    async with telling(own_runtime, realm, second):
        async with telling(own_runtime, realm, first):
            while not (first.heard or second.heard):
                await happen(own_runtime, realm, 1)
            together = await happen(own_runtime, realm, 5)
            one, other = (first, second) if first.heard else (second, first)
            await one.until(together)
            assert other.heard == []
        if one is first:
            after = await happen(own_runtime, realm, 2)
            await second.until(after)


async def test_one_who_died_while_a_clock_was_ahead_is_not_waited_for(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    first, second = Flaky(), Flaky()
    async with telling(own_runtime, realm, first):
        await begun(own_runtime, realm, first)
    async with own_runtime.lease() as tx:
        await tx.run("UPDATE bus_cursors SET held_until = now() + interval '6 hours', holder = gen_random_uuid()")
    between = await happen(own_runtime, realm, 2)
    async with telling(own_runtime, realm, second):
        await second.until(between)


async def test_a_database_that_counts_anew_is_followed(own_runtime: Runtime):
    realm = await factories.a_realm(own_runtime)
    link = Flaky()
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
    async with own_runtime.lease() as tx:
        await tx.run("UPDATE bus_cursors SET transaction = '999999999'::xid8 WHERE realm_id = $1", realm.id)
    async with telling(own_runtime, realm, link):
        await begun(own_runtime, realm, link)
        later = await happen(own_runtime, realm, 2)
        await link.until(later)
    assert told(link, later) == [str(each) for each in later]
