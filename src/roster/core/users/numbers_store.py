"""SQL of people by number."""

from collections.abc import Iterable
from uuid import UUID

from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.core.users.store import COLUMNS
from roster.kit.ids import UserId
from roster.storage.tx import Tx

UPDATED_BY = "(SELECT u.number FROM users u WHERE u.realm_id = users.realm_id AND u.id = users.updated_by)"
ROLE_NUMBERS = (
    "(SELECT coalesce(array_agg(r.number::text), '{}') FROM assignments a"
    " JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
    " WHERE a.realm_id = users.realm_id AND a.user_id = users.id AND a.contexts = '{}' AND a.org_id IS NULL"
    " AND NOT r.built_in)"
)
LABEL_NUMBERS = (
    "(SELECT coalesce(array_agg(l.number::text), '{}') FROM label_attachments a"
    " JOIN labels l ON l.realm_id = a.realm_id AND l.id = a.label_id AND l.deleted_at IS NULL"
    " WHERE a.realm_id = users.realm_id AND a.subject_id = users.id)"
)
"""Numbers of what belongs to a person by other tables, to be searched by."""


async def find(tx: Tx, number: int) -> User:
    """Deleted people too, erased ones not."""
    return await tx.one(
        User,
        "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND number = $2 AND erased_at IS NULL",
        tx.realm_id,
        number,
        missing=UserNotFound,
    )


async def numbers(tx: Tx, user_ids: Iterable[UUID]) -> dict[UUID, int]:
    rows = await tx.rows(
        "SELECT id, number FROM users WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(user_ids)
    )
    return {row[0]: row[1] for row in rows}


async def ids(tx: Tx, numbers: Iterable[int]) -> dict[int, UserId]:
    """Deleted people are left out."""
    rows = await tx.rows(
        "SELECT number, id FROM users WHERE realm_id = $1 AND number = ANY($2) AND deleted_at IS NULL",
        tx.realm_id,
        list(numbers),
    )
    return {number: UserId(user_id) for number, user_id in rows}
