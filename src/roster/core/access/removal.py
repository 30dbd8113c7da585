"""Deleting many roles at once."""

from roster.core.access import deletion, lists_store, store
from roster.core.access import service as access
from roster.core.access.fields import FIELDS
from roster.core.audit import service as audit
from roster.kit import filters
from roster.kit.filters import Filter
from roster.storage.tx import Tx


async def delete_roles(tx: Tx, where: Filter | None) -> int:
    """Delete the roles that match, with their assignments; the number deleted. Only for holders of everything.

    Built-in roles, and those that give everything, stay. Raises Forbidden, InvalidFilter.
    """
    access.require(tx, "*")
    found = await store.lock_some(tx, filters.check(where, FIELDS, may_see_private=True), FIELDS)
    changes = await deletion.trail(tx, found)
    await store.delete_many(tx, [role.id for role in found])
    await lists_store.delete_lists(tx, [str(each) for each in changes])
    await store.void_realm_grants(tx)
    await audit.record_each(tx, "role.deleted", "role", changes)
    return len(found)
