"""SQL of the queue, as procrastinate defines it."""

from collections.abc import Mapping
from datetime import datetime

from roster.jobs.errors import AlreadyQueued
from roster.storage.tx import Tx


async def defer(
    tx: Tx,
    task: str,
    args: Mapping[str, object],
    *,
    queue: str,
    priority: int,
    lock: str | None,
    queueing_lock: str | None,
    not_before: datetime | None,
) -> int:
    found: list[int] = await tx.value(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW($1::varchar, $2::varchar, $3::integer, $4::text, $5::text,"
        " $6::jsonb, $7::timestamptz)::procrastinate_job_to_defer_v1])",
        queue,
        task,
        priority,
        lock,
        queueing_lock,
        args,
        not_before,
        conflicts={"procrastinate_jobs_queueing_lock_idx_v1": AlreadyQueued},
    )
    return found[0]
