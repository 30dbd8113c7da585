"""How far an actor sees among people, as a listing for searches."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, LiteralString
from uuid import UUID

import msgspec

from roster.core.access import listed, reach
from roster.core.access import service as access
from roster.core.access.reach import Reached
from roster.core.users import narrowing, store
from roster.kit.errors import Forbidden
from roster.kit.filters import Filter
from roster.storage.memory import Memory
from roster.storage.sql import Listing
from roster.storage.sql.parameters import numbered
from roster.storage.tx import Tx

Deleted = Literal["exclude", "only", "include"]
_STATES: dict[Deleted, LiteralString] = {
    "exclude": "deleted_at IS NULL",
    "only": "deleted_at IS NOT NULL AND erased_at IS NULL",
    "include": "erased_at IS NULL",
}
_FEW: Final = 10_000
"""So many people are gathered quickly, whatever is asked about them."""
_REMEMBERED_FOR: Final = timedelta(minutes=10)
_KNOWN: Final = Memory[object, tuple[datetime, bool]]("people in reach", 5000)


class Sight(msgspec.Struct, frozen=True):
    """Everything of those in reach, or only that people exist."""

    full: bool
    within: tuple[Reached, ...] = ()
    """Only people for whom all of these hold."""
    only: tuple[UUID, ...] | None = None
    """Only these, whose own permission lists show them to the actor."""
    hidden: tuple[UUID, ...] = ()
    """Not these, whose own permission lists hide them."""
    narrowed: bool = False
    """`within` says besides what the filter implies, so that an index helps."""

    @property
    def args(self) -> tuple[object, ...]:
        """What the listing's placeholders after $1 stand for."""
        args = tuple(value for part in self.within for value in part.values)
        if self.only is not None:
            return (*args, list(self.only))
        return (*args, list(self.hidden)) if self.hidden else args


async def of_actor(tx: Tx, deleted: Deleted) -> Sight:
    """Whom the actor sees in a search. Raises Forbidden when that is nobody."""
    within: list[Reached] = []
    if deleted != "exclude":
        access.require_somewhere(tx, "users.write")
        within += await _conditions(tx, "users.write", within)
    by_list = await listed.exceptions(tx)
    for permission, full in (("users.read", True), ("users.read_basic", False)):
        if tx.actor.grants.holds(permission):
            within += await _conditions(tx, permission, within)
            return Sight(full=full, within=tuple(within), hidden=by_list.hidden)
    if by_list.shown:
        return Sight(full=False, within=tuple(within), only=by_list.shown)
    raise Forbidden


async def narrowed(tx: Tx, seen: Sight, where: Filter | None) -> Sight:
    """The same where the filter asks for people of a few facilities or roles, whom an index can find."""
    if where is None or seen.only is not None:
        return seen
    condition = await narrowing.condition(tx, where, taken=1 + sum(len(part.values) for part in seen.within))
    if condition is None:
        return seen
    return msgspec.structs.replace(seen, within=(*seen.within, condition), narrowed=True)


async def listing_of(tx: Tx, seen: Sight, deleted: Deleted) -> Listing:
    """The people seen. Where they are few, searches begin with them."""
    condition: LiteralString = "realm_id = $1 AND " + _STATES[deleted]
    for part in seen.within:
        condition += " AND " + part.condition
    few = bool(seen.within) and await _are_few(tx, condition, seen)
    place = numbered("$", 2 + sum(len(part.values) for part in seen.within))
    if seen.only is not None:
        condition += " AND id = ANY(" + place + ")"
    elif seen.hidden:
        condition += " AND id <> ALL(" + place + ")"
    whole = deleted != "only" and not seen.within and seen.only is None
    begun: list[LiteralString] = [reach.begun(part.marks) for part in seen.within if part.marks]
    return Listing(
        columns=store.COLUMNS, tables="users", condition=condition, gathered=few, begun="".join(begun[:1]), whole=whole
    )


async def _conditions(tx: Tx, permission: str, before: Sequence[Reached]) -> list[Reached]:
    if tx.actor.may(permission):
        return []
    return [await reach.condition(tx, permission, taken=1 + sum(len(part.values) for part in before))]


async def _are_few(tx: Tx, condition: LiteralString, seen: Sight) -> bool:
    """Remembered for a while: the answer decides about time only, and places do not grow by thousands in minutes."""
    args = tuple(value for part in seen.within for value in part.values)
    if tx.actor.access_version is None or seen.narrowed:
        return await store.are_few(tx, condition, args, _FEW)
    key = (tx.realm_id, tx.actor.access_version, tx.actor.grants.within, condition)
    known = _KNOWN.recall(tx.runtime, key)
    if known is None or known[0] < tx.now:
        few = await store.are_few(tx, condition, args, _FEW)
        known = _KNOWN.keep(tx.runtime, key, (tx.now + _REMEMBERED_FOR, few))
    return known[1]
