"""The outbox, told on the bus: after commit, in order, at least once, however often either of them goes away.

How far it was told is kept in the database and moves only when the bus has acknowledged. One process of an
installation tells at a time; when it dies, another goes on where the database says. What nobody could be told for as
long as events are kept (`outbox.sweep`) is lost.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from roster.bus import relay_store, store
from roster.bus.link import Link, NotConnected
from roster.bus.models import Event, Position
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.kit import clock, ids
from roster.kit.errors import RosterError
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_log = structlog.get_logger("roster.bus")

_EVERY: Final = 0.25
"""Seconds between two looks at the table."""
_BATCH: Final = 200
_HOLD: Final = timedelta(seconds=10)
"""How long whoever tells may be silent before another takes over; half of it passes between two signs of life."""


class Told(msgspec.Struct, frozen=True):
    """A message about an event."""

    subject: str
    data: bytes


Translate = Callable[[Event], Iterable[Told]]


class Relay:
    """Tells the events of one realm, of these types, in the words of `translate`.

    `name` stands for the cursor: who begins to tell under a new one starts with what happens from then on.
    """

    def __init__(
        self, runtime: Runtime, link: Link, *, name: str, realm: str, types: Sequence[str], translate: Translate
    ) -> None:
        self._runtime = runtime
        self._link = link
        self._name = name
        self._slug = realm
        self._types = sorted(types)
        self._translate = translate
        self._holder = ids.uuid7()
        self._held_until = clock.steady()
        self._place: Position | None = None
        """Up to where there is nothing more to tell; None while another tells."""
        self._generation = 0
        self._batch = _BATCH
        """How many are told at once: fewer after something was lost, or one bad line would have all repeated."""

    async def run(self) -> None:
        """Tell, until cancelled."""
        realm = await self._realm()
        try:
            while True:
                await self._together()
                if not await self._try(realm):
                    await asyncio.sleep(_EVERY)
        finally:
            with suppress(RosterError):
                await self._release(realm)

    async def _together(self) -> None:
        """Returns once the bus is there, and has been for long enough that its listeners are there as well."""
        await self._link.connected()
        while self._generation != self._link.generation:
            self._generation = self._link.generation
            await asyncio.sleep(self._runtime.settings.bus.grace_seconds)
            await self._link.connected()

    async def _realm(self) -> Realm:
        async with self._runtime.lease() as tx:
            return await realms.by_slug(tx, self._slug)

    async def _try(self, realm: Realm) -> bool:
        """Whether there may be more to tell at once."""
        try:
            is_full = await self._round(realm)
        except RosterError as error:
            self._place = None  # what is stored counts
            self._batch = max(1, self._batch // 2)
            _log.warning("relay.delayed", reason=error.code)
            return False
        self._batch = min(_BATCH, self._batch * 2)
        return is_full

    async def _round(self, realm: Realm) -> bool:
        place, found, end = await self._next(realm)
        if place is None:
            return False
        if found:
            await self._tell(found)
        is_full = len(found) == self._batch
        place = found[-1].place if is_full else max(place, end)
        if found or self._is_silent():
            await self._advance(realm, place)
        if self._place is not None:
            self._place = place
        return is_full

    async def _tell(self, events: Sequence[Event]) -> None:
        """All of these, acknowledged. Raises NotConnected, also when some went over a connection that was lost."""
        generation = self._link.generation
        for event in events:
            for told in self._translate(event):
                await self._link.publish(told.subject, told.data)
        await self._link.flush()
        if self._link.generation != generation:
            raise NotConnected

    async def _next(self, realm: Realm) -> tuple[Position | None, list[Event], Position]:
        """Where it goes on, what comes next, and up to where was looked."""
        async with self._runtime.lease() as tx:
            end = await store.end(tx)
            if self._place is None or clock.steady() >= self._held_until:
                await self._claim(tx, realm, end)
            if self._place is None:
                return None, [], end
            place = min(self._place, end)  # a database that was put back from a copy may count anew
            found = await store.of_realm(tx, realm.id, self._types, place=place, until=end, limit=self._batch)
            return place, found, end

    async def _claim(self, tx: Tx, realm: Realm, end: Position) -> None:
        until = self._hold()
        self._place = await relay_store.claim(tx, realm.id, self._name, place=end, holder=self._holder, until=until)

    async def _advance(self, realm: Realm, place: Position) -> None:
        until = self._hold()
        async with self._runtime.lease() as tx:
            still = await relay_store.advance(tx, realm.id, self._name, place=place, holder=self._holder, until=until)
        self._place = place if still else None

    def _hold(self) -> datetime:
        """Until when others are told that it is this one who tells; here it counts by a clock that nobody sets."""
        self._held_until = clock.steady() + _HOLD.total_seconds()
        return clock.now() + _HOLD

    def _is_silent(self) -> bool:
        return self._held_until - clock.steady() < _HOLD.total_seconds() / 2

    async def _release(self, realm: Realm) -> None:
        async with self._runtime.lease() as tx:
            await relay_store.release(tx, realm.id, self._name, holder=self._holder)
