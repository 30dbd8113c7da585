"""Members of organisations, and the roles they have there."""

from typing import Final

from roster.core.access.errors import AssignmentNotFound, Escalation, LastOrgAdministrator, RoleNotFound
from roster.core.memberships import roles, service
from roster.core.memberships.errors import AlreadyMember, NotAMember
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound, OwnersOnly, SecondFactorRequired
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base
from roster.dialects.native.mapping import organisations as mapping
from roster.dialects.native.wire import organisations as wire
from roster.dialects.native.wire.base import Listing, SearchQuery
from roster.kit.errors import Forbidden, NotFound
from roster.kit.filters import InvalidFilter
from roster.kit.ids import OrgId, RoleId, UserId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Members")
_ROLE: Final = "/organisations/{org_id}/members/{user_id}/roles/{role_id}"


@ops.get(
    "/organisations/{org_id}/members",
    id="listMembers",
    needs="members.read in the organisation",
    errors=(OrgNotFound, Forbidden, InvalidFilter, InvalidCursor),
)
async def list_members(tx: Tx, org_id: OrgId, query: SearchQuery) -> Listing[wire.Member]:
    """Members in the order in which they came, unless sorted otherwise; pending ones too."""
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where, sorts = queries.parse_filter(query.filter), queries.parse_sort(query.sort)
    return base.listing(await service.search(tx, org_id, where, sorts, page), mapping.member_out)


@ops.post(
    "/organisations/{org_id}/members",
    id="addMember",
    status=201,
    needs="members.write in the organisation and users.write over the person; for roles roles.assign there",
    errors=(
        *(OrgNotFound, Forbidden, NotFound, AlreadyMember, SecondFactorRequired),
        *(RoleNotFound, Escalation, OwnersOnly),
    ),
    returns=wire.Membership,
)
async def add_member(tx: Tx, org_id: OrgId, request: Request, body: wire.MemberAdd) -> Reply:
    """Make a person a member without asking them. Whoever may not change people invites them instead."""
    wanted = [RoleId(each) for each in body.roles]
    made = await service.add(tx, org_id, UserId(body.user_id), roles=wanted)
    location = f"{request.prefix}/organisations/{org_id}/members/{made.user_id}"
    return Reply(201, mapping.membership_out(made), (("Location", location),))


@ops.get(
    "/organisations/{org_id}/members/{user_id}",
    id="getMember",
    needs="members.read in the organisation, or being that person",
    errors=(OrgNotFound, Forbidden, NotAMember),
)
async def get_member(tx: Tx, org_id: OrgId, user_id: UserId) -> wire.Membership:
    """One membership."""
    return mapping.membership_out(await service.get(tx, org_id, user_id))


@ops.patch(
    "/organisations/{org_id}/members/{user_id}",
    id="patchMember",
    needs="members.write in the organisation",
    errors=(OrgNotFound, Forbidden, NotAMember),
    consumes=("application/json", "application/merge-patch+json"),
)
async def patch_member(tx: Tx, org_id: OrgId, user_id: UserId, body: wire.MemberPatch) -> wire.Membership:
    """Change what the organisation says about a member."""
    return mapping.membership_out(await service.change(tx, org_id, user_id, mapping.membership_change(body)))


@ops.delete(
    "/organisations/{org_id}/members/{user_id}",
    id="removeMember",
    status=204,
    needs="members.write in the organisation, or being that person, who leaves",
    errors=(OrgNotFound, Forbidden, NotAMember, LastOrgAdministrator),
)
async def remove_member(tx: Tx, org_id: OrgId, user_id: UserId) -> None:
    """Leave, or remove a member: roles in the organisation go too. Its last administrator stays."""
    await service.remove(tx, org_id, user_id)


@ops.get(
    "/organisations/{org_id}/members/{user_id}/roles",
    id="listMemberRoles",
    needs="members.read in the organisation, or being that person",
    errors=(OrgNotFound, Forbidden, NotAMember),
)
async def list_member_roles(tx: Tx, org_id: OrgId, user_id: UserId) -> Listing[wire.OrgRole]:
    """The roles that a member has in the organisation; of a pending one, those they will have."""
    member = await service.get(tx, org_id, user_id)
    org = await orgs.known_to_member(tx, org_id, user_id)
    return mapping.roles_out((await roles.of_members(tx, org, [member]))[user_id])


@ops.put(
    _ROLE,
    id="assignMemberRole",
    status=204,
    needs="roles.assign in the organisation, and all that the role gives there",
    errors=(OrgNotFound, Forbidden, NotAMember, RoleNotFound, Escalation, OwnersOnly),
)
async def assign_role(tx: Tx, org_id: OrgId, user_id: UserId, role_id: RoleId) -> None:
    """Give a member a role: one of the organisation, or an inheritable one of those above it for this one alone."""
    await roles.assign(tx, org_id, role_id, user_id)


@ops.delete(
    _ROLE,
    id="unassignMemberRole",
    status=204,
    needs="roles.assign in the organisation, and all that the role gives there",
    errors=(
        *(OrgNotFound, Forbidden, NotAMember, RoleNotFound, AssignmentNotFound),
        *(Escalation, OwnersOnly, LastOrgAdministrator),
    ),
)
async def unassign_role(tx: Tx, org_id: OrgId, user_id: UserId, role_id: RoleId) -> None:
    """Take a role from a member."""
    await roles.unassign(tx, org_id, role_id, user_id)
