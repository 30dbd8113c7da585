"""SQL of the message queue."""

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
