"""Finding people: by any field, in any order, page by page, and never more than the actor may see."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Literal, LiteralString
from uuid import UUID

import msgspec

from roster.core.access import listed, reach
from roster.core.access import service as access
from roster.core.attributes import service as attributes
from roster.core.users import store
from roster.core.users.fields import FIELDS, custom
from roster.core.users.models import User
from roster.kit import filters
from roster.kit.errors import Forbidden, TooMany
from roster.kit.filters import LIMITS, AnyOf, Compare, Fields, Filter, InvalidFilter, Limits, Op, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.sql import Compiled, Listing
from roster.storage.sql.parameters import numbered
from roster.storage.tx import Tx

Deleted = Literal["exclude", "only", "include"]
_STATES: dict[Deleted, LiteralString] = {
    "exclude": "deleted_at IS NULL",
    "only": "deleted_at IS NOT NULL AND erased_at IS NULL",
    "include": "erased_at IS NULL",
}
_NEWEST_LAST = (Sort("created_at"),)
_LONGEST: Final = 2
"""Seconds that a search with an expression of the caller may take."""


class Reach(msgspec.Struct, frozen=True):
    """How far an actor sees: everything of those in reach, or only that people exist."""

    full: bool
    within: tuple[Compiled, ...] = ()
    """Only people for whom all of these hold."""
    only: tuple[UUID, ...] | None = None
    """Only these, whose own permission lists show them to the actor."""
    hidden: tuple[UUID, ...] = ()
    """Not these, whose own permission lists hide them."""


async def search(
    tx: Tx,
    where: Filter | None,
    sorts: Sequence[Sort],
    page: Page,
    *,
    deleted: Deleted = "exclude",
    limits: Limits = LIMITS,
) -> Slice[User]:
    """A page of people, oldest first unless sorted otherwise.

    Raises Forbidden, PrivateField for fields that the actor may not search by, InvalidFilter (also for an expression
    that takes too long), InvalidCursor.
    """
    seen = await _reach(tx, deleted)
    async with _bounded(tx, where):
        found = await listing.fetch(
            tx,
            _listing(seen, deleted),
            User,
            fields=await fields(tx),
            where=where,
            sorts=sorts or _NEWEST_LAST,
            page=page,
            may_see_private=seen.full,
            args=_args(seen),
            limits=limits,
            about=(deleted, *((tx.actor.user_id or "",) if seen.within else ()), *(seen.only or ())),
        )
    if seen.full:
        return found
    return msgspec.structs.replace(found, items=[_seen(tx, user) for user in found.items])


async def count(tx: Tx, where: Filter | None, *, deleted: Deleted = "exclude") -> int:
    """How many people match, of those the actor may see. Raises as `search`."""
    seen = await _reach(tx, deleted)
    async with _bounded(tx, where):
        return await listing.count(
            tx,
            _listing(seen, deleted),
            fields=await fields(tx),
            where=where,
            may_see_private=seen.full,
            args=_args(seen),
        )


@asynccontextmanager
async def _bounded(tx: Tx, where: Filter | None) -> AsyncIterator[None]:
    """What runs an expression of the caller must be done soon."""
    if where is None or not filters.has_pattern(where):
        yield
        return
    try:
        async with tx.bounded(_LONGEST):
            yield
    except TooMany:
        text = "The expression takes too long on so many people. Please narrow the search down."
        raise InvalidFilter.of("", "too_slow", text) from None


def anywhere(part: str) -> Filter:
    """People with this text in their name or address."""
    names = ("username", "email", "display_name", "given_name", "family_name")
    return AnyOf(tuple(Compare(name, Op.CONTAINS, part) for name in names))


async def fields(tx: Tx) -> Fields:
    """What people of this realm can be searched by, custom fields included."""
    return FIELDS.with_attributes(custom(await attributes.current(tx)))


async def _reach(tx: Tx, deleted: Deleted) -> Reach:
    within: list[Compiled] = []
    if deleted != "exclude":
        access.require_somewhere(tx, "users.write")
        if not tx.actor.may("users.write"):
            within.append(await _condition(tx, "users.write", within))
    by_list = await listed.exceptions(tx)
    if tx.actor.grants.holds("users.read"):
        if not tx.actor.may("users.read"):
            within.append(await _condition(tx, "users.read", within))
        return Reach(full=True, within=tuple(within), hidden=by_list.hidden)
    if tx.actor.grants.holds("users.read_basic"):
        if not tx.actor.may("users.read_basic"):
            within.append(await _condition(tx, "users.read_basic", within))
        return Reach(full=False, within=tuple(within), hidden=by_list.hidden)
    if by_list.shown:
        return Reach(full=False, within=tuple(within), only=by_list.shown)
    raise Forbidden


async def _condition(tx: Tx, permission: str, before: Sequence[Compiled]) -> Compiled:
    return await reach.condition(tx, permission, taken=1 + sum(len(values) for _, values in before))


def _listing(seen: Reach, deleted: Deleted) -> Listing:
    condition: LiteralString = "realm_id = $1 AND " + _STATES[deleted]
    for part, _ in seen.within:
        condition += " AND " + part
    listed = numbered("$", 2 + sum(len(args) for _, args in seen.within))
    if seen.only is not None:
        condition += " AND id = ANY(" + listed + ")"
    elif seen.hidden:
        condition += " AND id <> ALL(" + listed + ")"
    return Listing(columns=store.COLUMNS, tables="users", condition=condition)


def _args(seen: Reach) -> tuple[object, ...]:
    args = tuple(value for _, values in seen.within for value in values)
    if seen.only is not None:
        return (*args, list(seen.only))
    return (*args, list(seen.hidden)) if seen.hidden else args


def _seen(tx: Tx, user: User) -> User:
    return user if tx.actor.is_user(user.id) else user.basic()
