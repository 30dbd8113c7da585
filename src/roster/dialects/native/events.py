"""Events as they happen."""

from collections.abc import AsyncIterator
from typing import Final

from roster.bus import outbox
from roster.bus.models import Position
from roster.core.access import service as access
from roster.dialects.native import auth
from roster.dialects.native.mapping import platform
from roster.dialects.native.wire import platform as wire
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, RosterError, Unavailable
from roster.storage.runtime import Runtime
from roster.web import streams
from roster.web.operation import Operations, Parameter
from roster.web.reply import Stream
from roster.web.request import Request

ops: Final = Operations(tag="Events")


@ops.get(
    "/events",
    id="followEvents",
    needs="events.read",
    errors=(Forbidden, Unavailable),
    produces="text/event-stream",
    returns=Stream,
    parameters=(
        Parameter(
            name="Last-Event-ID", where="header", description="Go on behind this event; browsers send it by themselves."
        ),
    ),
)
async def follow(runtime: Runtime, actor: Actor, request: Request, query: wire.EventsQuery) -> Stream:
    """Follow what happens in the realm, as server-sent events (WHATWG HTML, section 9.2).

    Each event has its type as `event`, a cursor as `id` and a JSON document as `data`. Events come in order, at least
    once; after a break nothing is lost that is younger than a week. The stream ends with the session.
    """
    async with runtime.read(actor) as tx:
        access.require(tx, "events.read")
    last = request.header("last-event-id") or query.after
    place = outbox.read_cursor(last) if last else await outbox.of(runtime).now()
    types = [each.strip() for each in (query.types or "").split(",") if each.strip()]
    events = _events(runtime, request, types, place)
    await anext(events)  # as long as there is no answer yet, one can still be refused
    return streams.server_sent(events)


async def _events(
    runtime: Runtime, request: Request, types: list[str], place: Position
) -> AsyncIterator[streams.Event]:
    """Events until the actor may not see them any more; before them one that is none, when there is room to listen."""
    actor = request.actor
    assert actor is not None  # noqa: S101 (set before any handler is called)
    async with outbox.of(runtime).listening(actor.realm_id, types=types, after=place) as events:
        yield streams.Event("")
        async for event in events:
            if not await _still_allowed(runtime, request):
                return
            out = platform.event_out(event)
            yield streams.Event(out, name=event.type, id=outbox.cursor(event.place))


async def _still_allowed(runtime: Runtime, request: Request) -> bool:
    try:
        async with runtime.lease() as tx:
            tx.actor = await auth.again(tx, request)
            return tx.actor.may("events.read")
    except RosterError:
        return False
