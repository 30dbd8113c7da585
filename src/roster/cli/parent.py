"""The parent of several workers: starts them, replaces those that die, passes on the signal to stop."""

import gc
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

import msgspec

from roster import logs
from roster.bus import server
from roster.cli import worker
from roster.kit import secrets
from roster.kit.errors import RosterError
from roster.storage import embedded

_LONGEST_PAUSE: Final = 10.0
_SETTLED: Final = 10.0
"""Seconds after which a worker counts as one that works: when it dies later, it is replaced at once."""
_GRACE: Final = 5.0
"""Seconds beyond the times for draining, first of HTTP and then of the bus, after which a worker is killed."""
_SERVING, _LEAVING, _DRAINING, _HURRYING = range(4)


class CannotStart(RosterError):
    """No worker has ever answered; the log says why."""

    code = "cannot_start"
    text = "The workers cannot start."


class _Worker(msgspec.Struct, frozen=True):
    number: int
    started: float


class Parent:
    """Lives on signals alone: it waits for one, or for the time to replace a worker."""

    def __init__(self, place: worker.Place, announce: worker.Ready) -> None:
        self._place = place
        self._announce = announce
        self._workers: dict[int, _Worker] = {}
        self._due: dict[int, float] = {}
        self._has_answered = False
        self._failures = 0
        self._step = _SERVING
        self._deadline: float | None = None
        self._log = logs.logger("roster.process")
        self._alive, self._held = os.pipe()
        self._answers, self._ready = os.pipe()
        self._signals, self._wake = os.pipe()

    def run(self) -> None:
        """Returns when all workers have ended after a signal to stop. Raises CannotStart."""
        self._listen_to_signals()
        _settle()
        self._due = dict.fromkeys(range(self._place.runtime.settings.server.workers), 0.0)
        while self._workers or self._step == _SERVING:
            self._start_what_is_due()
            self._wait()
            self._collect()
        if self._failures and not self._has_answered:
            raise CannotStart

    # -- signals -------------------------------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        for each in (self._signals, self._wake, self._answers):
            os.set_blocking(each, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for each in (*worker.STOPPING, signal.SIGCHLD):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, _noted)

    def _wait(self) -> None:
        """Until something happens, and what a signal asks for."""
        ready, _, _ = select.select([self._signals, self._answers], [], [], self._patience())
        if self._answers in ready and os.read(self._answers, 4096) and not self._has_answered:
            self._has_answered = True
            self._announce()
        if self._signals in ready:
            for number in os.read(self._signals, 4096):
                if number in worker.STOPPING:
                    self._go_on(fast=number in worker.FAST)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._tell(signal.SIGKILL)

    def _patience(self) -> float | None:
        moments = [*self._due.values()] if self._step == _SERVING else [self._deadline] if self._deadline else []
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _go_on(self, *, fast: bool) -> None:
        """One step: leave, drain, hurry, kill. Workers that are told the same again go on in the same way."""
        server = self._place.runtime.settings.server
        if self._step == _SERVING:
            self._place.socket.close()  # or clients would queue where nobody answers
        leaves = self._step == _SERVING and not fast and server.leave_seconds > 0
        self._step = _LEAVING if leaves else max(self._step, _LEAVING) + 1
        self._deadline = time.monotonic() + 2 * server.drain_seconds + _GRACE
        if leaves:
            self._deadline += server.leave_seconds
        self._tell(signal.SIGKILL if self._step > _HURRYING else worker.LEAVING if leaves else worker.HURRY)

    def _tell(self, number: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, number)

    # -- workers -------------------------------------------------------------------------------------------------------

    def _start_what_is_due(self) -> None:
        if self._step != _SERVING:
            return
        now = time.monotonic()
        for number in [number for number, at in self._due.items() if at <= now]:
            del self._due[number]
            self._start(number)

    def _start(self, number: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        signals = {*worker.STOPPING, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # until the worker has handlers of its own
        pid = os.fork()
        if pid == 0:
            self._become_worker(number)
        self._workers[pid] = _Worker(number, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def _become_worker(self, number: int) -> NoReturn:
        """What the parent still has on its stack is not the worker's to clean up."""
        code = 1
        try:
            self._forget_the_parent()
            place = msgspec.structs.replace(self._place, number=number, parent=self._alive)
            with self._joined():
                worker.run(place, self._tell_the_parent)
            code = 0
        except BaseException:  # noqa: BLE001 (the end of the process)
            self._log.exception("worker.failed", worker=number)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _tell_the_parent(self) -> None:
        with suppress(BrokenPipeError):  # killed meanwhile: the worker stops as soon as it looks
            os.write(self._ready, b".")
        os.close(self._ready)

    def _forget_the_parent(self) -> None:
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGINT, signal.SIGHUP):  # the terminal sends them to all; the parent passes them on
            signal.signal(each, signal.SIG_IGN)
        for each in (worker.LEAVING, signal.SIGCHLD):
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*worker.STOPPING, signal.SIGCHLD})
        for each in (self._held, self._signals, self._wake, self._answers):
            os.close(each)

    @contextmanager
    def _joined(self) -> Iterator[None]:
        """A user of the embedded servers in its own right: when the parent is killed, the last worker stops them."""
        settings = self._place.runtime.settings
        with ExitStack() as stack:
            if settings.bus.is_bundled:
                stack.enter_context(server.rejoin(settings.data))
            if settings.database.url is None:
                stack.enter_context(embedded.rejoin(settings.data))
            yield

    def _collect(self) -> None:
        """Note who has ended, and when to replace them: at once, or ever later when they fail again and again."""
        while self._workers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            ended = self._workers.pop(pid, None)
            if ended is not None and self._step == _SERVING:
                self._replace(ended, pid, os.waitstatus_to_exitcode(status))

    def _replace(self, ended: _Worker, pid: int, code: int) -> None:
        self._log.error("worker.died", worker=ended.number, pid=pid, exit=code)
        now = time.monotonic()
        self._failures = 0 if now - ended.started > _SETTLED else self._failures + 1
        if not self._has_answered:
            self._go_on(fast=True)
            return
        pause = min(_LONGEST_PAUSE, 0.1 * 2**self._failures) if self._failures > 1 else 0.0
        self._due[ended.number] = now + pause


def _settle() -> None:
    """Workers share the memory that is here now, page by page until they write there: so nothing is left to be done."""
    secrets.warm_up()
    gc.collect()
    gc.freeze()


def _noted(_number: int, _frame: FrameType | None) -> None:
    """A handler has to be there for the number to come through the pipe."""
