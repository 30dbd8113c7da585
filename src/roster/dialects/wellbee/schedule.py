"""`schedule-service`: requests to other services at certain times (notes, section 19)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.bus import link as links
from roster.bus.link import NotConnected
from roster.core.timers import service as timers
from roster.core.timers.errors import TimerNotFound
from roster.core.timers.models import State, Timer, TimerDraft
from roster.dialects.wellbee import frame
from roster.dialects.wellbee.bus import client
from roster.dialects.wellbee.subjects import Services
from roster.kit import clock
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.request import Request

services: Final = Services(tag="schedule-service")
_CREATED: Final = "schedule-service.job-created"
_STATES: Final[Mapping[State, str]] = {"scheduled_after_failure": "scheduledAfterFailure"}

Line = Annotated[str, Meta(max_length=500)]


class JobAsked(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A job to be created, in place of the one with this id."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    subject: Annotated[str, Meta(min_length=1, max_length=500)]
    cron: Annotated[str, Meta(max_length=200)] | None = None
    at: datetime | None = None
    name: Line | None = None
    description: Line | None = None
    max_failures: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    data: dict[str, object] = {}
    tags: Annotated[list[Line], Meta(max_length=100)] = []


class JobNamed(msgspec.Struct, frozen=True):
    """A job by its id."""

    id: str


class Job(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A job as it is stored."""

    id: str
    subject: str
    state: str
    created: str
    max_failures: int
    cron: str | None = None
    at: str | None = None
    name: str | None = None
    description: str | None = None
    data: dict[str, object] = {}
    tags: list[str] = []
    removed: bool = False


@services.serve("schedule-service.create-job", id="svc-schedule-create-job")
async def create_job(runtime: Runtime, request: Request, actor: Actor, body: JobAsked) -> Job:
    """Set a job, and tell other schedulers of it."""
    zone = runtime.settings.dialects.wellbee.timezone
    async with runtime.write(actor) as tx:
        job = _shown(await timers.put(tx, _draft(body), zone=zone))
    link = links.of(runtime)
    if link is not None:
        try:
            await client.tell(link, _CREATED, job, req_id=frame.request_id(request))
        except NotConnected:
            return job
    return job


@services.serve("schedule-service.remove-job", id="svc-schedule-remove-job", errors=(TimerNotFound,))
async def remove_job(tx: Tx, body: JobNamed) -> Job:
    """Stop a job."""
    return _shown(await timers.remove(tx, body.id))


def _draft(body: JobAsked) -> TimerDraft:
    return TimerDraft(
        id=body.id,
        subject=body.subject,
        cron=body.cron,
        at=body.at,
        name=body.name,
        description=body.description,
        max_failures=body.max_failures,
        data=body.data,
        tags=body.tags,
    )


def _shown(timer: Timer) -> Job:
    return Job(
        id=timer.id,
        subject=timer.subject,
        state=_STATES.get(timer.state, timer.state),
        created=clock.instant(timer.created_at),
        max_failures=timer.max_failures,
        cron=timer.cron,
        at=None if timer.at is None else clock.instant(timer.at),
        name=timer.name,
        description=timer.description,
        data=timer.data,
        tags=timer.tags,
        removed=timer.state == "removed",
    )
