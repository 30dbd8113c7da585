"""SQL of orders."""

from datetime import datetime
from uuid import UUID

from roster.core.orders.models import Order
from roster.kit.errors import Internal
from roster.kit.ids import UserId
from roster.storage.trimming import trim
from roster.storage.tx import Tx

_COLUMNS = "id, provider, purpose, holder, user_id, sealed, state, hint, started_at, bound_at"


async def insert(
    tx: Tx,
    order_id: UUID,
    *,
    provider: str,
    purpose: str,
    mark: bytes,
    holder: bytes,
    sealed: bytes,
    expires_at: datetime,
) -> Order:
    return await tx.one(
        Order,
        "INSERT INTO orders (realm_id, id, provider, purpose, mark, holder, user_id, sealed, started_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING " + _COLUMNS,
        tx.realm_id,
        order_id,
        provider,
        purpose,
        mark,
        holder,
        tx.actor.user_id,
        sealed,
        tx.now,
        expires_at,
        missing=Internal,
    )


async def look_up(tx: Tx, provider: str, mark: bytes) -> Order | None:
    return await tx.maybe(
        Order,
        "SELECT " + _COLUMNS + " FROM orders WHERE realm_id = $1 AND mark = $2 AND provider = $3 AND expires_at > $4",
        tx.realm_id,
        mark,
        provider,
        tx.now,
    )


async def claim(tx: Tx, order_id: UUID, *, answered: datetime, lost: datetime) -> bool:
    """Whoever asked before `answered` is waited for, unless it was before `lost`."""
    return bool(
        await tx.run(
            "UPDATE orders SET asked_at = $3, asking = true WHERE realm_id = $1 AND id = $2 AND state = 'pending'"
            " AND (asked_at IS NULL OR (NOT asking AND asked_at <= $4) OR asked_at <= $5)",
            tx.realm_id,
            order_id,
            tx.now,
            answered,
            lost,
        )
    )


async def note(tx: Tx, order_id: UUID, hint: str) -> None:
    await tx.run(
        "UPDATE orders SET hint = $3, asking = false WHERE realm_id = $1 AND id = $2 AND state = 'pending'",
        tx.realm_id,
        order_id,
        hint,
    )


async def close(tx: Tx, order_id: UUID, state: str, hint: str, sealed: bytes | None) -> bool:
    return bool(
        await tx.run(
            "UPDATE orders SET state = $3, hint = $4, asking = false, sealed = coalesce($5, sealed)"
            " WHERE realm_id = $1 AND id = $2 AND state = 'pending'",
            tx.realm_id,
            order_id,
            state,
            hint,
            sealed,
        )
    )


async def hand_over(tx: Tx, order_id: UUID, user_id: UserId, holder: bytes) -> None:
    await tx.run(
        "UPDATE orders SET user_id = $3, holder = $4 WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        order_id,
        user_id,
        holder,
    )


async def bind(tx: Tx, order_id: UUID) -> bool:
    return bool(
        await tx.run(
            "UPDATE orders SET bound_at = $3 WHERE realm_id = $1 AND id = $2 AND bound_at IS NULL",
            tx.realm_id,
            order_id,
            tx.now,
        )
    )


async def sweep(tx: Tx) -> int:
    return await trim(tx, "orders", "expires_at <= $2", tx.now)
