"""Making the requests of timers when their time has come. One process does that for all."""

import asyncio
from typing import Final

import structlog

from roster.bus.link import Link, NotConnected, TooLong
from roster.core.realms import service as realms
from roster.core.timers import service as timers
from roster.core.timers.service import Run
from roster.dialects.wellbee.bus import client
from roster.kit import clock
from roster.kit.actor import Actor, system
from roster.kit.errors import RosterError
from roster.storage.runtime import Runtime

_EVERY: Final = 1.0
"""Seconds between two looks."""
_WITHIN: Final = 3000.0
"""Seconds that a service may take; less than after which the request would be made again."""

_log = structlog.get_logger("roster.wellbee")


class Timing:
    """The timers of the realm that the bus serves."""

    def __init__(self, runtime: Runtime, link: Link) -> None:
        self._runtime = runtime
        self._link = link
        self._running: set[asyncio.Task[None]] = set()
        self._waiting_for: set[str] = set()
        self._watch = clock.Watch()

    async def run(self) -> None:
        """Until cancelled; requests that were made by then are made again later."""
        try:
            while True:
                await self._quietly()
                await asyncio.sleep(_EVERY)
        finally:
            for task in self._running:
                task.cancel()

    async def begin_what_is_due(self) -> list[asyncio.Task[None]]:
        """Make the requests whose time has come, while there is room for more at once.

        One whose service has not yet answered the last time is left out until its next time.
        """
        if len(self._running) >= timers.MOST_AT_ONCE:
            return []
        settings = self._runtime.settings.dialects.wellbee
        actor = await self._actor(settings.realm)
        async with self._runtime.write(actor) as tx:
            if self._watch.was_set_back():
                await timers.bring_forward(tx, zone=settings.timezone)
            due = await timers.take_due(tx, zone=settings.timezone)
        self._watch.settle()
        tasks = [asyncio.create_task(self._make(actor, run)) for run in due if run.timer.id not in self._waiting_for]
        for task in tasks:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return tasks

    async def _quietly(self) -> None:
        if not self._link.is_connected:
            return
        try:
            await self.begin_what_is_due()
        except RosterError as error:
            _log.warning("timers.failed", error=str(error))
        except Exception:  # noqa: BLE001 (the edge: timers go on whatever happens)
            _log.exception("timers.failed")

    async def _make(self, actor: Actor, run: Run) -> None:
        self._waiting_for.add(run.timer.id)
        try:
            await self._ask(actor, run)
        finally:
            self._waiting_for.discard(run.timer.id)

    async def _ask(self, actor: Actor, run: Run) -> None:
        try:
            answer = await client.ask(self._link, run.timer.subject, {"data": run.timer.data}, within=_WITHIN)
            is_done = not client.refused(answer)
        except (NotConnected, TooLong):
            is_done = False
        async with self._runtime.write(actor) as tx:
            state = await timers.settle(tx, run, is_done=is_done)
        _log.info("timer.ran", timer=run.timer.id, subject=run.timer.subject, state=state)

    async def _actor(self, slug: str) -> Actor:
        async with self._runtime.lease() as tx:
            realm = await realms.by_slug(tx, slug)
        return system(realm.id, realm.slug, "timers")
