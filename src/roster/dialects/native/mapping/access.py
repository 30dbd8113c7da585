"""Roles, assignments, permissions."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UNSET

from roster.core.access import contexts as _contexts
from roster.core.access.models import Assignment, Members, MembersChange, Reason, Role, RoleChange, RoleDraft
from roster.core.access.vocabulary import Key, Vocabulary
from roster.dialects.native.mapping.base import instant
from roster.dialects.native.wire import access
from roster.kit.actor import Grants
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
        requires=role.requires,
        built_in=role.built_in,
        version=role.version,
        created_at=instant(role.created_at),
        created_by=role.created_by,
        updated_at=instant(role.updated_at),
        updated_by=role.updated_by,
    )


def role_draft(body: access.RoleCreate) -> RoleDraft:
    """A role to be made."""
    return RoleDraft(body.name, body.description, body.permissions, body.ceiling, body.requires)


def role_change(body: access.RolePatch) -> RoleChange:
    """What the caller named."""
    return RoleChange(body.name, body.description, body.permissions, body.ceiling, body.requires)


def members_out(members: Members | None) -> access.Members:
    """Who has a role; None is nobody."""
    if members is None:
        return access.Members(members=[], owners=[])
    return access.Members(members=sorted(members.members), owners=sorted(members.owners))


def members_in(body: access.SetMembers) -> MembersChange:
    """Who shall have a role."""
    return MembersChange(frozenset(map(UserId, body.members)), frozenset(map(UserId, body.owners)))


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


def contexts_in(contexts: Iterable[access.Context]) -> dict[str, list[str]]:
    """Places."""
    return _contexts.of_pairs((each.kind, each.value) for each in contexts)


def _contexts_out(contexts: Mapping[str, Iterable[str]]) -> list[access.Context]:
    listed = {kind: list(values) for kind, values in contexts.items()}
    return [access.Context(kind, value) for kind, value in _contexts.pairs(listed)]


def key_out(name: str, key: Key) -> access.Permission:
    """A permission key of another front door."""
    return access.Permission(
        key=name,
        description=" · ".join(filter(None, (key.group, key.subgroup, key.operation))) or key.name,
        group=key.group or UNSET,
        subgroup=key.subgroup or UNSET,
        operation=key.operation or UNSET,
        means=list(key.means),
    )


def reason_out(reason: Reason) -> access.Reason:
    """What one assignment has to do with a permission."""
    return access.Reason(
        **msgspec.structs.asdict(assignment_out(reason.assignment)),
        gives=reason.gives,
        limits=None if reason.limits is None else _contexts_out(reason.limits),
        withheld=_contexts_out(reason.withheld),
    )


def effective_out(grants: Grants, known: Vocabulary, explained_by: Iterable[Reason] | None) -> access.Effective:
    """What a person may do."""
    within = [
        access.Limited(permissions=known.directory(scope.permissions), contexts=_contexts_out(dict(scope.limits)))
        for scope in grants.within
    ]
    return access.Effective(
        everywhere=known.directory(grants.everywhere),
        within=within,
        roles=list(grants.roles),
        explained_by=UNSET if explained_by is None else [reason_out(each) for each in explained_by],
    )
