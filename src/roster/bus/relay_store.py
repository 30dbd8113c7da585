"""SQL of how far the outbox has been told on the bus, and by whom."""

from datetime import datetime
from uuid import UUID

from roster.bus.models import Position
from roster.kit.ids import RealmId
from roster.storage.tx import Tx


async def claim(
    tx: Tx, realm_id: RealmId, name: str, *, place: Position, holder: UUID, until: datetime
) -> Position | None:
    """Be the one who tells, or go on being it; the place up to which it was told, None while another is the one.

    A new cursor starts at `place`. Whoever says that it will be longer than a minute from now said so while a clock
    was ahead, and counts for nobody.
    """
    rows = await tx.rows(
        "INSERT INTO bus_cursors AS c (realm_id, name, transaction, position, holder, held_until)"
        " VALUES ($1, $2, $3::text::xid8, $4, $5, $6) ON CONFLICT (realm_id, name)"
        " DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until"
        " WHERE c.holder = excluded.holder OR c.held_until NOT BETWEEN $7 AND $7::timestamptz + interval '1 minute'"
        " RETURNING transaction::text::bigint, position",
        realm_id,
        name,
        str(place[0]),
        place[1],
        holder,
        until,
        tx.now,
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def advance(tx: Tx, realm_id: RealmId, name: str, *, place: Position, holder: UUID, until: datetime) -> bool:
    """Everything up to `place` is told. False when another has become the one who tells."""
    done = await tx.run(
        "UPDATE bus_cursors SET transaction = $3::text::xid8, position = $4, held_until = $6"
        " WHERE realm_id = $1 AND name = $2 AND holder = $5",
        realm_id,
        name,
        str(place[0]),
        place[1],
        holder,
        until,
    )
    return bool(done)


async def release(tx: Tx, realm_id: RealmId, name: str, *, holder: UUID) -> None:
    """Let another be the one who tells, at once."""
    await tx.run(
        "UPDATE bus_cursors SET held_until = $4 WHERE realm_id = $1 AND name = $2 AND holder = $3",
        realm_id,
        name,
        holder,
        tx.now,
    )
