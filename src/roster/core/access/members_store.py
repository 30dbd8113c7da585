"""SQL of who has and who owns roles of the realm without limits."""

from collections.abc import Sequence

import msgspec

from roster.core.access.models import Members
from roster.kit.ids import RoleId, UserId, uuid7
from roster.storage.tx import Tx


async def members(tx: Tx, role_ids: Sequence[RoleId]) -> dict[RoleId, Members]:
    rows = await tx.rows(
        "SELECT a.role_id, array_agg(a.user_id ORDER BY a.user_id),"
        " coalesce(array_agg(a.user_id ORDER BY a.user_id) FILTER (WHERE a.is_owner), '{}')"
        " FROM assignments a JOIN users u ON u.realm_id = a.realm_id AND u.id = a.user_id AND u.deleted_at IS NULL"
        " WHERE a.realm_id = $1 AND a.role_id = ANY($2) AND a.contexts = '{}' AND a.org_id IS NULL GROUP BY a.role_id",
        tx.realm_id,
        list(role_ids),
    )
    return {RoleId(role): Members(frozenset(all_of), frozenset(owners)) for role, all_of, owners in rows}


async def set_members(tx: Tx, role_id: RoleId, joining: Sequence[UserId], leaving: Sequence[UserId]) -> None:
    await tx.run(
        "DELETE FROM assignments WHERE realm_id = $1 AND role_id = $2 AND user_id = ANY($3)"
        " AND contexts = '{}' AND org_id IS NULL",
        tx.realm_id,
        role_id,
        list(leaving),
    )
    await tx.run(
        "INSERT INTO assignments (realm_id, id, role_id, user_id, created_at, created_by)"
        " SELECT $1, t.id, $2, t.user_id, $5, $6 FROM unnest($3::uuid[], $4::uuid[]) AS t (id, user_id)"
        " ON CONFLICT DO NOTHING",
        tx.realm_id,
        role_id,
        [uuid7() for _ in joining],
        list(joining),
        tx.now,
        tx.actor.user_id,
    )


class Had(msgspec.Struct, frozen=True):
    """An assignment of a role, of somebody who is deleted too."""

    role_id: RoleId
    user_id: UserId
    is_owner: bool
    contexts: dict[str, list[str]]


async def everybody(tx: Tx, role_ids: Sequence[RoleId]) -> list[Had]:
    """Who has these roles, in the order in which they were given."""
    return await tx.all(
        Had,
        "SELECT role_id, user_id, is_owner, contexts FROM assignments"
        " WHERE realm_id = $1 AND role_id = ANY($2) AND org_id IS NULL ORDER BY id",
        tx.realm_id,
        list(role_ids),
    )


async def set_owners(tx: Tx, role_id: RoleId, owners: Sequence[UserId]) -> None:
    await tx.run(
        "UPDATE assignments SET is_owner = (user_id = ANY($3)) WHERE realm_id = $1 AND role_id = $2"
        " AND contexts = '{}' AND org_id IS NULL AND is_owner <> (user_id = ANY($3))",
        tx.realm_id,
        role_id,
        list(owners),
    )


async def is_owner(tx: Tx, role_id: RoleId, user_id: UserId) -> bool:
    """Whether the person owns the role everywhere; owning it in some places makes nobody master of the rest."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM assignments WHERE realm_id = $1 AND role_id = $2 AND user_id = $3 AND is_owner"
        " AND contexts = '{}' AND org_id IS NULL)",
        tx.realm_id,
        role_id,
        user_id,
    )
