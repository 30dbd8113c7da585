"""Use cases over timers, and taking those whose time has come.

A run that has begun is made again when nobody has noted its end: for a cron expression at the next time, for a single
time an hour later. So a request is made at least once whatever dies.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, cast

import msgspec
from croniter import CroniterError, croniter

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.timers import store
from roster.core.timers.models import State, Timer, TimerDraft
from roster.kit.errors import InvalidInput
from roster.storage.tx import Tx

MOST_AT_ONCE: Final = 50
_AGAIN: Final = timedelta(hours=1)
_KEPT: Final = timedelta(days=60)
_SUBJECT: Final = re.compile(r"[^\s.*>]+(?:\.[^\s.*>]+)*")
_LARGEST: Final = 262_144
_SECONDS: Final = 6
"""Fields of a cron expression that begins with seconds."""


class Run(msgspec.Struct, frozen=True):
    """A timer whose time has come, taken."""

    timer: Timer
    generation: int


async def put(tx: Tx, draft: TimerDraft, *, zone: tzinfo = UTC) -> Timer:
    """Set a timer, in place of the one with this id if there is one. Raises InvalidInput. Needs `timers.write`."""
    access.require(tx, "timers.write")
    _check(draft)
    due_at = draft.at if draft.cron is None else following(draft.cron, tx.now, zone)
    made = await store.put(tx, draft, due_at)
    changes = {"timer": [None, made.id], "subject": [None, made.subject], "cron": [None, made.cron]}
    await audit.record(tx, "timer.set", "timer", None, changes)
    return made


async def remove(tx: Tx, timer_id: str) -> Timer:
    """Stop a timer. Raises TimerNotFound. Needs `timers.write`."""
    access.require(tx, "timers.write")
    removed = await store.remove(tx, timer_id)
    await audit.record(tx, "timer.removed", "timer", None, {"timer": [timer_id, None]})
    return removed


async def take_due(tx: Tx, *, zone: tzinfo = UTC) -> list[Run]:
    """Take what is due in this realm; each is then made by whoever has taken it, and settled."""
    runs: list[Run] = []
    for timer in await store.due(tx, MOST_AT_ONCE):
        again = tx.now + _AGAIN if timer.cron is None else following(timer.cron, tx.now, zone)
        runs.append(Run(timer, await store.take(tx, timer.id, again)))
    return runs


async def bring_forward(tx: Tx, *, zone: tzinfo = UTC) -> int:
    """Have cron expressions be due when they say, after a clock that was ahead has put them off; their number."""
    waiting = await store.waiting(tx)
    times = [(timer_id, following(cron, tx.now, zone), due_at) for timer_id, cron, due_at in waiting]
    brought = {timer_id: at for timer_id, at, due_at in times if at < due_at}
    if brought:
        await store.come(tx, brought)
    return len(brought)


async def settle(tx: Tx, run: Run, *, is_done: bool) -> State:
    """Note how a run has ended; the state of the timer from then on."""
    timer = run.timer
    failures = 0 if is_done else timer.failures + 1
    state = _state(timer, failures)
    is_over = state in ("completed", "failed")
    await store.settle(tx, timer.id, run.generation, state, failures, is_over=is_over)
    return state


async def sweep(tx: Tx) -> int:
    """Forget timers that were over sixty days ago; the number removed."""
    return await store.sweep(tx, tx.now - _KEPT)


def following(cron: str, after: datetime, zone: tzinfo) -> datetime:
    """The first time after this one that a cron expression names in a time zone; six fields begin with seconds."""
    begins_with_seconds = len(cron.split()) == _SECONDS
    times = croniter(cron, after.astimezone(zone), second_at_beginning=begins_with_seconds)
    return cast("datetime", cast("Any", times).get_next(datetime)).astimezone(UTC)


def _state(timer: Timer, failures: int) -> State:
    if timer.cron is None:
        return "failed" if failures else "completed"
    if failures >= timer.max_failures:
        return "failed"
    return "scheduled_after_failure" if failures else "scheduled"


def _check(draft: TimerDraft) -> None:
    if (draft.cron is None) == (draft.at is None):
        raise InvalidInput.of("cron", "one_of", "A timer has either a cron expression or a time.")
    if draft.at is not None and draft.at.tzinfo is None:
        raise InvalidInput.of("at", "no_zone", "A time says in which zone it is.")
    if draft.cron is not None and not _is_cron(draft.cron):
        raise InvalidInput.of("cron", "invalid_cron", "This is no cron expression with five or six fields.")
    if not _SUBJECT.fullmatch(draft.subject):
        raise InvalidInput.of("subject", "invalid_subject", "A subject is words with dots between them.")
    if len(msgspec.json.encode(draft.data)) > _LARGEST:
        raise InvalidInput.of("data", "too_large", "The data of a timer takes at most 256 KiB.")


def _is_cron(text: str) -> bool:
    fields = text.split()
    if len(fields) not in (_SECONDS - 1, _SECONDS):
        return False
    try:
        following(text, datetime(2026, 1, 1, tzinfo=UTC), UTC)
    except (CroniterError, ValueError):
        return False
    return True
