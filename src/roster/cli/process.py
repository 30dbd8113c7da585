"""The processes of a server: one that answers itself, or a parent that keeps its workers alive."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
import uvloop

from roster import app as composition
from roster import logs
from roster.core.flows.provision import FirstAdministrator
from roster.settings import Settings
from roster.storage import lock
from roster.storage.runtime import Runtime

_BACKLOG = 2048
_PAUSE = 0.5
"""Seconds before a worker that failed is replaced, so that one that cannot start does not spin."""

Announce = Callable[[str], None]


def only_server(data: Path) -> AbstractContextManager[None]:
    """Be the one server of the data folder. Raises AlreadyRunning."""
    return lock.serving(data)


def serve(
    settings: Settings, dsn: str, *, announce: Announce, introduce: Callable[[FirstAdministrator | None], None]
) -> None:
    """Prepare the installation, listen, and answer until told to stop."""
    logs.configure(settings.log.format, settings.log.level)
    introduce(asyncio.run(composition.prepare(settings, dsn)))
    listening = _listen(settings.server.host, settings.server.port)
    announce(f"Roster serves on http://{settings.server.host}:{listening.getsockname()[1]}")
    if settings.server.workers == 1:
        _work(settings, dsn, listening)
    else:
        Parent(settings, dsn, listening).run()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise SystemExit(f"roster: cannot listen on {host}:{port}: {error.strerror}") from None
    listening.listen(_BACKLOG)
    listening.set_inheritable(True)
    return listening


def _work(settings: Settings, dsn: str, listening: socket.socket, number: int = 0, parent: int | None = None) -> None:
    """Answer requests in this process until SIGTERM or SIGINT. Worker 0 also does the background work."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_answer(settings, dsn, listening, number, parent))


async def _answer(settings: Settings, dsn: str, listening: socket.socket, number: int, parent: int | None) -> None:
    """`parent` is a pipe that ends with the parent: workers do not outlive it, however it ends."""
    runtime = Runtime.open(settings, dsn)
    background = composition.Background(runtime) if number == 0 else None
    application = composition.application(
        runtime, start=background and background.start, stop=background and background.stop
    )
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.server.drain_seconds,
        timeout_keep_alive=75,
    )
    server = _Server(config)
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent, server.stop)
    try:
        await server.serve(sockets=[listening])
    finally:
        await runtime.close()


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM and returns, instead of letting the signal end the process before clean-up."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self.stop)
        yield

    def stop(self) -> None:
        """Take no new connections, finish what runs, then return from `serve`."""
        self.should_exit = True


class Parent:
    """Starts the workers, replaces those that die, and passes the signal to stop on to them."""

    def __init__(self, settings: Settings, dsn: str, listening: socket.socket) -> None:
        self._settings = settings
        self._dsn = dsn
        self._listening = listening
        self._workers: dict[int, int] = {}
        self._stopping = False
        self._alive, self._held = os.pipe()

    def run(self) -> None:
        """Returns when all workers have ended after a signal to stop."""
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._stop)
        for number in range(self._settings.server.workers):
            self._start(number)
        while self._workers:
            self._replace(*os.wait())

    def _start(self, number: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._become_worker(number)
        self._workers[pid] = number
        if self._stopping:
            os.kill(pid, signal.SIGTERM)

    def _become_worker(self, number: int) -> None:
        """Never returns: what the parent still has on its stack is not the worker's to clean up."""
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.close(self._held)
            _work(self._settings, self._dsn, self._listening, number, self._alive)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _replace(self, pid: int, status: int) -> None:
        number = self._workers.pop(pid, None)
        if number is None or self._stopping:
            return
        logs.logger("roster.process").error("worker.died", worker=number, pid=pid, status=status)
        if status:
            time.sleep(_PAUSE)
        self._start(number)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._workers):
            os.kill(pid, signal.SIGTERM)
