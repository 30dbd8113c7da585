"""SQL of devices by number."""

from collections.abc import Iterable
from uuid import UUID

from roster.storage.tx import Tx


async def numbers(tx: Tx, device_ids: Iterable[UUID]) -> dict[UUID, int]:
    rows = await tx.rows(
        "SELECT id, number FROM devices WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(device_ids)
    )
    return {row[0]: row[1] for row in rows}
