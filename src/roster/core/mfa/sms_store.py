"""SQL of numbers for text messages, which are rows of the table of credentials, and of the codes sent to them."""

from collections.abc import Sequence
from datetime import datetime

from roster.core.mfa.models import SentCode, StoredNumber
from roster.core.users.errors import UserNotFound
from roster.kit.ids import CredentialId, UserId, uuid7
from roster.storage.trimming import trim
from roster.storage.tx import Tx

# A code that was sent a minute later than now was sent while a clock was ahead: it would be good for too long.
_GOOD = "expires_at > $5 AND created_at <= $5::timestamptz + interval '1 minute'"


async def look_up(tx: Tx, user_id: UserId) -> StoredNumber | None:
    return await tx.maybe(
        StoredNumber,
        "SELECT id, sealed FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'sms' AND state = 'active'",
        tx.realm_id,
        user_id,
    )


async def kinds(tx: Tx, user_ids: Sequence[UserId], wanted: Sequence[str]) -> list[tuple[UserId, str]]:
    """Who has which of these, in this order."""
    rows = await tx.rows(
        "SELECT user_id, kind FROM credentials WHERE realm_id = $1 AND user_id = ANY($2) AND kind = ANY($3)"
        " AND state = 'active' ORDER BY array_position($3::text[], kind)",
        tx.realm_id,
        list(user_ids),
        list(wanted),
    )
    return [(UserId(user_id), kind) for user_id, kind in rows]


async def put(tx: Tx, user_id: UserId, sealed: bytes) -> None:
    """Set or replace the number."""
    made = await tx.run(
        "INSERT INTO credentials AS c (realm_id, id, user_id, kind, sealed, created_at, created_by, updated_at)"
        " SELECT $1, $2, u.id, 'sms', $4, $5, $6, $5 FROM users u"
        " WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL"
        " ON CONFLICT (realm_id, user_id) WHERE kind = 'sms' DO UPDATE SET sealed = excluded.sealed,"
        " version = c.version + 1, updated_at = excluded.updated_at",
        tx.realm_id,
        CredentialId(uuid7()),
        user_id,
        sealed,
        tx.now,
        tx.actor.user_id,
    )
    if not made:
        raise UserNotFound


async def delete(tx: Tx, user_id: UserId) -> bool:
    return bool(
        await tx.run(
            "DELETE FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'sms'", tx.realm_id, user_id
        )
    )


async def replace_code(
    tx: Tx,
    user_id: UserId,
    purpose: str,
    *,
    mac: bytes,
    sealed: bytes | None,
    expires_at: datetime,
    sent_before: datetime,
) -> bool:
    """False when the last code was sent after that moment; it stays good then."""
    return bool(
        await tx.run(
            "INSERT INTO sms_codes AS c (realm_id, user_id, purpose, mac, sealed, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (realm_id, user_id, purpose) DO UPDATE"
            " SET mac = excluded.mac, sealed = excluded.sealed, attempts = 0, created_at = excluded.created_at,"
            " expires_at = excluded.expires_at WHERE c.created_at <= $8"
            " OR c.created_at > $6::timestamptz + interval '1 minute'",
            tx.realm_id,
            user_id,
            purpose,
            mac,
            sealed,
            tx.now,
            expires_at,
            sent_before,
        )
    )


async def count_guess(tx: Tx, user_id: UserId, purpose: str, most: int) -> bool:
    return bool(
        await tx.run(
            "UPDATE sms_codes SET attempts = attempts + 1 WHERE realm_id = $1 AND user_id = $2 AND purpose = $3"
            " AND attempts < $4 AND " + _GOOD,
            tx.realm_id,
            user_id,
            purpose,
            most,
            tx.now,
        )
    )


async def spend(tx: Tx, user_id: UserId, purpose: str, mac: bytes) -> SentCode | None:
    """Use a code up; None when it is another one, too old, or was used by somebody at the same moment.

    From then on it has expired, whatever time it is for those who come at the same moment.
    """
    return await tx.maybe(
        SentCode,
        "UPDATE sms_codes SET expires_at = '-infinity' WHERE realm_id = $1 AND user_id = $2 AND purpose = $3"
        " AND mac = $4 AND " + _GOOD + " RETURNING purpose, sealed",
        tx.realm_id,
        user_id,
        purpose,
        mac,
        tx.now,
    )


async def drop_codes(tx: Tx, user_id: UserId) -> None:
    await tx.run("DELETE FROM sms_codes WHERE realm_id = $1 AND user_id = $2", tx.realm_id, user_id)


async def sweep(tx: Tx, before: datetime) -> int:
    return await trim(tx, "sms_codes", "expires_at < $2", before)
