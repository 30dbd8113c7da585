"""SQL of timers."""

from collections.abc import Mapping
from datetime import datetime

from roster.core.timers.errors import TimerNotFound
from roster.core.timers.models import State, Timer, TimerDraft
from roster.storage.trimming import trim
from roster.storage.tx import Tx

_TIMER = "id, subject, cron, at, name, description, max_failures, data, tags, state, failures, due_at, created_at"


async def put(tx: Tx, draft: TimerDraft, due_at: datetime | None) -> Timer:
    return await tx.one(
        Timer,
        "INSERT INTO timers (realm_id, id, subject, cron, at, name, description, max_failures, data, tags, due_at,"
        " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (realm_id, id) DO UPDATE SET subject = $3, cron = $4, at = $5, name = $6, description = $7,"
        " max_failures = $8, data = $9, tags = $10, due_at = $11, created_at = $12, state = 'initial', failures = 0,"
        " generation = timers.generation + 1 RETURNING " + _TIMER,
        tx.realm_id,
        draft.id,
        draft.subject,
        draft.cron,
        draft.at,
        draft.name,
        draft.description,
        draft.max_failures,
        draft.data,
        draft.tags,
        due_at,
        tx.now,
        missing=TimerNotFound,
    )


async def remove(tx: Tx, timer_id: str) -> Timer:
    return await tx.one(
        Timer,
        "UPDATE timers SET state = 'removed', due_at = NULL, generation = generation + 1"
        " WHERE realm_id = $1 AND id = $2 AND state <> 'removed' RETURNING " + _TIMER,
        tx.realm_id,
        timer_id,
        missing=TimerNotFound,
    )


async def due(tx: Tx, limit: int) -> list[Timer]:
    """Timers whose time has come, locked."""
    return await tx.all(
        Timer,
        "SELECT " + _TIMER + " FROM timers WHERE realm_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3"
        " FOR UPDATE SKIP LOCKED",
        tx.realm_id,
        tx.now,
        limit,
    )


async def waiting(tx: Tx) -> list[tuple[str, str, datetime]]:
    """Id, cron expression and time of those whose time has not come, locked."""
    found = await tx.rows(
        "SELECT id, cron, due_at FROM timers WHERE realm_id = $1 AND cron IS NOT NULL AND due_at > $2"
        " ORDER BY id FOR UPDATE SKIP LOCKED",
        tx.realm_id,
        tx.now,
    )
    return [(timer_id, cron, due_at) for timer_id, cron, due_at in found]


async def come(tx: Tx, times: Mapping[str, datetime]) -> None:
    """Be due at these times."""
    await tx.run(
        "UPDATE timers t SET due_at = each.at FROM unnest($2::text[], $3::timestamptz[]) AS each (id, at)"
        " WHERE t.realm_id = $1 AND t.id = each.id",
        tx.realm_id,
        list(times),
        list(times.values()),
    )


async def take(tx: Tx, timer_id: str, due_at: datetime) -> int:
    """Note that it runs, and when it is due again; its generation, which says later that it is still the same."""
    return await tx.value(
        "UPDATE timers SET state = 'running', due_at = $3 WHERE realm_id = $1 AND id = $2 RETURNING generation",
        tx.realm_id,
        timer_id,
        due_at,
    )


async def settle(tx: Tx, timer_id: str, generation: int, state: State, failures: int, *, is_over: bool) -> None:
    """What became of a run, unless the timer was replaced or removed meanwhile."""
    await tx.run(
        "UPDATE timers SET state = $4, failures = $5, due_at = CASE WHEN $6 THEN NULL ELSE due_at END"
        " WHERE realm_id = $1 AND id = $2 AND generation = $3",
        tx.realm_id,
        timer_id,
        generation,
        state,
        failures,
        is_over,
    )


async def sweep(tx: Tx, before: datetime) -> int:
    """Remove timers that were over before; the number removed."""
    return await trim(tx, "timers", "due_at IS NULL AND coalesce(at, created_at) < $2", before)
