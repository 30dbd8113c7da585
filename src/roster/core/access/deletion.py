"""What the trail keeps of a role that is deleted: all of it, and who had it, so that the past can be told."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from roster.core.access import members_store
from roster.core.access.members_store import Had
from roster.core.access.models import Role
from roster.core.audit import service as audit
from roster.storage.tx import Tx


async def trail(tx: Tx, roles: Sequence[Role]) -> dict[UUID, audit.Changes]:
    """The changes of the entries `role.deleted`, read while these locked roles are still there."""
    had: dict[UUID, list[Had]] = {role.id: [] for role in roles}
    for each in await members_store.everybody(tx, [role.id for role in roles]):
        had[each.role_id].append(each)
    return {role.id: {**_fields(role), **_given(had[role.id])} for role in roles}


def _fields(role: Role) -> audit.Changes:
    return {name: [value, None] for name, value in msgspec.to_builtins(role).items()}


def _given(had: Iterable[Had]) -> audit.Changes:
    """Ids of those who had it everywhere, owners besides; with places those who had it only there."""
    everywhere = [each for each in had if not each.contexts]
    limited = [[str(each.user_id), each.contexts] for each in had if each.contexts]
    given = {
        "members": [str(each.user_id) for each in everywhere],
        "owners": [str(each.user_id) for each in everywhere if each.is_owner],
        "limited_members": limited,
    }
    return {name: [found, []] for name, found in given.items() if found}
