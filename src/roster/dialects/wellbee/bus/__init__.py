"""The dialect on the message bus: serves its operations there, and tells there what happens in the directory.

| | |
|---|---|
| `table` | what to subscribe, and which operation a subject means |
| `serving`, `answers` | messages in, answers out |
| `envelopes`, `coding`, `chunks` | the form of messages, compressed data, data in parts |
| `outgoing` | messages for websockets |
| `metadata` | what this service offers |
| `client` | requests to other services |
| `events` | what listeners are told |
"""

import asyncio
from typing import Final

from roster.bus.link import Link
from roster.bus.relay import Relay
from roster.dialects.wellbee.bus import events, outgoing
from roster.dialects.wellbee.bus.metadata import SUBJECT, Metadata
from roster.dialects.wellbee.bus.outgoing import Outgoing
from roster.dialects.wellbee.bus.serving import Serving
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
            await _relay(runtime, link).run()
        else:
            await asyncio.Event().wait()
    finally:
        await serving.stop(runtime.settings.server.drain_seconds)


def _relay(runtime: Runtime, link: Link) -> Relay:
    realm = runtime.settings.dialects.wellbee.realm
    return Relay(runtime, link, name=_CURSOR, realm=realm, types=events.TYPES, translate=events.translate)
