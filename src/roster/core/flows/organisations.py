"""Organisations and what comes with them: roles, owners, the first member, tokens. Each is a whole use case."""

from typing import Final

from roster.core.access import org_roles, recent, within
from roster.core.access.models import ORG_OWNER
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import StillMember
from roster.core.orgs import rights, tokens
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Issued, Org, OrgDraft, OrgTokenDraft
from roster.core.users import service as users
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId, UserId
from roster.storage.tx import Tx

PER_FOUNDER: Final = Policy("organisations:founder", 100, 86_400)
"""Organisations are for nothing, but not without end."""


async def found(tx: Tx, draft: OrgDraft, *, owner: UserId | None = None) -> Org:
    """A new organisation with its built-in roles. A root is owned by its founder, or with `orgs.create` by `owner`.

    Whoever founds one without giving it away is its first member and administrator. Raises what `orgs.create` raises,
    SecondFactorRequired, TooMany, InvalidInput for an owner who does not exist.
    """
    if owner is not None and not tx.actor.is_user(owner) and not tx.actor.may("orgs.create"):
        raise Forbidden
    if not tx.actor.may("orgs.create"):
        await limits.spend(tx, PER_FOUNDER, str(rights.own_id(tx) or tx.actor.org_id))
    org = await orgs.create(tx, draft)
    await org_roles.make_built_in(tx, org)
    founder = rights.own_id(tx) if owner is None else owner
    if founder is None:
        return org
    if draft.parent_id is None or owner is not None:
        await _own(tx, org, founder)
    if tx.actor.is_user(founder):
        await memberships.found(tx, org, founder)
    return org


async def make_token(tx: Tx, org_id: OrgId, draft: OrgTokenDraft) -> Issued:
    """Make a token that may do in the organisation what its administrators may, which whoever makes it may then too.

    Needs `orgs.administer` there, and all else that they may. Neither tokens of organisations nor API keys make tokens:
    what a stolen one can do ends with it. Raises OrgNotFound, Forbidden, StepUpRequired, Escalation, InvalidInput,
    TooManyOrgTokens.
    """
    org = await orgs.lock(tx, org_id)
    await tokens.require_person(tx, org)
    recent.require_strong(tx)
    await within.require_administrating(tx, org)
    return await tokens.create(tx, org_id, draft)


async def add_owner(tx: Tx, org_id: OrgId, user_id: UserId) -> None:
    """Make somebody an owner, who need not be a member. Doing it again changes nothing.

    Only owners may, and only members and people whom they may know of otherwise. Raises OrgNotFound, OwnersOnly,
    InvalidInput.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require_owner(tx, org)
    joined = (await memberships.among(tx, org, [user_id])).get(user_id)
    is_shown = joined is not None and joined.state == "active"
    if not is_shown and not await memberships.may_know(tx, user_id):
        raise InvalidInput.of("owner", "unknown_user", "There is no such user.")
    await _own(tx, org, user_id)


async def remove_owner(tx: Tx, org_id: OrgId, user_id: UserId) -> None:
    """Make somebody an owner no more; members they may still be. Doing it again changes nothing.

    Only owners may. Raises OrgNotFound, OwnersOnly, LastOwner, LastOrgAdministrator.
    """
    org = await orgs.lock(tx, org_id)
    if await orgs.remove_owner(tx, org, user_id):
        await within.take_ownership(tx, org, user_id)


async def delete_account(tx: Tx, user_id: UserId, *, version: int | None = None) -> None:
    """Delete a person as `users.delete` does, who has left all organisations before. Raises StillMember besides."""
    await require_left(tx, user_id)
    await users.delete(tx, user_id, version=version)


async def require_left(tx: Tx, user_id: UserId) -> None:
    """Raise StillMember for a person who has joined an organisation, or owns one."""
    if await memberships.has_joined_any(tx, user_id) or await orgs.owns_any(tx, user_id):
        raise StillMember


async def _own(tx: Tx, org: Org, user_id: UserId) -> None:
    await orgs.own(tx, org, user_id)
    await within.give_built_in(tx, org, ORG_OWNER, user_id)
