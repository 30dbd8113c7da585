"""Deleting many people at once."""

from typing import Final

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.users import search, store
from roster.kit import filters
from roster.kit.filters import LIMITS, Filter, Limits
from roster.kit.ids import UserId
from roster.storage.tx import Tx

_BATCH: Final = 5000


async def delete_many(tx: Tx, where: Filter | None, *, limits: Limits = LIMITS) -> int:
    """Delete everybody who matches, as `users.delete` does one; the number deleted. Only for holders of everything.

    The actor stays, and if they are not of this realm, one of its administrators. Raises Forbidden, InvalidFilter.
    """
    access.require(tx, "*")
    fields = await search.fields(tx)
    wanted = filters.check(where, fields, may_see_private=True, limits=limits)
    kept = await _kept(tx)
    deleted = 0
    while found := await store.lock_some(tx, wanted, fields, but=kept, limit=_BATCH):
        await store.mark_deleted(tx, found)
        await store.end_sessions(tx, found, "deleted")
        await audit.record_many(tx, "user.deleted", "user", found)
        deleted += len(found)
    return deleted


async def _kept(tx: Tx) -> list[UserId]:
    administrators = await access.administrators(tx)
    own = administrators & {tx.actor.user_id}
    return [min(own or administrators)] if administrators else []
