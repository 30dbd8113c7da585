"""SQL of the message queue: reading it, taking what is due, noting what became of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from roster.messaging.errors import MessageNotFound
from roster.messaging.models import Message
from roster.storage.tx import Tx

_MESSAGE = (
    "realm_id, id, user_id, channel, recipient, template, locale, sealed, state, attempts, error, due_at, created_at,"
    " sent_at"
)


async def page(
    tx: Tx, *, state: str | None, user_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[Message]:
    """Messages of the realm, newest first."""
    return await tx.all(
        Message,
        "SELECT " + _MESSAGE + " FROM messages WHERE realm_id = $1 AND ($2::text IS NULL OR state = $2)"
        " AND ($3::uuid IS NULL OR user_id = $3) AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5",
        tx.realm_id,
        state,
        user_id,
        before,
        limit,
    )


async def find(tx: Tx, message_id: UUID) -> Message:
    return await tx.one(
        Message,
        "SELECT " + _MESSAGE + " FROM messages WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        message_id,
        missing=MessageNotFound,
    )


async def take_due(
    tx: Tx, waits: Sequence[timedelta], limit: int, channels: Sequence[str] = ("mail",)
) -> Sequence[Message]:
    """Take messages of these channels that are due, of all realms.

    Each comes back after the wait for its attempt unless it is settled.

    So a message whose sender was killed is sent again, and no lock is held while its carrier is talked to.
    """
    return await tx.all(
        Message,
        "UPDATE messages SET attempts = attempts + 1,"
        " due_at = $1::timestamptz + ($2::interval[])[least(attempts + 1, cardinality($2::interval[]))]"
        " WHERE (realm_id, id) IN (SELECT realm_id, id FROM messages WHERE state = 'queued' AND channel = ANY($4)"
        " AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING " + _MESSAGE,
        tx.now,
        list(waits),
        limit,
        list(channels),
    )


async def bring_forward(tx: Tx, waits: Sequence[timedelta]) -> int:
    """Have messages tried that would wait for longer than they ever should, since a clock was ahead.

    Their number.
    """
    return await tx.run(
        "UPDATE messages SET due_at = $1 WHERE state = 'queued' AND due_at > $1::timestamptz"
        " + ($2::interval[])[least(greatest(attempts, 1), cardinality($2::interval[]))]",
        tx.now,
        list(waits),
    )


async def settle(tx: Tx, message: Message, state: str, error: str | None) -> None:
    """A message was sent or given up: its one-time links go."""
    await tx.run(
        "UPDATE messages SET state = $3, error = $4, sealed = NULL,"
        " sent_at = CASE WHEN $3 = 'sent' THEN $5::timestamptz END WHERE realm_id = $1 AND id = $2",
        message.realm_id,
        message.id,
        state,
        error,
        tx.now,
    )


async def note(tx: Tx, message: Message, error: str) -> None:
    """A message could not be sent this time."""
    await tx.run("UPDATE messages SET error = $3 WHERE realm_id = $1 AND id = $2", message.realm_id, message.id, error)


async def sweep(tx: Tx, before: datetime, limit: int) -> int:
    """Remove messages that were settled before; the number removed."""
    return await tx.run(
        "DELETE FROM messages WHERE (realm_id, id) IN (SELECT realm_id, id FROM messages"
        " WHERE state <> 'queued' AND created_at < $1 LIMIT $2)",
        before,
        limit,
    )
