"""Following events as they happen: one reader per process, started only while somebody listens.

Events arrive in the order in which their transactions came, at least once over reconnections, and none is left out:
whoever resumes behind a known place, or falls behind, reads what is missing from the table first.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from roster.bus import store
from roster.bus.models import Event, Position
from roster.kit import clock
from roster.kit.errors import InvalidInput, RosterError, Unavailable
from roster.kit.ids import RealmId
from roster.storage.runtime import Runtime
from roster.storage.trimming import trim_all

_log = structlog.get_logger("roster.bus")

_EVERY: Final = 0.25
"""Seconds between two looks at the table while somebody listens."""
_BATCH: Final = 500
_WAITING: Final = 1000
_COME_BACK: Final = 10
"""Seconds after which somebody for whom there was no room may try again."""
_CURSOR: Final = re.compile(r"(\d{1,18})\.(-1|\d{1,18})", re.ASCII)


def of(runtime: Runtime) -> "Outbox":
    """The process's one reader."""
    return runtime.memo.setdefault("outbox", Outbox(runtime))


def cursor(place: Position) -> str:
    """A place as text, for clients that want to resume there."""
    return f"{place[0]}.{place[1]}"


def read_cursor(text: str) -> Position:
    """The place that such a text names. Raises InvalidInput."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidInput.of("cursor", "invalid_cursor", "This is no place in the order of events.")
    return int(found[1]), int(found[2])


class Outbox:
    """Hands finished events to everybody who listens.

    It looks at the table `every` so many seconds and takes at most `batch` events at once. A listener that leaves more
    than `waiting` of them unread gets them from the table again.
    """

    def __init__(
        self, runtime: Runtime, *, every: float = _EVERY, batch: int = _BATCH, waiting: int = _WAITING
    ) -> None:
        self._runtime = runtime
        self._every = every
        self._batch = batch
        self._waiting = waiting
        self._listeners: set[_Listener] = set()
        self._head: Position = (0, -1)
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._is_closed = False

    @property
    def is_reading(self) -> bool:
        """Whether anybody listens, so that the table is being looked at."""
        return self._reader is not None

    async def now(self) -> Position:
        """The place behind everything that is finished now; the reader may not have come so far yet."""
        async with self._runtime.lease() as tx:
            return await store.end(tx)

    @asynccontextmanager
    async def listening(
        self, realm_id: RealmId, *, after: Position, types: Iterable[str] = ()
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """A realm's events behind a place, of these types or of all; none is left out.

        Raises Unavailable when as many listen already as `limits.event_listeners` says.
        """
        if len(self._listeners) >= self._runtime.settings.limits.event_listeners:
            raise Unavailable(_COME_BACK, "Too many follow events here. Please try again in a moment.")
        listener = _Listener(realm_id, frozenset(types), self._waiting)
        self._listeners.add(listener)
        if self._is_closed:
            listener.end()
        try:
            await self._start()
            async with aclosing(self._follow(listener, after)) as events:
                yield events
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End everybody's listening, for a server that stops; who comes later gets no events either."""
        self._is_closed = True
        for listener in self._listeners:
            listener.end()

    async def _start(self) -> None:
        """Let the reader run."""
        async with self._starting:
            if self._reader is None:
                self._head = await self.now()
                self._reader = asyncio.create_task(self._read(), name="outbox")

    async def _follow(self, listener: "_Listener", place: Position) -> AsyncGenerator[Event, None]:
        while not listener.is_ended:
            until = self._head
            listener.start_over()
            async for event in self._stored(listener, place, until):
                place = event.place
                yield event
            place = max(place, until)
            async for event in listener.live():
                if event.place > place:
                    place = event.place
                    yield event

    async def _stored(self, listener: "_Listener", place: Position, until: Position) -> AsyncIterator[Event]:
        """What the reader has passed already."""
        types = sorted(listener.types)
        while place < until:
            async with self._runtime.lease() as tx:
                found = await store.of_realm(tx, listener.realm_id, types, place=place, until=until, limit=self._batch)
            for event in found:
                yield event
            if len(found) < self._batch:
                return
            place = found[-1].place

    async def _read(self) -> None:
        try:
            while self._listeners:
                found = await self._next()
                self._deliver(found)
                if len(found) < self._batch:
                    await asyncio.sleep(self._every)
        finally:
            self._reader = None

    async def _next(self) -> Sequence[Event]:
        """The next events; none while the database cannot be reached."""
        try:
            async with self._runtime.lease() as tx:
                return await store.after(tx, self._head, self._batch)
        except RosterError:
            return ()
        except Exception:  # noqa: BLE001 (the edge: the reader outlives whatever happens)
            _log.exception("outbox.failed")
            return ()

    def _deliver(self, events: Iterable[Event]) -> None:
        for event in events:
            self._head = event.place
            for listener in self._listeners:
                listener.offer(event)


class _Listener:
    """What waits for one follower."""

    def __init__(self, realm_id: RealmId, types: frozenset[str], most: int) -> None:
        self.realm_id = realm_id
        self._most = most
        self.types = types
        self.is_ended = False
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue()
        self._is_behind = False

    def offer(self, event: Event) -> None:
        """Keep the event, if it is wanted; when too many wait already, drop them all and say so."""
        if self._is_behind or event.realm_id != self.realm_id or (self.types and event.type not in self.types):
            return
        if self._waiting.qsize() >= self._most:
            self._is_behind = True
            self._empty()
            self._waiting.put_nowait(None)
        else:
            self._waiting.put_nowait(event)

    def start_over(self) -> None:
        """Forget what waits; it is read from the table instead."""
        self._empty()
        self._is_behind = False

    def end(self) -> None:
        """No more events."""
        self.is_ended = True
        self._waiting.put_nowait(None)

    async def live(self) -> AsyncIterator[Event]:
        """Events as they come, until the follower is too far behind or the server stops."""
        while not self.is_ended:
            event = await self._waiting.get()
            if event is None:
                return
            yield event

    def _empty(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait()


async def sweep(runtime: Runtime, *, keep_for: timedelta = timedelta(days=7), batch: int = 5000) -> int:
    """Remove events that nobody can want any more, in transactions of so many; the number removed."""
    before = clock.now() - keep_for
    return await trim_all(runtime, lambda tx, portion: store.forget(tx, before, portion), batch)
