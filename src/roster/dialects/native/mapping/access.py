"""Roles, assignments, permissions."""

from collections.abc import Iterable

from msgspec import UNSET

from roster.core.access.models import Assignment, Members, Role, RoleChange, RoleDraft
from roster.dialects.native.mapping.base import instant
from roster.dialects.native.wire import access
from roster.kit.actor import Context, Grants
from roster.kit.ids import UserId


def role_out(role: Role) -> access.Role:
    """A role."""
    return access.Role(
        id=role.id,
        number=role.number,
        name=role.name,
        description=role.description,
        permissions=role.permissions,
        ceiling=role.ceiling,
        built_in=role.built_in,
        version=role.version,
        created_at=instant(role.created_at),
        created_by=role.created_by,
        updated_at=instant(role.updated_at),
        updated_by=role.updated_by,
    )


def role_draft(body: access.RoleCreate) -> RoleDraft:
    """A role to be made."""
    return RoleDraft(body.name, body.description, body.permissions, body.ceiling)


def role_change(body: access.RolePatch) -> RoleChange:
    """What the caller named."""
    return RoleChange(body.name, body.description, body.permissions, body.ceiling)


def members_out(members: Members | None) -> access.Members:
    """Who has a role; None is nobody."""
    if members is None:
        return access.Members(members=[], owners=[])
    return access.Members(members=sorted(members.members), owners=sorted(members.owners))


def members_in(body: access.SetMembers) -> Members:
    """Who shall have a role."""
    owners = frozenset(map(UserId, body.owners))
    return Members(frozenset(map(UserId, body.members)) | owners, owners)


def assignment_out(assignment: Assignment) -> access.Assignment:
    """A role that a person has."""
    return access.Assignment(
        id=assignment.id,
        role_id=assignment.role_id,
        role=assignment.role_name,
        user_id=assignment.user_id,
        is_owner=assignment.is_owner,
        contexts=_contexts_out(assignment.contexts),
        created_at=instant(assignment.created_at),
        created_by=assignment.created_by,
    )


def contexts_in(contexts: Iterable[access.Context]) -> list[Context]:
    """Places."""
    return [Context(each.kind, each.value) for each in contexts]


def _contexts_out(contexts: Iterable[Context]) -> list[access.Context]:
    return [access.Context(each.kind, each.value) for each in contexts]


def effective_out(grants: Grants, explained_by: Iterable[Assignment] | None) -> access.Effective:
    """What a person may do."""
    within = [
        access.Limited(permissions=sorted(what), contexts=_contexts_out(sorted(where))) for what, where in grants.within
    ]
    return access.Effective(
        everywhere=sorted(grants.everywhere),
        within=within,
        roles=list(grants.roles),
        explained_by=UNSET if explained_by is None else [assignment_out(each) for each in explained_by],
    )
