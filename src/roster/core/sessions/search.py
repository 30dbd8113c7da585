"""Finding live sessions of a whole realm."""

from collections.abc import Sequence

from roster.core.access import service as access
from roster.core.sessions import store
from roster.core.sessions.fields import FIELDS
from roster.core.sessions.models import Session
from roster.kit.filters import Filter, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.tx import Tx

_NEWEST_FIRST = (Sort("id", descending=True),)


async def search(tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Session]:
    """A page of live sessions, newest first unless sorted otherwise. Needs `sessions.read`.

    Raises Forbidden, InvalidFilter, InvalidCursor.
    """
    access.require(tx, "sessions.read")
    return await listing.fetch(
        tx,
        store.LIVE,
        store.session_of,
        fields=FIELDS,
        where=where,
        sorts=sorts or _NEWEST_FIRST,
        page=page,
        may_see_private=True,
        args=(tx.now,),
    )
