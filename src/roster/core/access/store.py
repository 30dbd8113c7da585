"""SQL of roles, assignments and permission lists."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access.errors import AssignmentExists, AssignmentNotFound, RoleNameTaken, RoleNotFound
from roster.core.access.models import Assignment, Role, RoleDraft
from roster.kit import ids
from roster.kit.filters import Fields, Filter
from roster.kit.ids import AssignmentId, OrgId, RoleId, UserId, uuid7
from roster.kit.text import fold
from roster.storage import sql
from roster.storage.sql import Listing
from roster.storage.tx import Tx

ROLE_COLUMNS = (
    "id, number, name, display_name, description, permissions, ceiling, requires, built_in, facets, version,"
    " created_at, created_by, updated_at, updated_by, org_id"
)
"""Statements here are about roles of the realm, without those of organisations, unless they say otherwise."""
_ASSIGNMENT = "a.id, a.role_id, r.name, a.user_id, a.is_owner, a.contexts, a.created_at, a.created_by"
ROLES = Listing(columns=ROLE_COLUMNS, tables="roles", condition="realm_id = $1 AND org_id IS NULL")
OWN_ROLES = Listing(
    columns=ROLE_COLUMNS,
    tables="roles",
    condition="realm_id = $1 AND org_id IS NULL AND (name = ANY($2) OR id = ANY($3::uuid[]))",
)
SOME_ROLES = Listing(
    columns=ROLE_COLUMNS,
    tables="roles",
    condition="realm_id = $1 AND org_id IS NULL AND (name = ANY($2) OR id <> ALL($3::uuid[]))",
)
MEMBERS = (
    "(SELECT coalesce(array_agg(a.user_id::text), '{}') FROM assignments a WHERE a.realm_id = roles.realm_id"
    " AND a.role_id = roles.id AND a.contexts = '{}' AND a.org_id IS NULL)"
)
OWNERS = (
    "(SELECT coalesce(array_agg(a.user_id::text), '{}') FROM assignments a WHERE a.realm_id = roles.realm_id"
    " AND a.role_id = roles.id AND a.contexts = '{}' AND a.org_id IS NULL AND a.is_owner)"
)
"""Who has a role, as lists that can be searched by."""
_TAKEN: Final = {"roles_name_key": RoleNameTaken, "roles_org_name_key": RoleNameTaken}
_JOINED = " FROM assignments a JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id "


class Held(msgspec.Struct, frozen=True):
    """A role as one person has it, with the organisation whose role it is."""

    role_name: str
    permissions: list[str]
    ceiling: dict[str, list[str]]
    contexts: dict[str, list[str]]
    org_id: UUID | None = None


async def held_by(tx: Tx, user_id: UserId) -> list[Held]:
    """All, those of organisations too."""
    return await tx.all(
        Held,
        "SELECT r.name, r.permissions, r.ceiling, a.contexts, r.org_id"
        + _JOINED
        + "WHERE a.realm_id = $1 AND a.user_id = $2"
        " ORDER BY a.id",
        tx.realm_id,
        user_id,
    )


async def find(tx: Tx, role_id: RoleId) -> Role:
    return await tx.one(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND id = $2 AND org_id IS NULL",
        tx.realm_id,
        role_id,
        missing=RoleNotFound,
    )


async def look_up(tx: Tx, identifier: str) -> Role | None:
    role_id = ids.parse(identifier)
    if role_id is None:
        return await look_up_by_name(tx, identifier)
    return await tx.maybe(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND id = $2 AND org_id IS NULL",
        tx.realm_id,
        role_id,
    )


async def lock(tx: Tx, role_id: RoleId) -> Role:
    return await tx.one(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND id = $2 AND org_id IS NULL FOR UPDATE",
        tx.realm_id,
        role_id,
        missing=RoleNotFound,
    )


async def look_up_by_name(tx: Tx, name: str) -> Role | None:
    return await tx.maybe(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND name_key = $2 AND org_id IS NULL",
        tx.realm_id,
        fold(name),
    )


async def named(tx: Tx, names: Sequence[str]) -> list[Role]:
    keys = [fold(name) for name in names]
    return await tx.all(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND name_key = ANY($2) AND org_id IS NULL",
        tx.realm_id,
        keys,
    )


async def with_ids(tx: Tx, role_ids: Sequence[RoleId]) -> list[Role]:
    """Those of organisations too."""
    return await tx.all(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND id = ANY($2)",
        tx.realm_id,
        list(set(role_ids)),
    )


async def versions_of(tx: Tx, user_id: UserId) -> tuple[int, int] | None:
    """The access versions of a person who is not deleted, and of the realm."""
    rows = await tx.rows(
        "SELECT u.access_version, r.access_version FROM users u JOIN realms r ON r.id = u.realm_id"
        " WHERE u.realm_id = $1 AND u.id = $2 AND u.deleted_at IS NULL",
        tx.realm_id,
        user_id,
    )
    return next(((person, realm) for person, realm in rows), None)


async def lock_person(tx: Tx, user_id: UserId) -> bool:
    """Whether there is such a person, whose assignments nobody else replaces until the end of the transaction."""
    rows = await tx.rows(
        "SELECT id FROM users WHERE realm_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        tx.realm_id,
        user_id,
    )
    return bool(rows)


async def raise_versions(tx: Tx, user_ids: Sequence[UserId]) -> list[UserId]:
    """Those of these people whom this unit of work had neither made nor changed; they have a new version now."""
    rows = await tx.rows(
        "UPDATE users SET version = version + 1, updated_at = $3, updated_by = $4, updated_from = $5"
        " WHERE realm_id = $1 AND id = ANY($2) AND updated_at <> $3 RETURNING id",
        tx.realm_id,
        list(user_ids),
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
    )
    return [UserId(user_id) for (user_id,) in rows]


async def is_new(tx: Tx, user_id: UserId) -> bool:
    """Whether the actor has made this person in this very unit of work."""
    return tx.actor.user_id is not None and await tx.value(
        "SELECT EXISTS (SELECT FROM users WHERE realm_id = $1 AND id = $2 AND created_by = $3 AND created_at = $4)",
        tx.realm_id,
        user_id,
        tx.actor.user_id,
        tx.now,
    )


async def insert(tx: Tx, draft: RoleDraft, *, built_in: bool, org_id: OrgId | None = None) -> Role:
    """Of the realm, or of an organisation."""
    return await tx.one(
        Role,
        "INSERT INTO roles (realm_id, id, name, name_key, description, permissions, ceiling, requires, built_in,"
        " created_at, created_by, updated_at, updated_by, display_name, display_name_key, facets, org_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $11, $12, $13, $14, $15) RETURNING "
        + ROLE_COLUMNS,
        tx.realm_id,
        uuid7(),
        draft.name,
        fold(draft.name),
        draft.description,
        draft.permissions,
        draft.ceiling,
        draft.requires,
        built_in,
        tx.now,
        tx.actor.user_id,
        draft.display_name,
        fold(draft.display_name),
        draft.facets,
        org_id,
        missing=RoleNotFound,
        conflicts=_TAKEN,
    )


async def update(tx: Tx, role: Role) -> Role:
    """Of the realm or of an organisation."""
    return await tx.one(
        Role,
        "UPDATE roles SET name = $3, name_key = $4, description = $5, permissions = $6, ceiling = $7, requires = $8,"
        " facets = $9, version = version + 1, updated_at = $10, updated_by = $11, display_name = $12,"
        " display_name_key = $13"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + ROLE_COLUMNS,
        tx.realm_id,
        role.id,
        role.name,
        fold(role.name),
        role.description,
        role.permissions,
        role.ceiling,
        role.requires,
        role.facets,
        tx.now,
        tx.actor.user_id,
        role.display_name,
        fold(role.display_name),
        missing=RoleNotFound,
        conflicts=_TAKEN,
    )


async def lock_some(tx: Tx, where: Filter, fields: Fields) -> list[Role]:
    """Roles that match a checked filter, but neither built-in ones nor such as give everything."""
    condition, values = sql.compile_where(where, fields, 2, realm_id=tx.realm_id)
    return await tx.all(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND org_id IS NULL AND NOT built_in"
        " AND NOT '*' = ANY(permissions) AND " + condition + " ORDER BY id FOR UPDATE",
        tx.realm_id,
        *values,
    )


async def delete_many(tx: Tx, role_ids: Sequence[RoleId]) -> None:
    await tx.run("DELETE FROM roles WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(role_ids))


async def is_used(tx: Tx, role_id: RoleId) -> bool:
    """Whether anybody has the role; people who are deleted and can be restored do not count."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM assignments a JOIN users u ON u.realm_id = a.realm_id AND u.id = a.user_id"
        " WHERE a.realm_id = $1 AND a.role_id = $2 AND u.deleted_at IS NULL)",
        tx.realm_id,
        role_id,
    )


async def delete(tx: Tx, role_id: RoleId) -> None:
    await tx.run("DELETE FROM roles WHERE realm_id = $1 AND id = $2", tx.realm_id, role_id)


async def lock_realm(tx: Tx) -> None:
    """One server at a time; sign-ins and people do not wait for it."""
    await tx.run("SELECT FROM realms WHERE id = $1 FOR NO KEY UPDATE", tx.realm_id)


async def void_realm_grants(tx: Tx) -> None:
    """A role or a list changed: whatever any worker remembers about this realm's grants is out of date."""
    await tx.run("UPDATE realms SET access_version = access_version + 1 WHERE id = $1", tx.realm_id)


async def assignments(tx: Tx, user_id: UserId, *, of_organisations: bool = False) -> list[Assignment]:
    return await tx.all(
        Assignment,
        "SELECT " + _ASSIGNMENT + _JOINED + "WHERE a.realm_id = $1 AND a.user_id = $2 AND ($3 OR a.org_id IS NULL)"
        " ORDER BY a.id",
        tx.realm_id,
        user_id,
        of_organisations,
    )


async def assignment(tx: Tx, assignment_id: AssignmentId) -> Assignment:
    return await tx.one(
        Assignment,
        "SELECT " + _ASSIGNMENT + _JOINED + "WHERE a.realm_id = $1 AND a.id = $2 AND a.org_id IS NULL",
        tx.realm_id,
        assignment_id,
        missing=AssignmentNotFound,
    )


async def role_names(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[str]]:
    rows = await tx.rows(
        "SELECT a.user_id, array_agg(DISTINCT r.name ORDER BY r.name)" + _JOINED + "WHERE a.realm_id = $1"
        " AND a.user_id = ANY($2) AND a.contexts = '{}' AND a.org_id IS NULL GROUP BY a.user_id",
        tx.realm_id,
        list(user_ids),
    )
    return {UserId(user_id): names for user_id, names in rows}


async def assign(
    tx: Tx, role_id: RoleId, user_id: UserId, contexts: Mapping[str, Sequence[str]], *, is_owner: bool
) -> AssignmentId:
    """The contexts are in normal form."""
    return await tx.value(
        "INSERT INTO assignments (realm_id, id, role_id, user_id, is_owner, contexts, created_at, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        tx.realm_id,
        uuid7(),
        role_id,
        user_id,
        is_owner,
        contexts,
        tx.now,
        tx.actor.user_id,
        conflicts={"assignments_once": AssignmentExists, "assignments_role": RoleNotFound},
    )


async def widen(tx: Tx, assignment_id: AssignmentId, contexts: Mapping[str, Sequence[str]]) -> bool:
    """Whether the assignment has these contexts now; not when the person has the role there already."""
    updated = await tx.rows(
        "UPDATE assignments a SET contexts = $3 WHERE realm_id = $1 AND id = $2 AND NOT EXISTS ("
        "SELECT FROM assignments b WHERE b.realm_id = $1 AND b.user_id = a.user_id AND b.role_id = a.role_id"
        " AND b.org_id IS NOT DISTINCT FROM a.org_id AND b.contexts = $3) RETURNING id",
        tx.realm_id,
        assignment_id,
        contexts,
    )
    return bool(updated)


async def unassign(tx: Tx, assignment_id: AssignmentId) -> None:
    await tx.run("DELETE FROM assignments WHERE realm_id = $1 AND id = $2", tx.realm_id, assignment_id)


async def known_people(tx: Tx, user_ids: Sequence[UserId]) -> set[UserId]:
    rows = await tx.rows(
        "SELECT id FROM users WHERE realm_id = $1 AND id = ANY($2) AND deleted_at IS NULL", tx.realm_id, list(user_ids)
    )
    return {UserId(user_id) for (user_id,) in rows}


async def has_password(tx: Tx, user_id: UserId) -> bool:
    return await tx.value(
        "SELECT EXISTS (SELECT FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'password')",
        tx.realm_id,
        user_id,
    )


async def administrators(tx: Tx, *, without_role: RoleId | None = None) -> set[UserId]:
    """Active people with everything everywhere, also without this role.

    Their roles are locked so that two leavers cannot pass each other.
    """
    await tx.rows(
        "SELECT id FROM roles WHERE realm_id = $1 AND '*' = ANY(permissions) ORDER BY id FOR UPDATE", tx.realm_id
    )
    rows = await tx.rows(
        "SELECT DISTINCT a.user_id" + _JOINED + "JOIN users u ON u.realm_id = a.realm_id AND u.id = a.user_id"
        " WHERE a.realm_id = $1 AND '*' = ANY(r.permissions) AND r.ceiling = '{}' AND a.contexts = '{}'"
        " AND a.org_id IS NULL AND r.id IS DISTINCT FROM $2 AND u.status = 'active' AND u.deleted_at IS NULL",
        tx.realm_id,
        without_role,
    )
    return {UserId(user_id) for (user_id,) in rows}
