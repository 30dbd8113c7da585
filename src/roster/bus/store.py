"""SQL of the outbox's readers. The core writes events together with the audit trail."""

from collections.abc import Sequence
from datetime import datetime

from roster.bus.models import Event, Position
from roster.kit.ids import RealmId
from roster.storage.tx import Tx

_EVENT = "realm_id, id, transaction::text::bigint, position, at, type, subject_id, payload"
_FINISHED = " AND transaction < pg_snapshot_xmin(pg_current_snapshot())"
"""Only what no slower transaction can still slip in front of."""


async def end(tx: Tx) -> Position:
    """The place behind everything that is finished now."""
    xmin = await tx.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return xmin, -1


async def after(tx: Tx, place: Position, limit: int) -> list[Event]:
    """Finished events of all realms behind this place, in order."""
    return await tx.all(
        Event,
        "SELECT " + _EVENT + " FROM outbox_events WHERE (transaction, position) > ($1::text::xid8, $2)" + _FINISHED
        + " ORDER BY transaction, position LIMIT $3",
        str(place[0]),
        place[1],
        limit,
    )  # fmt: skip


async def of_realm(
    tx: Tx, realm_id: RealmId, types: Sequence[str], *, place: Position, until: Position, limit: int
) -> list[Event]:
    """Finished events of one realm behind `place` and not behind `until`; without types, of every type."""
    return await tx.all(
        Event,
        "SELECT " + _EVENT + " FROM outbox_events WHERE realm_id = $1 AND (type = ANY($2) OR $2 = '{}')"
        " AND (transaction, position) > ($3::text::xid8, $4)"
        " AND (transaction, position) <= ($5::text::xid8, $6)" + _FINISHED
        + " ORDER BY transaction, position LIMIT $7",
        realm_id,
        list(types),
        str(place[0]),
        place[1],
        str(until[0]),
        until[1],
        limit,
    )  # fmt: skip


async def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Remove events that are older; the number removed."""
    return await tx.run(
        "DELETE FROM outbox_events WHERE (realm_id, id) IN (SELECT realm_id, id FROM outbox_events"
        " WHERE at < $1 ORDER BY transaction, position LIMIT $2)",
        before,
        limit,
    )
