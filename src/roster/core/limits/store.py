"""SQL of the counters."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from roster.kit.ids import RealmId
from roster.storage.joint import Part
from roster.storage.trimming import trim
from roster.storage.tx import Tx

MOST: Final = 1_000_000
"""So high a counter goes."""

# A window that ends a minute later than one that begins now was begun while a clock was ahead: it is over. Less is the
# difference between parallel spenders, and must not let their guesses slip past.
# A counter may lose its last half second when the database crashes; waiting for the disk twice would cost every sign-in
# more than all its other statements. Only where nothing else is committed with it.
_SPENT = """
spent AS (INSERT INTO counters AS c (realm_id, bucket, spent, resets_at)
SELECT $1, bucket, 1, $2::timestamptz + make_interval(secs => per) FROM buckets,
    (SELECT CASE WHEN $5 THEN set_config('synchronous_commit', 'off', true) END) AS hasty
ON CONFLICT (realm_id, bucket) DO UPDATE
SET spent = CASE WHEN c.resets_at <= $2 OR c.resets_at > excluded.resets_at + interval '1 minute' THEN 1
        ELSE least(c.spent + 1, 1000000) END,
    resets_at = CASE WHEN c.resets_at <= $2 THEN excluded.resets_at ELSE least(c.resets_at, excluded.resets_at) END
RETURNING bucket, spent, resets_at)
"""
_OF_THESE = "buckets AS (SELECT * FROM unnest($3::text[], $4::integer[]) AS t (bucket, per)), "
_OF_THESE_AND_MEANT = """
buckets AS (SELECT coalesce(bucket, $6 || coalesce((SELECT id::text FROM meant), $7)) AS bucket, per
    FROM unnest($3::text[], $4::integer[]) AS t (bucket, per)),
"""


def spending(tx: Tx, buckets: Sequence[tuple[str, int, int]]) -> Part:
    """Its rows, `spent`, are for `wait`.

    Buckets come as (name, allowed, seconds), sorted by name so that parallel spenders cannot deadlock.
    """
    names = [name for name, _, _ in buckets]
    return Part(_OF_THESE + _SPENT, (tx.realm_id, tx.now, names, [per for _, _, per in buckets], tx.is_single))


def spending_on_meant(tx: Tx, buckets: Sequence[tuple[str, int]], prefix: str, otherwise: str, per: int) -> Part:
    """The same for buckets as (name, seconds), and last one of whoever is `meant`, or `otherwise` without anybody."""
    names = [*(name for name, _ in buckets), None]
    seconds = [*(each for _, each in buckets), per]
    return Part(_OF_THESE_AND_MEANT + _SPENT, (tx.realm_id, tx.now, names, seconds, tx.is_single, prefix, otherwise))


def wait(tx: Tx, buckets: Sequence[tuple[str, int, int]], rows: Sequence[Sequence[Any]]) -> int:
    """The seconds until all are open again that were used up."""
    allowed = {name: count for name, count, _ in buckets}
    waits = [resets_at for name, spent, resets_at in rows if spent > allowed[name]]
    return max((ceil((until - tx.now).total_seconds()) for until in waits), default=0)


async def waiting(tx: Tx, buckets: Sequence[tuple[str, int, int]]) -> int:
    """Buckets come as (name, allowed, seconds)."""
    rows = await tx.rows(
        "SELECT c.resets_at FROM counters c JOIN unnest($3::text[], $4::integer[], $5::integer[])"
        " AS t (bucket, allowed, per) ON c.bucket = t.bucket WHERE c.realm_id = $1 AND c.resets_at > $2"
        " AND c.resets_at <= $2::timestamptz + make_interval(secs => t.per + 60) AND c.spent >= t.allowed",
        tx.realm_id,
        tx.now,
        [name for name, _, _ in buckets],
        [allowed for _, allowed, _ in buckets],
        [per for _, _, per in buckets],
    )
    return max((ceil((until - tx.now).total_seconds()) for (until,) in rows), default=0)


async def forgive(tx: Tx, bucket: str) -> None:
    await tx.run("UPDATE counters SET spent = 0 WHERE realm_id = $1 AND bucket = $2 AND spent > 0", tx.realm_id, bucket)


async def settle(tx: Tx, backs: Sequence[tuple[RealmId, str, int]]) -> None:
    """Give back so much, of any realm. Rows are locked in the order in which `spending` takes them."""
    await tx.run(
        "UPDATE counters c SET spent = greatest(c.spent - locked.back, 0) FROM (SELECT k.realm_id, k.bucket, t.back"
        " FROM counters k JOIN unnest($1::uuid[], $2::text[], $3::integer[]) AS t (realm_id, bucket, back)"
        " ON k.realm_id = t.realm_id AND k.bucket = t.bucket"
        ' ORDER BY k.realm_id, k.bucket COLLATE "C" FOR UPDATE OF k) locked,'
        " (SELECT CASE WHEN $4 THEN set_config('synchronous_commit', 'off', true) END) AS hasty"
        " WHERE c.realm_id = locked.realm_id AND c.bucket = locked.bucket",
        [realm_id for realm_id, _, _ in backs],
        [bucket for _, bucket, _ in backs],
        [back for _, _, back in backs],
        tx.is_single,
    )


def clearing(tx: Tx, bucket: str) -> Part:
    return Part(
        "cleared AS (UPDATE counters SET spent = 0 WHERE realm_id = $1 AND bucket = $2 AND EXISTS (SELECT FROM done))",
        (tx.realm_id, bucket),
    )


async def sweep(tx: Tx) -> int:
    return await trim(tx, "counters", "resets_at <= $2", tx.now)
