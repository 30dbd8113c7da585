"""SQL of the counters."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from roster.storage.trimming import trim
from roster.storage.tx import Tx

# A counter may lose its last half second when the database crashes; waiting for the disk twice would cost every sign-in
# more than all its other statements. Only where nothing else is committed with it.
_SPEND = """
INSERT INTO counters AS c (realm_id, bucket, spent, resets_at)
SELECT $1, bucket, 1, $2::timestamptz + make_interval(secs => per)
FROM unnest($3::text[], $4::integer[]) AS t (bucket, per),
    (SELECT CASE WHEN $5 THEN set_config('synchronous_commit', 'off', true) END) AS hasty
ON CONFLICT (realm_id, bucket) DO UPDATE
SET spent = CASE WHEN c.resets_at <= $2 THEN 1 ELSE least(c.spent + 1, 1000000) END,
    resets_at = CASE WHEN c.resets_at <= $2 THEN excluded.resets_at ELSE c.resets_at END
RETURNING bucket, spent, resets_at
"""


async def spend(tx: Tx, buckets: Sequence[tuple[str, int, int]]) -> int:
    """Buckets come as (name, allowed, seconds), sorted by name so that parallel spenders cannot deadlock."""
    names = [name for name, _, _ in buckets]
    rows = await tx.rows(_SPEND, tx.realm_id, tx.now, names, [per for _, _, per in buckets], tx.is_single)
    allowed = {name: count for name, count, _ in buckets}
    waits: list[datetime] = [resets_at for name, spent, resets_at in rows if spent > allowed[name]]
    return max((ceil((until - tx.now).total_seconds()) for until in waits), default=0)


async def waiting(tx: Tx, buckets: Sequence[tuple[str, int]]) -> int:
    """Buckets come as (name, allowed)."""
    rows = await tx.rows(
        "SELECT c.resets_at FROM counters c JOIN unnest($3::text[], $4::integer[]) AS t (bucket, allowed)"
        " ON c.bucket = t.bucket WHERE c.realm_id = $1 AND c.resets_at > $2 AND c.spent >= t.allowed",
        tx.realm_id,
        tx.now,
        [name for name, _ in buckets],
        [allowed for _, allowed in buckets],
    )
    return max((ceil((until - tx.now).total_seconds()) for (until,) in rows), default=0)


async def forgive(tx: Tx, bucket: str) -> None:
    await tx.run("UPDATE counters SET spent = 0 WHERE realm_id = $1 AND bucket = $2 AND spent > 0", tx.realm_id, bucket)


async def settle(tx: Tx, cleared: Sequence[str], returned: Sequence[str]) -> None:
    """Rows are locked in the order in which `spend` takes them."""
    await tx.run(
        "UPDATE counters c SET spent = CASE WHEN c.bucket = ANY($2) THEN 0 ELSE greatest(c.spent - 1, 0) END"
        " FROM (SELECT bucket FROM counters WHERE realm_id = $1 AND (bucket = ANY($2) OR bucket = ANY($3))"
        ' ORDER BY bucket COLLATE "C" FOR UPDATE) locked,'
        " (SELECT CASE WHEN $4 THEN set_config('synchronous_commit', 'off', true) END) AS hasty"
        " WHERE c.realm_id = $1 AND c.bucket = locked.bucket",
        tx.realm_id,
        list(cleared),
        list(returned),
        tx.is_single,
    )


async def sweep(tx: Tx) -> int:
    return await trim(tx, "counters", "resets_at <= $2", tx.now)
