"""Roles and who has them."""

from typing import Final

from roster.core.access import search, service
from roster.core.access.errors import Escalation, LastAdministrator, RoleBuiltIn, RoleNameTaken, RoleNotFound
from roster.core.access.models import RoleChange
from roster.dialects.native import etags
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import access, base
from roster.dialects.native.wire import access as wire
from roster.dialects.native.wire.base import Listing, SearchQuery
from roster.kit.errors import Forbidden, StaleVersion
from roster.kit.filters import InvalidFilter
from roster.kit.ids import RoleId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Roles")


@ops.get(
    "/roles",
    id="listRoles",
    needs="roles.read for all; everybody sees those they have",
    errors=(InvalidFilter, InvalidCursor),
)
async def list_roles(tx: Tx, query: SearchQuery) -> Listing[wire.Role]:
    """Roles by name, unless sorted otherwise."""
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where = queries.parse_filter(query.filter)
    return base.listing(await search.search(tx, where, queries.parse_sort(query.sort), page), access.role_out)


@ops.post(
    "/roles",
    id="createRole",
    status=201,
    needs="roles.create or roles.write",
    errors=(Forbidden, RoleNameTaken, Escalation),
    returns=wire.Role,
)
async def create_role(tx: Tx, request: Request, body: wire.RoleCreate) -> Reply:
    """Make a role. Nobody puts permissions into it that they do not hold."""
    role = await service.create_role(tx, access.role_draft(body))
    return etags.with_tag(access.role_out(role), role.version, 201, f"{request.prefix}/roles/{role.id}")


@ops.get(
    "/roles/{role_id}",
    id="getRole",
    needs="roles.read, or having the role",
    errors=(RoleNotFound,),
    returns=wire.Role,
)
async def get_role(tx: Tx, role_id: RoleId) -> Reply:
    """One role."""
    role = await service.get_role(tx, role_id)
    return etags.with_tag(access.role_out(role), role.version)


@ops.patch(
    "/roles/{role_id}",
    id="patchRole",
    needs="roles.write, or owning the role for name and description",
    errors=(RoleNotFound, Forbidden, StaleVersion, RoleBuiltIn, RoleNameTaken, Escalation),
    returns=wire.Role,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_role(tx: Tx, role_id: RoleId, request: Request, body: wire.RolePatch) -> Reply:
    """Change a role; everybody who has it may do what it says now from their next request on."""
    version = etags.version_of(request)
    role = await service.change_role(tx, role_id, access.role_change(body), version=version)
    return etags.with_tag(access.role_out(role), role.version)


@ops.delete(
    "/roles/{role_id}",
    id="deleteRole",
    status=204,
    needs="roles.write, or owning the role",
    errors=(RoleNotFound, Forbidden, StaleVersion, RoleBuiltIn, Escalation, LastAdministrator),
    parameters=(etags.IF_MATCH,),
)
async def delete_role(tx: Tx, role_id: RoleId, request: Request) -> None:
    """Delete a role and take it from everybody."""
    await service.delete_role(tx, role_id, version=etags.version_of(request))


@ops.get(
    "/roles/{role_id}/members",
    id="listRoleMembers",
    needs="roles.read, or having the role",
    errors=(RoleNotFound,),
)
async def list_members(tx: Tx, role_id: RoleId) -> wire.Members:
    """Everybody who has the role without limits."""
    await service.get_role(tx, role_id)
    return access.members_out((await service.members_of(tx, [role_id])).get(role_id))


@ops.put(
    "/roles/{role_id}/members",
    id="setRoleMembers",
    needs="roles.write, or owning the role",
    errors=(RoleNotFound, Forbidden, Escalation, LastAdministrator),
)
async def set_members(tx: Tx, role_id: RoleId, body: wire.SetMembers) -> wire.Members:
    """Make these people, and no others, have the role without limits."""
    await service.change_role(tx, role_id, RoleChange(), members=access.members_in(body))
    return access.members_out((await service.members_of(tx, [role_id])).get(role_id))
