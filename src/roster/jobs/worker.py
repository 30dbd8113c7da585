"""Doing what was deferred, and what is due: procrastinate's worker inside the server.

Jobs of a server that was killed are taken up again: at the start when it was the only one, else as soon as its
heartbeat is missing. A task may therefore run twice and must be able to go on where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import procrastinate
import psycopg
import psycopg_pool
import structlog
from procrastinate.exceptions import AppNotOpen, ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from roster.jobs.schedule import CATCH_UP, SCHEDULE, Timed
from roster.kit import clock
from roster.kit.errors import Unavailable

if TYPE_CHECKING:
    from psycopg.abc import PQGen

RV = TypeVar("RV")
Task = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Does a deferred job with its arguments. Raising Unavailable has it tried again later, anything else fails it."""
TimedTask = Callable[[], Awaitable[None]]

_log = structlog.get_logger("roster.jobs")

_AT_ONCE: Final = 8
_POLL: Final = 10.0
"""Seconds between looks at the queue: a notification that comes during a look is lost."""
_HEARTBEAT: Final = 30.0
_DEAD_AFTER: Final = 120.0
_RECOVERY: Final = 60.0
_GRACE: Final = 3.0
"""Seconds that jobs may go on when the server stops; then they are put back into the queue."""
_PAUSE: Final = 5.0
_SELDOM: Final = 60.0
_CLOCK_EVERY: Final = 1.0
"""Seconds between two looks whether the clock was set back."""
_BREATH: Final = 0.5
_WAKE: Final = """SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}')"""
_MOST_TRIES: Final = 100
_LONGEST_PAUSE: Final = 300
_KEEP_FAILED_HOURS: Final = 7 * 24


_OPTIONS: Final[dict[str, Any]] = {
    "concurrency": _AT_ONCE,
    "fetch_job_polling_interval": _POLL,
    "abort_job_polling_interval": _POLL,
    "delete_jobs": "successful",
    "install_signal_handlers": False,
    "update_heartbeat_interval": _HEARTBEAT,
    "stalled_worker_timeout": _DEAD_AFTER,
}


class _Connection(psycopg.AsyncConnection[Any]):
    """The driver's, which would look ten times a second whether Ctrl-C was pressed: in a loop it is told."""

    async def wait(
        self,
        gen: "PQGen[RV]",
        interval: float = _SELDOM,
        timeout: float | None = None,  # noqa: ASYNC109 (theirs)
    ) -> RV:
        return await super().wait(gen, interval, timeout)


class Worker:
    """One a process. `tasks` are called by name with the arguments given to `defer`, `timed` ones by the schedule."""

    def __init__(
        self,
        dsn: str,
        tasks: Mapping[str, Task],
        timed: Mapping[str, TimedTask],
        *,
        schedule: Sequence[Timed] = SCHEDULE,
        is_only_server: bool = False,
        grace: float = _GRACE,
    ) -> None:
        """With `is_only_server` every job that is marked as running at the start belongs to a dead server.

        Raises KeyError when the schedule names a task that nobody has brought.
        """
        # Connections are opened when needed: an idle server keeps the one that listens, no more.
        connector = procrastinate.PsycopgConnector(
            conninfo=dsn,
            pool_factory=psycopg_pool.AsyncNullConnectionPool,
            connection_class=_Connection,
            max_size=4,
            num_workers=1,
        )
        self._app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": CATCH_UP})
        self._options: dict[str, Any] = {**_OPTIONS, "shutdown_graceful_timeout": grace}
        self._is_only_server = is_only_server
        self._waking: asyncio.Task[None] | None = None
        for name, task in tasks.items():
            self._register(name, task)
        known = {**timed, "jobs.prune": self._prune}
        for each in schedule:
            self._register_timed(each, known[each.name])

    async def run(self) -> None:
        """Work until cancelled; when the database goes away, go on when it is back."""
        dead_after = 0.0 if self._is_only_server else _DEAD_AFTER
        while True:
            try:
                async with self._app.open_async():
                    await self._recover(dead_after)
                    dead_after = _DEAD_AFTER
                    await self._work()
            except (ConnectorException, OSError, psycopg_pool.PoolTimeout) as error:
                _log.warning("jobs.interrupted", error=type(error).__name__)
                await asyncio.sleep(_PAUSE)

    async def run_waiting(self) -> None:
        """Do what waits now, and end; for tests and for maintenance without a server."""
        async with self._app.open_async():
            await self._recover(0.0)
            while await self._is_due():
                await self._app.run_worker_async(wait=False, listen_notify=False, **self._options)

    async def _is_due(self) -> bool:
        waiting = await self._app.job_manager.list_jobs_async(status="todo")
        return any(job.scheduled_at is None or job.scheduled_at <= clock.now() for job in waiting)

    async def _work(self) -> None:
        """Until the clock is set back: the schedule would wait until it is as late as it was."""
        work = asyncio.create_task(self._app.run_worker_async(wait=True, listen_notify=True, **self._options))
        recovery = asyncio.create_task(self._recover_again_and_again())
        turned = asyncio.create_task(_until_set_back())
        try:
            await asyncio.wait((work, turned), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (recovery, turned, work):
                each.cancel()
            await asyncio.gather(recovery, turned, return_exceptions=True)
            with suppress(asyncio.CancelledError):
                await work
            await self._wake()  # for what was put back: there may be other servers

    async def _recover_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(_RECOVERY)
            await self._recover(_DEAD_AFTER)

    async def _recover(self, dead_after: float) -> None:
        """Put jobs of dead workers back into the queue."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=dead_after):
            _log.info("jobs.recovered", task=job.task_name, job=job.id)
            await manager.retry_job(job)

    async def _prune(self) -> None:
        await self._app.job_manager.delete_old_jobs(
            nb_hours=_KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )

    def _register(self, name: str, task: Task) -> None:
        async def call(context: procrastinate.JobContext, **arguments: Any) -> None:
            try:
                await task(arguments)
            finally:
                if context.job.lock is not None:
                    self._waking = asyncio.create_task(self._wake_soon())

        self._app.task(name=name, retry=_Again(), pass_context=True)(call)

    async def _wake_soon(self) -> None:
        """Have all workers look for jobs that had to wait for the lock of one that is just ending.

        They are told of new jobs only, and would find these when they look the next time by themselves.
        """
        await asyncio.sleep(_BREATH)
        await self._wake()

    async def _wake(self) -> None:
        with suppress(ConnectorException, AppNotOpen):
            await self._app.connector.execute_query_async(_WAKE)

    def _register_timed(self, each: Timed, task: TimedTask) -> None:
        async def call(timestamp: int) -> None:  # noqa: ARG001 - the time it was due, given by procrastinate
            await task()

        deferred = self._app.task(name=each.name, queue="timed", lock=each.name, queueing_lock=each.name)(call)
        self._app.periodic(cron=each.cron)(deferred)


async def _until_set_back() -> None:
    watch = clock.Watch()
    watch.settle()
    while not watch.was_set_back():
        watch.settle()
        await asyncio.sleep(_CLOCK_EVERY)
    _log.warning("jobs.clock_set_back")


class _Again(BaseRetryStrategy):
    """What could not be done for the moment is done later; what a stopping server interrupts is put back."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        if isinstance(exception, Unavailable) and job.attempts < _MOST_TRIES:
            return RetryDecision(retry_in={"seconds": min(_LONGEST_PAUSE, 2 ** min(job.attempts, 9))})
        return None
