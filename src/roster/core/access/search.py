"""Finding roles, as far as the actor may see them."""

from collections.abc import Sequence

from roster.core.access import store
from roster.core.access.fields import FIELDS
from roster.core.access.models import Role
from roster.kit.filters import Filter, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.tx import Tx

_BY_NAME = (Sort("name"),)


async def search(tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Role]:
    """A page of roles, by name unless sorted otherwise: all with `roles.read`, else those the actor has.

    Raises InvalidFilter, InvalidCursor.
    """
    everything, args = _reach(tx)
    return await listing.fetch(
        tx,
        store.ROLES if everything else store.OWN_ROLES,
        Role,
        fields=FIELDS,
        where=where,
        sorts=sorts or _BY_NAME,
        page=page,
        may_see_private=True,
        args=args,
        about=tx.actor.grants.roles if not everything else (),
    )


async def count(tx: Tx, where: Filter | None) -> int:
    """How many roles match, of those the actor may see. Raises InvalidFilter."""
    everything, args = _reach(tx)
    chosen = store.ROLES if everything else store.OWN_ROLES
    return await listing.count(tx, chosen, fields=FIELDS, where=where, may_see_private=True, args=args)


def _reach(tx: Tx) -> tuple[bool, tuple[object, ...]]:
    if tx.actor.may("roles.read"):
        return True, ()
    return False, (list(tx.actor.grants.roles),)
