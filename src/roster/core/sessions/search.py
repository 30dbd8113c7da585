"""Finding live sessions of a whole realm."""

from collections.abc import Sequence

from roster.core.access import reach
from roster.core.access import service as access
from roster.core.sessions import store
from roster.core.sessions.fields import FIELDS
from roster.core.sessions.models import Session
from roster.kit.filters import Filter, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_NEWEST_FIRST = (Sort("id", descending=True),)


async def search(tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Session]:
    """A page of live sessions, newest first unless sorted otherwise. Needs `sessions.read`.

    Raises Forbidden, InvalidFilter, InvalidCursor.
    """
    access.require_somewhere(tx, "sessions.read")
    seen, args = await _seen(tx)
    return await listing.fetch(
        tx,
        seen,
        store.session_of,
        fields=FIELDS,
        where=where,
        sorts=sorts or _NEWEST_FIRST,
        page=page,
        may_see_private=True,
        args=(tx.now, *args),
    )


async def _seen(tx: Tx) -> tuple[Listing, tuple[object, ...]]:
    """All live sessions, or those of people for whom the actor holds the permission."""
    if tx.actor.may("sessions.read"):
        return store.LIVE, ()
    reached = await reach.condition(tx, "sessions.read", taken=2)
    return store.live_of_those(reached.condition), reached.values
