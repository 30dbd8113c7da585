"""The dialect on the message bus: serves its operations there, and tells there what happens in the directory.

| | |
|---|---|
| `table` | what to subscribe, and which operation a subject means |
| `serving`, `answers` | messages in, answers out |
| `envelopes`, `coding`, `chunks` | the form of messages, compressed data, data in parts |
| `outgoing` | messages for websockets |
| `timing` | requests that were asked for at certain times |
| `metadata` | what this service offers |
| `client` | requests to other services |
| `events` | what listeners are told |
"""

import asyncio
from collections.abc import Coroutine
from typing import Final

from roster.bus.link import Link
from roster.bus.relay import Relay
from roster.dialects.wellbee.bus import events, outgoing
from roster.dialects.wellbee.bus.metadata import SUBJECT, Metadata
from roster.dialects.wellbee.bus.outgoing import Outgoing
from roster.dialects.wellbee.bus.serving import Serving
from roster.dialects.wellbee.bus.timing import Timing
from roster.storage.runtime import Runtime
from roster.web.dialect import Dialect
from roster.web.request import Site

_CURSOR: Final = "wellbee"
"""Name of the cursor that says up to where listeners were told."""


async def run(runtime: Runtime, link: Link, dialect: Dialect, site: Site, *, alone: bool) -> None:
    """Answer messages until cancelled; what runs then is finished within the time for draining.

    With `alone` also what one process does for all: say what is offered, and tell events.
    """
    serving = Serving(runtime, link, dialect, site)
    await serving.start()
    await link.subscribe(outgoing.SUBJECT, Outgoing(runtime, link).take)
    try:
        if alone:
            await link.subscribe(SUBJECT, Metadata(link, dialect, serving).take)
            await _until_one_ends(_relay(runtime, link).run(), Timing(runtime, link).run())
        else:
            await asyncio.Event().wait()
    finally:
        await serving.stop(runtime.settings.server.drain_seconds)


async def _until_one_ends(*works: Coroutine[None, None, None]) -> None:
    """Do all of them; when one ends, or this is cancelled, so do the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


def _relay(runtime: Runtime, link: Link) -> Relay:
    realm = runtime.settings.dialects.wellbee.realm
    return Relay(runtime, link, name=_CURSOR, realm=realm, types=events.TYPES, translate=events.translate)
