"""One process that answers requests: the only one of a small server, or one of several under a parent."""

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import socket
from typing import Any, Final

import msgspec
import uvicorn
import uvloop

from roster import app as composition
from roster import logs
from roster.settings import Settings
from roster.storage.runtime import Runtime
from roster.web.exchange import NO_MORE
from roster.web.protocol import Protocol, WebSocketProtocol

FAST: Final = (signal.SIGINT, signal.SIGHUP)
"""Ctrl-C and the terminal that goes away: somebody is waiting."""
LEAVING: Final = signal.SIGTERM
"""The way services are stopped: whoever balances is told first, if the settings give them time."""
STOPPING: Final = (*FAST, LEAVING)
HURRY: Final = signal.SIGUSR1
"""What the parent passes on for `FAST`, which a terminal sends to its workers too, so that they do not listen to it."""
_LAST_WORDS: Final = 0.25
"""Seconds in which requests that were broken off can still say so."""
_TURNS: Final = 2
"""Of the loop, in which everybody who waits to be let in is."""

_TICK: Final = 1.0
"""Seconds for which the time in answers may be the same."""
_LARGEST_FRAME: Final = 1_048_576
"""Bytes of a message over a websocket."""

Ready = Callable[[], None]

_log = logs.logger("roster.process")


class Place(msgspec.Struct, frozen=True):
    """Where to answer, and what does; made before workers are forked, so that they share its memory."""

    runtime: Runtime
    config: uvicorn.Config
    socket: socket
    number: int = 0
    parent: int | None = None
    """A pipe that ends when the parent does, however it does: workers do not outlive it."""


def compose(settings: Settings, dsn: str, bound: socket) -> Place:
    """Everything that needs neither a loop nor threads nor connections: whoever is forked later brings its own."""
    runtime = composition.runtime_of(settings, dsn)
    config = _config(runtime)
    config.load()
    return Place(runtime, config, bound)


def run(place: Place, ready: Ready) -> None:
    """Answer until a signal to stop; each further one goes one step on. `ready` is called once it answers.

    The steps are: leave (`LEAVING` only, and only if the settings give time for it), finish what runs, break it off.
    From then on these signals do nothing any more, so that nothing disturbs the way out.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        server = _Server(place, ready)
        _obey(FAST if place.parent is None else (HURRY,), runner.get_loop(), server.stop)
        _obey((LEAVING,), runner.get_loop(), server.leave)
        runner.run(_answer(server, place))


async def _answer(server: "_Server", place: Place) -> None:
    """Worker 0 also does what an installation needs done once. Whatever happens, all of it is ended in order."""
    runtime = place.runtime
    if place.parent is not None:
        _follow(place.parent, server.stop)
    background = composition.Background(runtime, alone=place.number == 0)
    background.start()
    try:
        await server.serve(sockets=[place.socket])
    finally:
        await background.stop()
        await runtime.close()


def _config(runtime: Runtime) -> uvicorn.Config:
    return uvicorn.Config(
        composition.application(runtime),
        http=Protocol,
        ws=WebSocketProtocol,
        ws_max_size=_LARGEST_FRAME,
        ws_per_message_deflate=False,  # a window of its own for each connection would be most of its memory
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `server.trusted_proxies` decides, and nobody else
        timeout_graceful_shutdown=runtime.settings.server.drain_seconds,
        timeout_keep_alive=75,
    )


def _obey(signals: tuple[signal.Signals, ...], loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Not by `add_signal_handler`, which ends with the loop: then the default, sudden death, would be back."""

    def told(_number: int, _frame: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed, and the way out taken
            loop.call_soon_threadsafe(stop)

    for each in signals:
        if signal.getsignal(each) is not signal.SIG_IGN:  # started with nohup
            signal.signal(each, told)


def _follow(parent: int, stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(parent)
        stop()

    loop.add_reader(parent, gone)


def _settle() -> None:
    """The program itself is never garbage, and what a request leaves is mostly gone by itself: look seldom for more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _Server(uvicorn.Server):
    """Stops when told, not by signals of its own, and is cleaned up in every case."""

    def __init__(self, place: Place, ready: Ready) -> None:
        super().__init__(place.config)
        self._runtime = place.runtime
        self._ready = ready
        self._stopping = asyncio.Event()
        self._end_of_leaving: asyncio.TimerHandle | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        _settle()
        self._ready()

    async def main_loop(self) -> None:
        """Uvicorn's looks ten times a second whether to stop; here it is told. The tick sets the time in answers."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._stopping.wait()

    def leave(self) -> None:
        """Serve on for a time, not being ready for more, and then stop. The second time, or without time: stop."""
        seconds = self._runtime.settings.server.leave_seconds
        if self._end_of_leaving is not None or self.should_exit or not seconds:
            self.stop()
            return
        _log.info("server.leaving", seconds=seconds)
        self._runtime.unready = "leaving"
        self._keep_no_connection()
        self._end_of_leaving = asyncio.get_running_loop().call_later(seconds, self._left)

    def stop(self) -> None:
        """Take no new connections, finish what runs, return from `serve`. The second time: break off what runs."""
        if self.should_exit:
            for task in self.server_state.tasks:
                task.cancel()
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._wait_no_longer)
        self.should_exit = True
        self._stopping.set()
        self._keep_no_connection()
        composition.hush(self._runtime)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)  # and take those who are connected already: who is left is turned away by the system
        await super().shutdown(sockets)
        if self.force_exit:  # then it left this out
            await self.lifespan.shutdown()

    def _left(self) -> None:
        if not self.should_exit:
            self.stop()

    def _keep_no_connection(self) -> None:
        """End each connection with its next answer; an idle one stays, for a request may be on its way."""
        if NO_MORE in self.config.encoded_headers:
            return
        self.config.encoded_headers = [*self.config.encoded_headers, NO_MORE]
        self.server_state.default_headers = [*self.server_state.default_headers, NO_MORE]

    def _wait_no_longer(self) -> None:
        self.force_exit = True
