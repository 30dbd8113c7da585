"""Timers."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

State = Literal["initial", "scheduled", "scheduled_after_failure", "running", "completed", "failed", "removed"]
TimerId = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=500)]
Data = dict[str, object]


class Timer(msgspec.Struct, frozen=True):
    """A request to be made: `data` to `subject`, at a time or whenever `cron` says so.

    `failures` counts those one after another; with `max_failures` of them it is given up. `due_at` is the next time.
    """

    id: str
    subject: str
    cron: str | None
    at: datetime | None
    name: str | None
    description: str | None
    max_failures: int
    data: Data
    tags: list[str]
    state: State
    failures: int
    due_at: datetime | None
    created_at: datetime


class TimerDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A timer to be set; one with the same id is replaced."""

    id: TimerId
    subject: Annotated[str, Meta(min_length=1, max_length=500)]
    cron: Annotated[str, Meta(max_length=200)] | None = None
    at: datetime | None = None
    name: Line | None = None
    description: Line | None = None
    max_failures: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    data: Data = {}
    tags: Annotated[list[Line], Meta(max_length=100)] = []
