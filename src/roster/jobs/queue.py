"""Deferring work in the caller's own transaction: it is done if and only if that commits."""

from collections.abc import Mapping
from datetime import datetime

from roster.jobs import store
from roster.storage.tx import Tx


async def defer(
    tx: Tx,
    task: str,
    args: Mapping[str, object],
    *,
    queue: str = "default",
    priority: int = 0,
    lock: str | None = None,
    queueing_lock: str | None = None,
    not_before: datetime | None = None,
) -> int:
    """Have the task of this name called with `args`; the job's number.

    Jobs with the same `lock` run one after another, in the order in which they came. Raises AlreadyQueued when a job
    with the same `queueing_lock` waits; the transaction is of no use then.
    """
    return await store.defer(
        tx,
        task,
        args,
        queue=queue,
        priority=priority,
        lock=lock,
        queueing_lock=queueing_lock,
        not_before=not_before,
    )
