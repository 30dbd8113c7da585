"""Finding people: by any field, in any order, page by page, and never more than the actor may see."""

from collections.abc import Sequence
from typing import Literal, LiteralString
from uuid import UUID

import msgspec

from roster.core.access import listed
from roster.core.access import service as access
from roster.core.attributes import service as attributes
from roster.core.users import store
from roster.core.users.fields import FIELDS, custom
from roster.core.users.models import User
from roster.kit.actor import Context
from roster.kit.errors import Forbidden
from roster.kit.filters import AnyOf, Compare, Fields, Filter, Op, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.sql import Listing
from roster.storage.tx import Tx

Deleted = Literal["exclude", "only", "include"]
_STATES: dict[Deleted, LiteralString] = {
    "exclude": "deleted_at IS NULL",
    "only": "deleted_at IS NOT NULL AND erased_at IS NULL",
    "include": "erased_at IS NULL",
}
_NEWEST_LAST = (Sort("created_at"),)


class Reach(msgspec.Struct, frozen=True):
    """How far an actor sees: everything of those in reach, or only that people exist."""

    full: bool
    places: tuple[Context, ...] | None = None
    """Only people with a role in one of these places; None is everybody."""
    only: tuple[UUID, ...] | None = None
    """Only these, whose own permission lists show them to the actor."""
    hidden: tuple[UUID, ...] = ()
    """Not these, whose own permission lists hide them."""


async def search(
    tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page, *, deleted: Deleted = "exclude"
) -> Slice[User]:
    """A page of people, oldest first unless sorted otherwise.

    Raises Forbidden, PrivateField for fields that the actor may not search by, InvalidFilter, InvalidCursor.
    """
    reach = await _reach(tx, deleted)
    found = await listing.fetch(
        tx,
        _listing(reach, deleted),
        User,
        fields=await fields(tx),
        where=where,
        sorts=sorts or _NEWEST_LAST,
        page=page,
        may_see_private=reach.full,
        args=_args(reach),
        about=(deleted, *(f"{place.kind}:{place.value}" for place in reach.places or ()), *(reach.only or ())),
    )
    if reach.full:
        return found
    return msgspec.structs.replace(found, items=[_seen(tx, user) for user in found.items])


async def count(tx: Tx, where: Filter | None, *, deleted: Deleted = "exclude") -> int:
    """How many people match, of those the actor may see. Raises as `search`."""
    reach = await _reach(tx, deleted)
    return await listing.count(
        tx,
        _listing(reach, deleted),
        fields=await fields(tx),
        where=where,
        may_see_private=reach.full,
        args=_args(reach),
    )


def anywhere(part: str) -> Filter:
    """People with this text in their name or address."""
    names = ("username", "email", "display_name", "given_name", "family_name")
    return AnyOf(tuple(Compare(name, Op.CONTAINS, part) for name in names))


async def fields(tx: Tx) -> Fields:
    """What people of this realm can be searched by, custom fields included."""
    return FIELDS.with_attributes(custom(await attributes.current(tx)))


async def _reach(tx: Tx, deleted: Deleted) -> Reach:
    if deleted != "exclude":
        access.require(tx, "users.write")
    by_list = await listed.exceptions(tx)
    if tx.actor.may("users.read"):
        return Reach(full=True, hidden=by_list.hidden)
    places = tx.actor.grants.contexts("users.read")
    if places:
        within = tuple(sorted({place for each in places for place in each}))
        return Reach(full=True, places=within, hidden=by_list.hidden)
    if tx.actor.may("users.read_basic"):
        return Reach(full=False, hidden=by_list.hidden)
    if by_list.shown:
        return Reach(full=False, only=by_list.shown)
    raise Forbidden


def _listing(reach: Reach, deleted: Deleted) -> Listing:
    condition: LiteralString = "realm_id = $1 AND " + _STATES[deleted]
    if reach.only is not None:
        condition += " AND id = ANY($2)"
    elif reach.places is not None:
        condition += " AND id IN (" + store.WITHIN + ") AND id <> ALL($3)"
    elif reach.hidden:
        condition += " AND id <> ALL($2)"
    return Listing(columns=store.COLUMNS, tables="users", condition=condition)


def _args(reach: Reach) -> tuple[object, ...]:
    if reach.only is not None:
        return (list(reach.only),)
    if reach.places is not None:
        places = [{"kind": place.kind, "value": place.value} for place in reach.places]
        return (places, list(reach.hidden))
    return (list(reach.hidden),) if reach.hidden else ()


def _seen(tx: Tx, user: User) -> User:
    return user if tx.actor.is_user(user.id) else user.basic()
