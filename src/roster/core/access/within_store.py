"""SQL of the roles of organisations."""

from collections.abc import Sequence
from uuid import UUID

from roster.core.access.errors import RoleNotFound
from roster.core.access.models import Role, RoleDraft
from roster.core.access.store import ROLE_COLUMNS
from roster.kit.ids import OrgId, RoleId, UserId, uuid7
from roster.kit.text import fold
from roster.storage.tx import Tx

_REACHING = (
    " AND a.role_id = ANY($3::uuid[]) AND (a.org_id = $2 OR (a.contexts = '{}' AND a.role_id = ANY($4::uuid[])))"
)
"""Assignments of one of these roles, here, or of one that holds below in an organisation above."""


async def of_orgs(tx: Tx, org_ids: Sequence[OrgId]) -> list[Role]:
    return await tx.all(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND org_id = ANY($2) ORDER BY number",
        tx.realm_id,
        list(org_ids),
    )


async def find_numbered(tx: Tx, number: int) -> Role:
    return await tx.one(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND number = $2 AND org_id IS NOT NULL",
        tx.realm_id,
        number,
        missing=RoleNotFound,
    )


async def named(tx: Tx, org_id: OrgId, name: str) -> Role | None:
    return await tx.maybe(
        Role,
        "SELECT " + ROLE_COLUMNS + " FROM roles WHERE realm_id = $1 AND org_id = $2 AND name_key = $3",
        tx.realm_id,
        org_id,
        fold(name),
    )


async def give(tx: Tx, role_id: RoleId, user_id: UserId, org_id: OrgId, *, inherited: bool) -> bool:
    """Whether they did not have it before. A role of an organisation above is given for this one alone."""
    contexts = {"organisation": [str(org_id)]} if inherited else {}
    given = await tx.run(
        "INSERT INTO assignments (realm_id, id, role_id, user_id, org_id, contexts, created_at, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tx.realm_id,
        uuid7(),
        role_id,
        user_id,
        org_id,
        contexts,
        tx.now,
        tx.actor.user_id,
    )
    return given == 1


async def take(tx: Tx, role_id: RoleId, user_id: UserId, org_id: OrgId) -> bool:
    """Whether they had it."""
    taken = await tx.run(
        "DELETE FROM assignments WHERE realm_id = $1 AND role_id = $2 AND user_id = $3 AND org_id = $4",
        tx.realm_id,
        role_id,
        user_id,
        org_id,
    )
    return taken == 1


async def take_all(tx: Tx, user_id: UserId, org_id: OrgId, *, but: RoleId | None) -> None:
    await tx.run(
        "DELETE FROM assignments WHERE realm_id = $1 AND user_id = $2 AND org_id = $3 AND role_id IS DISTINCT FROM $4",
        tx.realm_id,
        user_id,
        org_id,
        but,
    )


async def held_in(tx: Tx, org_id: OrgId, user_ids: Sequence[UserId]) -> list[tuple[UserId, RoleId]]:
    rows = await tx.rows(
        "SELECT user_id, role_id FROM assignments WHERE realm_id = $1 AND user_id = ANY($2) AND org_id = $3"
        " ORDER BY id",
        tx.realm_id,
        list(user_ids),
        org_id,
    )
    return [(UserId(user_id), RoleId(role_id)) for user_id, role_id in rows]


async def holders(tx: Tx, org_id: OrgId, role_ids: Sequence[RoleId], inherited: Sequence[RoleId]) -> set[UserId]:
    rows = await tx.rows(
        "SELECT DISTINCT a.user_id FROM assignments a WHERE a.realm_id = $1" + _REACHING,
        tx.realm_id,
        org_id,
        list(role_ids),
        list(inherited),
    )
    return {UserId(user_id) for (user_id,) in rows}


async def has_active_holder(tx: Tx, org_id: OrgId, role_ids: Sequence[RoleId], inherited: Sequence[RoleId]) -> bool:
    """Whether an active member who may sign in has one of these roles here."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM assignments a"
        " JOIN memberships m ON m.realm_id = a.realm_id AND m.org_id = $2 AND m.user_id = a.user_id"
        " JOIN users u ON u.realm_id = a.realm_id AND u.id = a.user_id"
        " WHERE a.realm_id = $1 AND m.state = 'active' AND u.status = 'active' AND u.deleted_at IS NULL"
        + _REACHING
        + ")",
        tx.realm_id,
        org_id,
        list(role_ids),
        list(inherited),
    )


# roles that every organisation has


async def refresh(tx: Tx, draft: RoleDraft, kind: str) -> int:
    """Bring a built-in role of all organisations up to date; the number changed."""
    return await tx.run(
        "UPDATE roles SET description = $3, permissions = $4, version = version + 1, updated_at = $6,"
        " ceiling = jsonb_build_object($5::text, jsonb_build_array(org_id::text))"
        " WHERE realm_id = $1 AND org_id IS NOT NULL AND built_in AND name_key = $2"
        " AND (description, permissions) IS DISTINCT FROM ($3, $4)",
        tx.realm_id,
        fold(draft.name),
        draft.description,
        draft.permissions,
        kind,
        tx.now,
    )


async def lacking(tx: Tx, name: str, limit: int) -> list[OrgId]:
    """Organisations that have no role of this name."""
    rows = await tx.rows(
        "SELECT o.id FROM orgs o WHERE o.realm_id = $1 AND NOT EXISTS (SELECT FROM roles r WHERE r.realm_id = $1"
        " AND r.org_id = o.id AND r.name_key = $2) LIMIT $3",
        tx.realm_id,
        fold(name),
        limit,
    )
    return [OrgId(org_id) for (org_id,) in rows]


async def insert_for(tx: Tx, draft: RoleDraft, kind: str, org_ids: Sequence[OrgId]) -> None:
    """The same built-in role for each of these organisations, limited to it."""
    await tx.run(
        "INSERT INTO roles (realm_id, id, name, name_key, description, permissions, ceiling, built_in, created_at,"
        " created_by, updated_at, updated_by, org_id) SELECT $1, t.id, $2, $3, $4, $5,"
        " jsonb_build_object($6::text, jsonb_build_array(t.org_id::text)), true, $7, $8, $7, $8, t.org_id"
        " FROM unnest($9::uuid[], $10::uuid[]) AS t (id, org_id)",
        tx.realm_id,
        draft.name,
        fold(draft.name),
        draft.description,
        draft.permissions,
        kind,
        tx.now,
        tx.actor.user_id,
        _ids(len(org_ids)),
        list(org_ids),
    )


def _ids(count: int) -> list[UUID]:
    return [uuid7() for _ in range(count)]
