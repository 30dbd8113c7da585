"""What an actor may do within an organisation: what their roles give there.

Roles may be limited to organisations (kind of context `organisation`), or to one with all below it
(`organisation_tree`), which grants hold as the list of them. Owners have a role for it like everybody else.
"""

from roster.core.orgs import store
from roster.core.orgs.errors import OrgNotFound, OwnersOnly, SecondFactorRequired
from roster.core.orgs.models import Org
from roster.kit.actor import Kind
from roster.kit.errors import Forbidden
from roster.kit.ids import UserId
from roster.storage.tx import Tx


def holds(tx: Tx, permission: str, org: Org) -> bool:
    """Whether the actor may do this in the organisation, by a role without limits or by one that reaches it."""
    return tx.actor.may(permission) or str(org.id) in tx.actor.grants.organisations(permission)


async def require(tx: Tx, permission: str, org: Org) -> None:
    """Raise unless the actor may do this in the organisation: OrgNotFound to those who may not even know of it."""
    if not holds(tx, permission, org):
        raise Forbidden if await may_see(tx, org) else OrgNotFound


async def owns(tx: Tx, org: Org) -> bool:
    """Whether the actor is an owner of the organisation or of one above it, or may do everything in the realm."""
    user_id = own_id(tx)
    return tx.actor.may("*") or (user_id is not None and await store.owns_any(tx, org.path, user_id))


async def require_owner(tx: Tx, org: Org) -> None:
    """Raise OwnersOnly unless the actor owns the organisation or one above it; OrgNotFound as `require`."""
    if not await owns(tx, org):
        raise OwnersOnly if await may_see(tx, org) else OrgNotFound


async def may_see(tx: Tx, org: Org) -> bool:
    """Whether the actor may know of the organisation: readers, members, owners, and the organisation itself."""
    if (tx.actor.kind is Kind.ORGANISATION and tx.actor.org_id == org.id) or holds(tx, "orgs.read", org):
        return True
    user_id = own_id(tx)
    if user_id is None:
        return False
    return await store.is_member(tx, org.id, user_id) or await store.owns_any(tx, org.path, user_id)


async def require_second_factor(tx: Tx, org: Org, user_id: UserId) -> None:
    """Raise SecondFactorRequired when the organisation requires a second factor and the person has none."""
    if org.enforces_mfa and not await store.has_second_factor(tx, user_id):
        raise SecondFactorRequired


async def require_not_enforced(tx: Tx, user_id: UserId) -> None:
    """Raise SecondFactorRequired when people take their own second factor away that an organisation of theirs requires.

    Whoever may change other people's credentials may still help those who have lost theirs.
    """
    if tx.actor.is_user(user_id) and await store.must_have_second_factor(tx, user_id):
        raise SecondFactorRequired


def own_id(tx: Tx) -> UserId | None:
    """The person that the actor is, in their own realm."""
    user_id = tx.actor.person_id
    return user_id if user_id is not None and tx.actor.is_user(user_id) else None
