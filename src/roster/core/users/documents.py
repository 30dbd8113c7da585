"""Finding people for front doors that show them as documents: in any order, from any place in it, many at once."""

from collections.abc import Sequence
from typing import Final

from roster.core.users import search, sight, store
from roster.core.users.models import User
from roster.kit import filters
from roster.kit.filters import Filter, Limits
from roster.kit.ids import UserId
from roster.storage import listing, replicas, sql
from roster.storage.sql import Order
from roster.storage.tx import Tx

__all__ = ["LIMITS", "MOST", "Order", "alphabet", "count", "found", "is_free"]

alphabet = sql.alphabet
MOST: Final = 10_000
"""People found at once."""
LIMITS: Final = Limits(depth=64, terms=2000, text=2000)
"""The front doors count what callers ask for, in their own words; a word may take several comparisons here."""
_SECONDS: Final = 5


async def found(
    tx: Tx, where: Filter, orders: Sequence[Order] = (), *, start: int = 0, limit: int = MOST
) -> list[User]:
    """Those who match, oldest first where nothing else is said. Raises as `search.search`, TooMany."""
    seen = await sight.narrowed(tx, await sight.of_actor(tx, "exclude"), where)
    known = await search.fields(tx)
    wanted = filters.check(where, known, may_see_private=seen.full, limits=LIMITS)
    for each in orders:
        known.seen(each.field, may_see_private=seen.full)
    chosen = await sight.listing_of(tx, seen, "exclude")
    query, args = sql.compile_ordered(
        chosen,
        known,
        wanted,
        orders,
        start=start,
        limit=min(limit, MOST + 1),
        args=(tx.realm_id, *seen.args),
        realm_id=tx.realm_id,
    )

    async def many(tx: Tx) -> list[User]:
        async with tx.bounded(_SECONDS), listing.bounded(tx, wanted):
            return await tx.all(User, query, *args)

    people = await (tx.all(User, query, *args) if listing.is_narrow(wanted) else replicas.read(tx, many))
    return people if seen.full else [search.as_seen(tx, each) for each in people]


async def count(tx: Tx, where: Filter) -> int:
    """How many match. Raises as `found`."""
    return await search.count(tx, where, limits=LIMITS, seconds=_SECONDS)


async def is_free(tx: Tx, name: str, value: str, where: Filter, *, but: UserId | None) -> bool:
    """Whether nobody else has the value that `where` asks for, until the end of the transaction.

    Part of a use case that gives somebody this value. All who give values of a field of this name wait for each other
    where the value is the same, so two cannot get it at once. Deleted people keep theirs until they are erased.
    """
    known = await search.fields(tx)
    wanted = filters.check(where, known, may_see_private=True, limits=LIMITS)
    await store.hold_value(tx, f"{name} {value}")
    return not await store.is_any(tx, wanted, known, but=but)
