"""SQL of personal numbers."""

from roster.core.users import store
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit.ids import UserId
from roster.storage.tx import Tx

_FEW = 20


async def with_number(tx: Tx, number: str, tie: bytes) -> list[tuple[UserId, bool]]:
    """People, not deleted, with these digits, and whether a tie to the number is theirs."""
    rows = await tx.rows(
        "SELECT u.id, EXISTS (SELECT FROM credentials c WHERE c.realm_id = u.realm_id AND c.user_id = u.id"
        " AND c.kind = 'bankid' AND c.lookup = $3) FROM users u WHERE u.realm_id = $1 AND u.personal_number IS NOT NULL"
        " AND regexp_replace(u.personal_number, '[^0-9]', '', 'g') = $2 AND u.deleted_at IS NULL"
        " ORDER BY u.id LIMIT $4",
        tx.realm_id,
        number,
        tie,
        _FEW,
    )
    return [(UserId(user_id), is_tied) for user_id, is_tied in rows]


async def find(tx: Tx, user_id: UserId) -> User | None:
    try:
        return await store.find(tx, user_id)
    except UserNotFound:
        return None


async def lock(tx: Tx, user_id: UserId) -> User:
    """Raises UserNotFound, also for deleted people."""
    found = await store.lock(tx, user_id)
    if found.deleted_at is not None:
        raise UserNotFound
    return found


async def set_number(tx: Tx, user_id: UserId, number: str) -> None:
    await tx.run(
        "UPDATE users SET personal_number = $3, version = version + 1, updated_at = $4, updated_by = $5,"
        " updated_from = $6 WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        user_id,
        number,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
    )
