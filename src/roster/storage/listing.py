"""How every feature lists its rows: check the question against the registry, fetch one page, count only when asked.

Rows come from a replica, when there is one that will do: the question has been put together by then, with everything
that decides what the actor may see. Whoever asks for a few by what an index knows of each looks them up, and is
answered by the primary, since they may have just heard of them.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from roster.kit import filters
from roster.kit.errors import TooMany
from roster.kit.filters import LIMITS, All, Compare, Fields, Filter, InvalidFilter, Limits, Op, Sort
from roster.kit.pages import InvalidCursor, Page, Slice, Walk
from roster.storage import frequencies, replicas, sql
from roster.storage.sql import Listing
from roster.storage.tx import Tx
from roster.storage.ways import Ways

T = TypeVar("T")

_NAMES: Final = frozenset({"id", "number", "username", "email"})
_FEW: Final = 100


async def fetch(
    tx: Tx,
    listing: Listing,
    model: Callable[..., T],
    *,
    fields: Fields,
    where: Filter | None,
    sorts: Sequence[Sort],
    page: Page,
    may_see_private: bool,
    args: tuple[object, ...] = (),
    about: Sequence[str | UUID] = (),
    limits: Limits = LIMITS,
) -> Slice[T]:
    """One page. `args` are the arguments of the listing's own condition after the realm, which is $1.

    `about` names the list where fields and filter do not, so that a cursor fits no other list.
    Raises InvalidFilter, also for an expression that takes too long, PrivateField, InvalidCursor.
    """
    wanted = filters.check(where or filters.EVERYTHING, fields, may_see_private=may_see_private, limits=limits)
    order = filters.check_sorts(sorts, fields, may_see_private=may_see_private, limits=limits)
    key = tx.runtime.keyring.key("cursors")
    whose = (listing.name or listing.tables, tx.realm_id, *about)
    walk = Walk(key, page, where=wanted, sorts=order, fields=fields, about=whose)
    work = partial(_read, listing=listing, fields=fields, walk=walk, args=args)
    rows, total = await (work(tx) if listing.decides or is_narrow(wanted) else replicas.read(tx, work))
    return walk.cut(rows, model, total)


def is_narrow(where: Filter) -> bool:
    """Whether it asks for a few by what an index knows of each, so that nothing else can take long."""
    if isinstance(where, All):
        return any(map(is_narrow, where.parts))
    if not isinstance(where, Compare) or where.field not in _NAMES:
        return False
    return where.op is Op.EQ or (where.op is Op.IN and isinstance(where.value, tuple) and len(where.value) <= _FEW)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]


async def _read(
    tx: Tx, *, listing: Listing, fields: Fields, walk: Walk, args: tuple[object, ...]
) -> tuple[list[tuple[Any, ...]], int | None]:
    """The rows of a page, and how many there are when that was asked."""
    known, behind = (tx.realm_id, *args), walk.page.behind
    async with bounded(tx, walk.where):
        if behind is not None:
            query, values = sql.compile_place(listing, fields, walk, behind, args=known, realm_id=tx.realm_id)
            walk.after = next(iter(await tx.rows(query, *values)), None)
            if walk.after is None:
                raise InvalidCursor
        rows = await Ways(tx, listing, fields, walk, known).page()
        if not walk.page.total:
            return rows, None
        if (total := _total(walk, len(rows))) is not None:
            return rows, total
        return rows, await _count(tx, listing=listing, fields=fields, where=walk.where, args=args)


def _total(walk: Walk, found: int) -> int | None:
    """What the page itself tells about all of them, when it begins before the first and ends after the last."""
    is_last = found <= walk.page.limit and (found > 0 or walk.page.offset == 0)
    return walk.page.offset + found if is_last and walk.after is None else None


async def about(tx: Tx, table: str, *, fields: Fields, where: Filter) -> float:
    """About how many rows of the table match, at most, as far as trigrams tell; infinite where they do not.

    Raises InvalidFilter.
    """
    wanted = filters.check(where, fields, may_see_private=True)
    common = await frequencies.of(tx, table)
    return sql.about(wanted, fields, tx.realm_id, common.rarest)


@asynccontextmanager
async def bounded(tx: Tx, where: Filter | None, *, seconds: int = 2) -> AsyncIterator[None]:
    """What runs an expression of the caller must be done soon. Raises InvalidFilter when it is not."""
    if where is None or not filters.has_pattern(where):
        yield
        return
    try:
        async with tx.bounded(seconds):
            yield
    except TooMany:
        text = "The expression takes too long on so many. Please narrow the search down."
        raise InvalidFilter.of("", "too_slow", text) from None


async def count(
    tx: Tx,
    listing: Listing,
    *,
    fields: Fields,
    where: Filter | None,
    may_see_private: bool,
    args: tuple[object, ...] = (),
    limits: Limits = LIMITS,
    seconds: int | None = None,
) -> int:
    """How many there are. With `seconds` it may take no longer. Raises as `fetch`, and TooMany."""
    wanted = filters.check(where or filters.EVERYTHING, fields, may_see_private=may_see_private, limits=limits)

    async def work(tx: Tx) -> int:
        async with nullcontext() if seconds is None else tx.bounded(seconds), bounded(tx, wanted):
            return await _count(tx, listing=listing, fields=fields, where=wanted, args=args)

    return await (work(tx) if listing.decides else replicas.read(tx, work))


async def _count(tx: Tx, *, listing: Listing, fields: Fields, where: Filter, args: tuple[object, ...]) -> int:
    query, values = sql.compile_count(listing, fields, where, args=(tx.realm_id, *args), realm_id=tx.realm_id)
    return await tx.value(query, *values)
