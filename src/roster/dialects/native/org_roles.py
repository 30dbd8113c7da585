"""Roles of organisations."""

from typing import Final

from roster.core.access import org_roles
from roster.core.access.errors import (
    Escalation,
    LastOrgAdministrator,
    RoleBuiltIn,
    RoleNameTaken,
    RoleNotFound,
    TooManyOrgRoles,
)
from roster.core.orgs.errors import OrgNotFound
from roster.dialects.native import etags
from roster.dialects.native.mapping import organisations as mapping
from roster.dialects.native.wire import organisations as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden, StaleVersion
from roster.kit.ids import OrgId, RoleId
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Roles of organisations")
_ROLE: Final = "/organisations/{org_id}/roles/{role_id}"


@ops.get(
    "/organisations/{org_id}/roles",
    id="listOrganisationRoles",
    needs="roles.read in the organisation",
    errors=(OrgNotFound, Forbidden),
)
async def list_roles(tx: Tx, org_id: OrgId) -> Listing[wire.OrgRole]:
    """The roles that can be given there: the organisation's own, and inheritable ones of those above it."""
    return mapping.roles_out(await org_roles.roles_of(tx, org_id))


@ops.post(
    "/organisations/{org_id}/roles",
    id="createOrganisationRole",
    status=201,
    needs="roles.create or roles.write in the organisation",
    errors=(OrgNotFound, Forbidden, RoleNameTaken, Escalation, TooManyOrgRoles),
    returns=wire.OrgRole,
)
async def create_role(tx: Tx, org_id: OrgId, request: Request, body: wire.OrgRoleCreate) -> Reply:
    """Make a role. Nobody puts permissions into it that they do not hold there, and below when it is inheritable."""
    role = await org_roles.create_role(tx, org_id, mapping.role_draft(body), inheritable=body.inheritable)
    location = f"{request.prefix}/organisations/{org_id}/roles/{role.id}"
    return etags.with_tag(mapping.role_out(role), role.version, 201, location)


@ops.get(
    _ROLE,
    id="getOrganisationRole",
    needs="roles.read in the organisation",
    errors=(OrgNotFound, Forbidden, RoleNotFound),
    returns=wire.OrgRole,
)
async def get_role(tx: Tx, org_id: OrgId, role_id: RoleId) -> Reply:
    """One of the roles that can be given there."""
    role = await org_roles.get_role(tx, org_id, role_id)
    return etags.with_tag(mapping.role_out(role), role.version)


@ops.patch(
    _ROLE,
    id="patchOrganisationRole",
    needs="roles.write in the organisation whose role it is",
    errors=(
        *(OrgNotFound, Forbidden, RoleNotFound, StaleVersion, RoleBuiltIn, RoleNameTaken),
        *(Escalation, LastOrgAdministrator),
    ),
    returns=wire.OrgRole,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_role(tx: Tx, org_id: OrgId, role_id: RoleId, request: Request, body: wire.OrgRolePatch) -> Reply:
    """Change a role; everybody who has it may do what it says now from their next request on."""
    version, change = etags.version_of(request), mapping.role_change(body)
    role = await org_roles.change_role(tx, org_id, role_id, change, inheritable=body.inheritable, version=version)
    return etags.with_tag(mapping.role_out(role), role.version)


@ops.delete(
    _ROLE,
    id="deleteOrganisationRole",
    status=204,
    needs="roles.write in the organisation whose role it is",
    errors=(OrgNotFound, Forbidden, RoleNotFound, StaleVersion, RoleBuiltIn, Escalation, LastOrgAdministrator),
    parameters=(etags.IF_MATCH,),
)
async def delete_role(tx: Tx, org_id: OrgId, role_id: RoleId, request: Request) -> None:
    """Delete a role and take it from everybody at once."""
    await org_roles.delete_role(tx, org_id, role_id, version=etags.version_of(request))
