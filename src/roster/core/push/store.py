"""SQL of registrations."""

from collections.abc import Sequence
from uuid import UUID

from roster.core.push.models import Registration
from roster.core.users.errors import UserNotFound
from roster.kit.ids import RealmId, UserId
from roster.storage.tx import Tx

_COLUMNS = "id, user_id, device, platform, created_at, seen_at"


async def touch(tx: Tx, user_id: UserId, mark: bytes, *, device: str, platform: str) -> Registration | None:
    """What the person has registered with this token already, seen now."""
    return await tx.maybe(
        Registration,
        "UPDATE push_registrations SET device = $4, platform = $5, seen_at = $6"
        " WHERE realm_id = $1 AND user_id = $2 AND mark = $3 RETURNING " + _COLUMNS,
        tx.realm_id,
        user_id,
        mark,
        device,
        platform,
        tx.now,
    )


async def insert(
    tx: Tx, registration_id: UUID, user_id: UserId, *, mark: bytes, sealed: bytes, device: str, platform: str
) -> Registration:
    """Raises UserNotFound. Of two who register a token at the same moment the later one has it."""
    return await tx.one(
        Registration,
        "INSERT INTO push_registrations AS r (realm_id, id, user_id, mark, sealed, device, platform, created_at,"
        " seen_at)"
        " SELECT $1, $2, u.id, $4, $5, $6, $7, $8, $8 FROM users u"
        " WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL"
        " ON CONFLICT (realm_id, mark) DO UPDATE SET id = excluded.id, user_id = excluded.user_id,"
        " sealed = excluded.sealed, device = excluded.device, platform = excluded.platform,"
        " created_at = excluded.created_at, seen_at = excluded.seen_at RETURNING " + _COLUMNS,
        tx.realm_id,
        registration_id,
        user_id,
        mark,
        sealed,
        device,
        platform,
        tx.now,
        missing=UserNotFound,
    )


async def list_of(tx: Tx, user_id: UserId) -> list[Registration]:
    return await tx.all(
        Registration,
        "SELECT " + _COLUMNS + " FROM push_registrations WHERE realm_id = $1 AND user_id = $2"
        " ORDER BY seen_at DESC, id DESC",
        tx.realm_id,
        user_id,
    )


async def reached(tx: Tx, user_ids: Sequence[UserId]) -> list[tuple[UUID, UserId]]:
    """Devices of those of these people who are active, with their owners."""
    rows = await tx.rows(
        "SELECT r.id, r.user_id FROM push_registrations r JOIN users u ON u.realm_id = r.realm_id AND u.id = r.user_id"
        " WHERE r.realm_id = $1 AND r.user_id = ANY($2) AND u.status = 'active' AND u.deleted_at IS NULL ORDER BY r.id",
        tx.realm_id,
        list(user_ids),
    )
    return [(registration_id, UserId(user_id)) for registration_id, user_id in rows]


async def sealed(tx: Tx, realm_id: RealmId, registration_id: UUID) -> bytes | None:
    return await tx.value(
        "SELECT sealed FROM push_registrations WHERE realm_id = $1 AND id = $2", realm_id, registration_id
    )


async def delete(tx: Tx, realm_id: RealmId, registration_id: UUID) -> None:
    await tx.run("DELETE FROM push_registrations WHERE realm_id = $1 AND id = $2", realm_id, registration_id)


async def delete_marked(tx: Tx, mark: bytes) -> int:
    return await tx.run("DELETE FROM push_registrations WHERE realm_id = $1 AND mark = $2", tx.realm_id, mark)


async def delete_of(tx: Tx, user_id: UserId) -> int:
    return await tx.run("DELETE FROM push_registrations WHERE realm_id = $1 AND user_id = $2", tx.realm_id, user_id)


async def delete_others(tx: Tx, user_id: UserId, device: str, keep: UUID) -> None:
    """What the same device of the same person was registered with before."""
    await tx.run(
        "DELETE FROM push_registrations WHERE realm_id = $1 AND user_id = $2 AND device = $3 AND id <> $4",
        tx.realm_id,
        user_id,
        device,
        keep,
    )


async def make_room(tx: Tx, user_id: UserId, most: int) -> None:
    await tx.run(
        "DELETE FROM push_registrations WHERE realm_id = $1 AND id IN (SELECT id FROM push_registrations"
        " WHERE realm_id = $1 AND user_id = $2 ORDER BY seen_at DESC, id DESC OFFSET $3)",
        tx.realm_id,
        user_id,
        most,
    )
