"""SQL of the message queue."""

from collections.abc import Sequence
from uuid import UUID

from roster.storage.tx import Tx


async def insert(
    tx: Tx,
    message_id: UUID,
    *,
    user_id: UUID | None,
    channel: str,
    recipient: str,
    template: str,
    locale: str | None,
    sealed: bytes,
) -> None:
    """A message to a person who does not exist is not stored, at the same cost."""
    await tx.run(
        "INSERT INTO messages (realm_id, id, user_id, channel, recipient, template, locale, sealed, due_at, created_at)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9 WHERE $3::uuid IS NULL OR EXISTS"
        " (SELECT FROM users u WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL)",
        tx.realm_id,
        message_id,
        user_id,
        channel,
        recipient,
        template,
        locale,
        sealed,
        tx.now,
    )


async def insert_many(tx: Tx, template: str, channel: str, rows: Sequence[Sequence[object]]) -> None:
    """Id, person, recipient, language and sealed values of each."""
    await tx.run(
        "INSERT INTO messages (realm_id, id, user_id, channel, recipient, template, locale, sealed, due_at, created_at)"
        " SELECT $1, t.id, t.user_id, $2, t.recipient, $3, t.locale, t.sealed, $4, $4"
        " FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bytea[])"
        " AS t (id, user_id, recipient, locale, sealed)",
        tx.realm_id,
        channel,
        template,
        tx.now,
        *([row[at] for row in rows] for at in range(5)),
    )
