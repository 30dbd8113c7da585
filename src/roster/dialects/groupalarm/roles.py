"""Roles of organisations, their access entries, and who has them (contract, tag rbac; notes, section 10)."""

from typing import Final

import msgspec

from roster.core.access import org_roles, vocabulary, within
from roster.core.access.errors import (
    AssignmentNotFound,
    Escalation,
    LastOrgAdministrator,
    RoleBuiltIn,
    RoleNameTaken,
    RoleNotFound,
)
from roster.core.access.models import Role, RoleChange, RoleDraft
from roster.core.memberships import roles as member_roles
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound, OwnersOnly
from roster.core.orgs.models import Org
from roster.core.users import numbers
from roster.dialects.groupalarm import auth, catalogue, entries, lookup, mapping, replies, wire, wire_rbac
from roster.dialects.groupalarm.entries import Kept
from roster.dialects.groupalarm.errors import EntryNotFound
from roster.kit.errors import Forbidden, InvalidInput
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="rbac")

_ALL: Final = "/rbac/roles"
_ONE: Final = "/rbac/roles/{roleID}"
_ACCESS: Final = "/rbac/roles/{roleID}/access"
_ENTRY: Final = "/rbac/roles/{roleID}/access/{roleAccessID}"
_USERS: Final = "/rbac/roles/{roleID}/user"
_CHANGING: Final = (InvalidInput, Forbidden, RoleNotFound, RoleBuiltIn, Escalation, LastOrgAdministrator)


@ops.get("/rbac/services", id="ServicesList")
async def services() -> list[wire_rbac.Service]:
    """List the services and methods that access entries can name."""
    return [
        wire_rbac.Service(description, catalogue.methods_of(name), name)
        for name, description in catalogue.SERVICES.items()
    ]


@ops.get(_ALL, id="RoleList", errors=(InvalidInput, OrgNotFound, Forbidden))
async def list_roles(tx: Tx, query: lookup.OfOrganization) -> list[wire_rbac.Role]:
    """List the roles that can be used in an organisation: default ones, its own, and inheritable ones from above."""
    org = await lookup.org(tx, query.organization_id)
    found = await org_roles.roles_of(tx, org.id)
    above = await orgs.with_ids(tx, org.path)
    return [_out(each, above[each.org_id].number) for each in found if each.org_id is not None]


@ops.post(_ALL, id="RoleCreate", status=201, errors=(*_CHANGING, RoleNameTaken, OrgNotFound))
async def create(tx: Tx, body: wire_rbac.RoleWrite) -> wire_rbac.Role:
    """Make a role of an organisation; it may nothing until it has access entries."""
    if not body.organization_id:
        raise InvalidInput.of("organizationID", "required", "A role belongs to an organisation.")
    org = await lookup.org(tx, body.organization_id)
    lookup.need(tx, "rbac.create", org)
    draft: RoleDraft = mapping.role_draft(body)
    made = await org_roles.create_role(tx, org.id, draft, inheritable=mapping.is_wide(body) or False)
    return _out(made, org.number)


@ops.get(_ONE, id="RoleGet", errors=(RoleNotFound,))
async def get(tx: Tx, roleID: int) -> wire_rbac.Role:
    """Read a role."""
    org, role = await org_roles.find_numbered(tx, roleID)
    return _out(role, org.number)


@ops.patch(_ONE, id="RoleUpdate", errors=(*_CHANGING, RoleNameTaken))
async def update(tx: Tx, roleID: int, body: wire_rbac.RoleWrite) -> wire_rbac.Role:
    """Change name, description and reach of a role; default roles stay as they are."""
    org, role = await _changeable(tx, roleID, "rbac.edit")
    if body.organization_id not in (0, org.number):
        raise InvalidInput.of("organizationID", "not_changeable", "A role stays in its organisation.")
    change = mapping.role_change(body, role)
    wide = mapping.is_wide(body)
    changed = await org_roles.change_role(
        tx, org.id, role.id, change, inheritable=msgspec.UNSET if wide is None else wide
    )
    return _out(changed, org.number)


@ops.delete(_ONE, id="RoleDelete", errors=_CHANGING)
async def delete(tx: Tx, request: Request, roleID: int) -> wire.Success:
    """Delete a role; what it gave ends at once."""
    org, role = await _changeable(tx, roleID, "rbac.delete")
    await org_roles.delete_role(tx, org.id, role.id)
    return replies.done(request, replies.DELETED)


@ops.get(_ACCESS, id="RoleAccessList", errors=(RoleNotFound,))
async def list_entries(tx: Tx, roleID: int) -> list[wire_rbac.RoleAccess]:
    """List what a role may use."""
    _, role = await org_roles.find_numbered(tx, roleID)
    return entries.out(role, _kept(tx, role).access)


@ops.post(_ACCESS, id="RoleAccessCreate", status=201, errors=_CHANGING)
async def create_entry(tx: Tx, roleID: int, body: wire_rbac.RoleAccessWrite) -> wire_rbac.RoleAccess:
    """Let a role use services with some methods."""
    org, role = await _changeable(tx, roleID, "rbac.edit")
    before = _kept(tx, role)
    after = entries.added(before, body)
    return await _entry_stored(tx, org, role, entries.change(role, before, after), after.last)


@ops.patch(_ENTRY, id="RoleAccessUpdate", errors=(*_CHANGING, EntryNotFound))
async def update_entry(tx: Tx, roleID: int, roleAccessID: int, body: wire_rbac.RoleAccessWrite) -> wire_rbac.RoleAccess:
    """Replace an access entry."""
    org, role = await _changeable(tx, roleID, "rbac.edit")
    before = _kept(tx, role)
    change = entries.change(role, before, entries.replaced(before, roleAccessID, body))
    return await _entry_stored(tx, org, role, change, roleAccessID)


@ops.delete(_ENTRY, id="RoleAccessDelete", errors=(*_CHANGING, EntryNotFound))
async def delete_entry(tx: Tx, request: Request, roleID: int, roleAccessID: int) -> wire.Success:
    """Remove an access entry."""
    org, role = await _changeable(tx, roleID, "rbac.edit")
    before = _kept(tx, role)
    change = entries.change(role, before, entries.without(before, roleAccessID))
    await org_roles.change_role(tx, org.id, role.id, change)
    return replies.done(request, replies.DELETED)


@ops.get(_USERS, id="UserRoleList", errors=(RoleNotFound,))
async def list_users(tx: Tx, roleID: int) -> list[wire_rbac.UserRole]:
    """List who has a role in its organisation."""
    org, role = await org_roles.find_numbered(tx, roleID)
    found = await numbers.of(tx, await within.having(tx, org, role))
    return [wire_rbac.UserRole(role_id=role.number, user_id=number) for number in sorted(found.values())]


@ops.post(
    _USERS,
    id="UserRoleCreate",
    status=201,
    errors=(InvalidInput, Forbidden, RoleNotFound, NotAMember, Escalation, OwnersOnly),
)
async def assign(tx: Tx, request: Request, roleID: int, body: wire_rbac.UserRoleWrite) -> wire.Success:
    """Give a member a role of the organisation."""
    if body.role_id not in (0, roleID):
        raise InvalidInput.of("roleID", "contradiction", "Path and body name different roles.")
    org, role = await org_roles.find_numbered(tx, roleID)
    lookup.need(tx, "rbac.edit", org)
    await member_roles.assign(tx, org.id, role.id, await lookup.member_id(tx, body.user_id))
    return replies.done(request)


@ops.delete(
    "/rbac/roles/{roleID}/user/{userID}",
    id="DeleteUserRole",
    errors=(RoleNotFound, NotAMember, AssignmentNotFound, Forbidden, OwnersOnly, Escalation, LastOrgAdministrator),
)
async def unassign(tx: Tx, request: Request, roleID: int, userID: int) -> wire.Success:
    """Take a role away; the last administrator keeps it."""
    org, role = await org_roles.find_numbered(tx, roleID)
    lookup.need(tx, "rbac.edit", org)
    await member_roles.unassign(tx, org.id, role.id, await lookup.member_id(tx, userID))
    return replies.done(request, replies.DELETED)


@ops.post("/rbac/user", id="GetUserRoles", errors=(InvalidInput,), extra=auth.PERSON)
async def own_roles(tx: Tx) -> list[wire_rbac.MergedUserRole]:
    """List the caller's roles in all organisations; what is sent does not matter."""
    me = auth.me(tx.actor)
    joined = {each.org_id: each for each in await memberships.of_user(tx, me) if each.state == "active"}
    found: list[wire_rbac.RoleWithAccess] = []
    for org_id, org in sorted((await orgs.with_ids(tx, list(joined))).items()):
        for role in (await member_roles.of_members(tx, org, [joined[org_id]]))[me]:
            access = entries.out(role, _kept(tx, role).access)
            found.append(mapping.role_with_access(_out(role, org.number), access))
    number = (await numbers.of(tx, [me]))[me]
    return [wire_rbac.MergedUserRole(roles=found, user_id=number)]


async def _changeable(tx: Tx, number: int, key: str) -> tuple[Org, Role]:
    """A role that may be changed with this key, as it stays until then. Raises RoleNotFound, Forbidden, RoleBuiltIn."""
    org, role = await org_roles.hold_numbered(tx, number)
    lookup.need(tx, key, org)
    if role.built_in:
        raise RoleBuiltIn
    return org, role


async def _entry_stored(tx: Tx, org: Org, role: Role, change: RoleChange, number: int) -> wire_rbac.RoleAccess:
    changed = await org_roles.change_role(tx, org.id, role.id, change)
    return entries.out(changed, [entries.find(_kept(tx, changed), number)])[0]


def _kept(tx: Tx, role: Role) -> Kept:
    return entries.kept(role, vocabulary.of(tx.runtime))


def _out(role: Role, organization: int) -> wire_rbac.Role:
    return mapping.role_out(role, organization)
