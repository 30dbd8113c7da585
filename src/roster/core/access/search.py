"""Finding roles, as far as the actor may see them."""

from collections.abc import Sequence

from roster.core.access import listed, store
from roster.core.access.fields import FIELDS
from roster.core.access.models import Role
from roster.kit.filters import LIMITS, Filter, Limits, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_BY_NAME = (Sort("name"),)


async def search(
    tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page, *, limits: Limits = LIMITS
) -> Slice[Role]:
    """A page of roles, by name unless sorted otherwise: all with `roles.read`, else those the actor has.

    Permission lists of single roles add to these, or take away from them roles that the actor does not have.

    Raises InvalidFilter, InvalidCursor.
    """
    chosen, args = await _reach(tx)
    return await listing.fetch(
        tx,
        chosen,
        Role,
        fields=FIELDS,
        where=where,
        sorts=sorts or _BY_NAME,
        page=page,
        may_see_private=_may_see_members(tx),
        args=args,
        about=tx.actor.grants.roles if chosen is store.OWN_ROLES else (),
        limits=limits,
    )


async def count(tx: Tx, where: Filter | None) -> int:
    """How many roles match, of those the actor may see. Raises InvalidFilter."""
    chosen, args = await _reach(tx)
    return await listing.count(tx, chosen, fields=FIELDS, where=where, may_see_private=_may_see_members(tx), args=args)


async def _reach(tx: Tx) -> tuple[Listing, tuple[object, ...]]:
    by_list, own = await listed.exceptions(tx), list(tx.actor.grants.roles)
    if not tx.actor.grants.holds("roles.read"):
        return store.OWN_ROLES, (own, list(by_list.shown))
    return (store.SOME_ROLES, (own, list(by_list.hidden))) if by_list.hidden else (store.ROLES, ())


def _may_see_members(tx: Tx) -> bool:
    """Who reads roles because of some places does not learn by searching who has them elsewhere."""
    return tx.actor.may("roles.read") or not tx.actor.grants.scopes("roles.read")
