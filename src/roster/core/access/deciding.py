"""Whether the actor may: without limits, for one person, and never more than what the actor holds."""

from roster.core.access import contexts, grants, grouped, objects, reach, vocabulary
from roster.core.access.errors import Escalation
from roster.core.access.models import Role, RoleDraft
from roster.kit.errors import Forbidden, RosterError
from roster.kit.ids import UserId
from roster.storage.tx import Tx


def require(tx: Tx, permission: str, *, otherwise: RosterError | type[RosterError] = Forbidden) -> None:
    """Raise unless the actor holds the permission without limits."""
    if not tx.actor.may(permission):
        raise otherwise


def require_somewhere(tx: Tx, permission: str, *, otherwise: RosterError | type[RosterError] = Forbidden) -> None:
    """Raise unless the actor holds the permission at all; whoever calls asks about the person later."""
    if not tx.actor.grants.holds(permission):
        raise otherwise


async def require_over(
    tx: Tx, permission: str, user_id: UserId, *, otherwise: RosterError | type[RosterError] = Forbidden
) -> None:
    """Raise unless the actor holds the permission for this person: without limits, or where the person belongs."""
    if not await reach.over(tx, permission, user_id):
        raise otherwise


async def require_not_above(tx: Tx, user_id: UserId) -> None:
    """Raise Escalation when the person may do something that the actor may not: nobody takes over their betters.

    What people may do comes from roles and from permission lists.
    """
    if tx.actor.may("*"):
        return
    theirs = await grants.read(tx, user_id)
    if grants.is_above(theirs, tx.actor.grants) or await objects.gives_person_more(tx, user_id, theirs.unlimited):
        raise Escalation


async def require_holding(tx: Tx, role: Role, given: contexts.Contexts) -> None:
    """Raise Escalation unless the actor holds what the role gives in these contexts, in one place of their own.

    What a role gives are its permissions, and what permission lists give to those who have it.
    """
    await require_permissions(tx, role, given)
    if await objects.gives_more(tx, role.name):
        raise Escalation


async def require_permissions(tx: Tx, role: Role | RoleDraft, given: contexts.Contexts) -> None:
    """The same without what permission lists give: who takes a role away gives nobody anything."""
    if tx.actor.may("*"):
        return
    members = await grouped.of(tx, role.ceiling, given)
    limits = contexts.effective(role.ceiling, given, members.groups, members.trees)
    limits = dict(contexts.resolved(limits, members.groups))
    if not grants.covers(tx.actor.grants, vocabulary.of(tx.runtime).expand(role.permissions), limits):
        raise Escalation
