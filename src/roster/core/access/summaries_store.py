"""SQL of what many people have at a glance."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from roster.kit.ids import UserId
from roster.storage.tx import Tx


class Row(msgspec.Struct, frozen=True):
    """A role of a person."""

    user_id: UUID
    role: str
    ceiling: dict[str, list[str]]
    contexts: dict[str, list[str]]


async def unlimited_of(tx: Tx, user_ids: Sequence[UserId]) -> list[tuple[UUID, str]]:
    """People and the names of their roles that are not limited by the assignment, in the order in which given."""
    return await tx.rows(
        "SELECT a.user_id, r.name FROM assignments a JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
        " WHERE a.realm_id = $1 AND a.user_id = ANY($2) AND a.org_id IS NULL AND a.contexts = '{}'"
        " ORDER BY a.created_at, a.id",
        tx.realm_id,
        list(user_ids),
    )


async def held_by(tx: Tx, user_ids: Sequence[UserId]) -> list[Row]:
    """Bounded by the number of people, who have few roles each."""
    return await tx.all(
        Row,
        "SELECT a.user_id, r.name, r.ceiling, a.contexts FROM assignments a"
        " JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
        " WHERE a.realm_id = $1 AND a.user_id = ANY($2) AND a.org_id IS NULL ORDER BY a.created_at, a.id",
        tx.realm_id,
        list(user_ids),
    )
