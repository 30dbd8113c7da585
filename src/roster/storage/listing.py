"""How every feature lists its rows: check the question against the registry, fetch one page, count only when asked.

Rows come from a replica, when there is one that will do: the question has been put together by then, with everything
that decides what the actor may see. Whoever asks for a few by what an index knows of each looks them up, and is
answered by the primary, since they may have just heard of them.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from math import inf
from typing import Any, Final, TypeVar
from uuid import UUID

from roster.kit import filters
from roster.kit.errors import TooMany
from roster.kit.filters import LIMITS, All, Compare, Fields, Filter, InvalidFilter, Limits, Op, Sort
from roster.kit.pages import InvalidCursor, Page, Slice, Walk
from roster.storage import frequencies, replicas, sql
from roster.storage.sql import Listing
from roster.storage.tx import Tx

T = TypeVar("T")

_NAMES: Final = frozenset({"id", "number", "username", "email"})
_FEW: Final = 100
_NEAR: Final = 10_000
"""Entries of an index that a glance looks at: three milliseconds' worth."""
_BRIEF: Final = 2_500
"""Entries to look at first where something is known to match."""
_TELLING: Final = 2
"""So many among them tell how many lie further on."""
_LITTLE: Final = 2_500
"""To gather so many takes as long as to look for a letter's, of whom there are few then."""
_SOME: Final = 6_000
"""To gather so many takes no longer than to look for them first, if what they have goes with the order."""
_MANY: Final = 30_000
_FAR: Final = 100_000
"""They take no longer than it takes to gather so many rows."""
_TO_THE_END: Final = 1 << 62


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
        rows = await _page(tx, listing, fields, walk, known)
        if not walk.page.total:
            return rows, None
        if (total := _total(walk, len(rows))) is not None:
            return rows, total
        return rows, await _count(tx, listing=listing, fields=fields, where=walk.where, args=args)


def _total(walk: Walk, found: int) -> int | None:
    """What the page itself tells about all of them, when it begins before the first and ends after the last."""
    is_last = found <= walk.page.limit and (found > 0 or walk.page.offset == 0)
    return walk.page.offset + found if is_last and walk.after is None else None


async def _page(
    tx: Tx, listing: Listing, fields: Fields, walk: Walk, args: tuple[object, ...]
) -> list[tuple[Any, ...]]:
    """A glance at what is near fills the page when much matches; when little does, it is gathered and put in order."""
    near = sql.has_glance(listing, fields, walk)
    if near:
        rows, is_all = await _glances(tx, listing, fields, walk, args)
        if is_all or len(rows) > walk.page.limit:
            return rows
    query, values = sql.compile_page(listing, fields, walk, args=args, realm_id=tx.realm_id, gather=near)
    return await tx.rows(query, *values)


async def _glances(
    tx: Tx, listing: Listing, fields: Fields, walk: Walk, args: tuple[object, ...]
) -> tuple[list[tuple[Any, ...]], bool]:
    """What lies along the order, as far as it is worth looking, and whether that is all that there is.

    What no index finds is looked for to the end: to gather it is to read every row, of other realms too. Where little
    matches, gathering it is no more than a glance. Where very many match, they are looked for far away at once: what is
    alike lies together, and may begin late. Where some were found, and the rest is likely to be there before as many
    entries as there are rows to gather, that is looked for. Those of a letter are gathered before all are.
    """

    async def glance(steps: int) -> list[tuple[Any, ...]]:
        query, values = sql.compile_glance(listing, fields, walk, args=args, realm_id=tx.realm_id, steps=steps)
        return await tx.rows(query, *values)

    if listing.whole and sql.is_vague(walk.where, fields):
        return await glance(_TO_THE_END), True
    common = await frequencies.of(tx, listing.tables)
    many = sql.about(walk.where, fields, tx.realm_id, common.rarest)
    evenly = _evenly(walk.page, common.rows, many)
    if 0 < many < (_LITTLE if _is_apart(walk.where, fields) else _SOME) and evenly > _BRIEF:
        return [], False
    if _MANY <= many < inf:
        return await glance(_FAR), False
    if 0 < many < inf and fields[walk.sorts[0].field].initial:
        rows = await glance(_BRIEF) if 2 * evenly <= _BRIEF else []
        if len(rows) <= walk.page.limit:
            rows = await _of_a_letter(tx, listing, fields, walk, args)
        return rows, False
    near = _BRIEF if 0 < many < inf else _NEAR
    rows = await glance(near)
    if len(rows) < _TELLING and near < _NEAR:
        near, rows = _NEAR, await glance(_NEAR)
    likely = _likely(walk.page, len(rows), near)
    if len(rows) <= walk.page.limit and many < inf and likely <= min(many, _FAR):
        rows = await glance(2 * likely)
    return rows, False


def _is_apart(where: Filter, fields: Fields) -> bool:
    """Whether it asks for what has nothing to do with names, and so lies evenly in their order."""
    return isinstance(where, Compare) and bool(fields[where.field].member)


async def _of_a_letter(
    tx: Tx, listing: Listing, fields: Fields, walk: Walk, args: tuple[object, ...]
) -> list[tuple[Any, ...]]:
    """Those who begin with the same letter as the next one, and so come before all others: mostly a small part."""
    query, values = sql.compile_letter(listing, fields, walk, args=args)
    letter = next((letter for (letter,) in await tx.rows(query, *values)), "")
    if not letter:
        return []
    query, values = sql.compile_page(listing, fields, walk, args=args, realm_id=tx.realm_id, gather=True, letter=letter)
    return await tx.rows(query, *values)


async def about(tx: Tx, table: str, *, fields: Fields, where: Filter) -> float:
    """About how many rows of the table match, at most, as far as trigrams tell; infinite where they do not.

    Raises InvalidFilter.
    """
    wanted = filters.check(where, fields, may_see_private=True)
    common = await frequencies.of(tx, table)
    return sql.about(wanted, fields, tx.realm_id, common.rarest)


def _evenly(page: Page, rows: float, many: float) -> int:
    """After how many entries the page is full, when so many of the rows match and lie evenly among them."""
    return int((page.offset + page.limit + 1) * rows / many) if 0 < many < inf else _TO_THE_END


def _likely(page: Page, found: int, steps: int) -> int:
    """After how many entries the page is full, when what a first glance has found goes on like that."""
    wanted, found = page.offset + page.limit + 1, page.offset + found if found else 0
    return steps * wanted // found if found else _TO_THE_END


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
