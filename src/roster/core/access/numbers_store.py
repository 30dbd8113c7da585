"""SQL of roles by number."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from roster.kit.ids import UserId
from roster.storage.tx import Tx

Given = tuple[int, str, bool]


async def given(tx: Tx, user_ids: Sequence[UserId]) -> dict[UUID, list[Given]]:
    rows = await tx.rows(
        "SELECT DISTINCT a.user_id, r.number, r.name, r.built_in FROM assignments a"
        " JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
        " WHERE a.realm_id = $1 AND a.user_id = ANY($2) AND a.contexts = '{}' AND a.org_id IS NULL ORDER BY r.number",
        tx.realm_id,
        list(user_ids),
    )
    found: dict[UUID, list[Given]] = {}
    for user_id, *role in rows:
        found.setdefault(user_id, []).append((role[0], role[1], role[2]))
    return found


async def by_id(tx: Tx, role_ids: Iterable[UUID]) -> list[Given]:
    rows = await tx.rows(
        "SELECT number, name, built_in FROM roles WHERE realm_id = $1 AND id = ANY($2) ORDER BY number",
        tx.realm_id,
        list(role_ids),
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def names(tx: Tx, numbers: Sequence[int]) -> dict[int, str]:
    rows = await tx.rows(
        "SELECT number, name FROM roles WHERE realm_id = $1 AND number = ANY($2::bigint[]) AND org_id IS NULL"
        " AND NOT built_in",
        tx.realm_id,
        list(numbers),
    )
    return {row[0]: row[1] for row in rows}
