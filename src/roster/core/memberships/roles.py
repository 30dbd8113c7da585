"""Which roles the members of an organisation have, and those that pending ones will have."""

from collections.abc import Mapping, Sequence

import msgspec

from roster.core.access import deciding, within
from roster.core.access.errors import AssignmentNotFound, RoleNotFound
from roster.core.access.models import ORG_OWNER, Role
from roster.core.audit import service as audit
from roster.core.memberships import store
from roster.core.memberships.models import Membership
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OwnersOnly
from roster.core.orgs.models import Org
from roster.kit.ids import OrgId, RoleId, UserId
from roster.storage.tx import Tx


async def of_members(tx: Tx, org: Org, members: Sequence[Membership]) -> Mapping[UserId, list[Role]]:
    """The roles of members that the actor has been shown, of pending ones those promised."""
    found = dict(await within.roles_in(tx, org, [each.user_id for each in members if each.state == "active"]))
    pending = [each for each in members if each.state == "pending"]
    known = {role.id: role for role in await within.usable(tx, org)} if pending else {}
    for each in pending:
        found[each.user_id] = [known[role_id] for role_id in each.promised if role_id in known]
    return found


async def assign(tx: Tx, org_id: OrgId, role_id: RoleId, user_id: UserId) -> None:
    """Give a member a role of the organisation, or an inheritable one of an organisation above for this one alone.

    Doing it again changes nothing. Needs `roles.assign` there, and all that the role gives. Raises OrgNotFound,
    Forbidden, RoleNotFound, NotAMember, Escalation, OwnersOnly.
    """
    org = await orgs.lock(tx, org_id)
    await within.givable(tx, org, [role_id])
    member = await store.find(tx, org_id, user_id)
    if member.state == "active":
        await within.give(tx, org, [role_id], user_id)
    elif role_id not in member.promised:
        await _promise(tx, org, member, [*member.promised, role_id])


async def unassign(tx: Tx, org_id: OrgId, role_id: RoleId, user_id: UserId) -> None:
    """Take it away. Raises as `assign`, and AssignmentNotFound, LastOrgAdministrator."""
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "roles.assign", org)
    role = await _takable(tx, org, role_id)
    member = await store.find(tx, org_id, user_id)
    if member.state == "pending" and role_id in member.promised:
        await _promise(tx, org, member, [each for each in member.promised if each != role_id])
    elif not await within.take(tx, org, role, user_id):
        raise AssignmentNotFound


async def set_roles(tx: Tx, org_id: OrgId, user_id: UserId, role_ids: Sequence[RoleId]) -> None:
    """Make a member's roles in the organisation exactly these; that of owners stays as it is. Raises as both above."""
    org = await orgs.lock(tx, org_id)
    member = await store.find(tx, org_id, user_id)
    had = [role.id for role in (await of_members(tx, org, [member]))[user_id] if not _is_for_owners(role)]
    async with within.keeping_an_administrator(tx, org):
        for role_id in role_ids:
            if role_id not in had:
                await assign(tx, org_id, role_id, user_id)
        for role_id in had:
            if role_id not in role_ids:
                await unassign(tx, org_id, role_id, user_id)


async def _takable(tx: Tx, org: Org, role_id: RoleId) -> Role:
    role = next((role for role in await within.usable(tx, org) if role.id == role_id), None)
    if role is None:
        raise RoleNotFound
    if _is_for_owners(role):
        raise OwnersOnly
    await deciding.require_permissions(tx, role, within.here(org, role))
    return role


async def _promise(tx: Tx, org: Org, member: Membership, promised: Sequence[RoleId]) -> None:
    after = await store.update(tx, msgspec.structs.replace(member, promised=list(promised)))
    changes = {"promised": [list(map(str, member.promised)), list(map(str, after.promised))]}
    await audit.record(tx, "member.changed", "user", member.user_id, {**changes, "organisation": [str(org.id)] * 2})


def _is_for_owners(role: Role) -> bool:
    return role.built_in and role.name == ORG_OWNER
