"""Finding people: by any field, in any order, page by page, and never more than the actor may see."""

from collections.abc import Sequence

import msgspec

from roster.core.attributes import service as attributes
from roster.core.users import sight
from roster.core.users.fields import FIELDS, custom
from roster.core.users.models import User
from roster.core.users.sight import Deleted
from roster.kit.filters import LIMITS, AnyOf, Compare, Fields, Filter, Limits, Op, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.tx import Tx

_NEWEST_LAST = (Sort("created_at"),)


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
    seen = await sight.narrowed(tx, await sight.of_actor(tx, deleted), where)
    found = await listing.fetch(
        tx,
        await sight.listing_of(tx, seen, deleted),
        User,
        fields=await fields(tx),
        where=where,
        sorts=sorts or _NEWEST_LAST,
        page=page,
        may_see_private=seen.full,
        args=seen.args,
        limits=limits,
        about=(deleted, *((tx.actor.person_id or "",) if seen.within else ()), *(seen.only or ())),
    )
    if seen.full:
        return found
    return msgspec.structs.replace(found, items=[as_seen(tx, user) for user in found.items])


async def count(
    tx: Tx,
    where: Filter | None,
    *,
    deleted: Deleted = "exclude",
    limits: Limits = LIMITS,
    seconds: int | None = None,
) -> int:
    """How many people match, of those the actor may see. Raises as `search`, TooMany after so many seconds."""
    seen = await sight.narrowed(tx, await sight.of_actor(tx, deleted), where)
    return await listing.count(
        tx,
        await sight.listing_of(tx, seen, deleted),
        fields=await fields(tx),
        where=where,
        may_see_private=seen.full,
        args=seen.args,
        limits=limits,
        seconds=seconds,
    )


def anywhere(part: str) -> Filter:
    """People with this text in their name or address."""
    names = ("username", "email", "display_name", "given_name", "family_name")
    return AnyOf(tuple(Compare(name, Op.CONTAINS, part) for name in names))


async def fields(tx: Tx) -> Fields:
    """What people of this realm can be searched by, custom fields included."""
    return FIELDS.with_attributes(custom(await attributes.current(tx)))


def as_seen(tx: Tx, user: User) -> User:
    """A person as those see them who may only know that people exist."""
    return user if tx.actor.is_user(user.id) else user.basic()
