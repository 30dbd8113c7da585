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
from roster.settings import Settings
from roster.storage.runtime import Runtime
from roster.web.protocol import Protocol, WebSocketProtocol

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the way services are stopped, and the terminal that goes away."""
_LAST_WORDS: Final = 0.25
"""Seconds in which requests that were broken off can still say so."""

_LARGEST_FRAME: Final = 1_048_576
"""Bytes of a message over a websocket."""

Ready = Callable[[], None]


class Place(msgspec.Struct, frozen=True):
    """Where to answer, and from which database."""

    settings: Settings
    dsn: str
    socket: socket
    number: int = 0
    parent: int | None = None
    """A pipe that ends when the parent does, however it does: workers do not outlive it."""


def run(place: Place, ready: Ready, signals: tuple[signal.Signals, ...] = STOPPING) -> None:
    """Answer until one of the signals; a second one breaks off what still runs. `ready` is called once it answers.

    From then on these signals do nothing any more, so that nothing disturbs the way out.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runtime = composition.runtime_of(place.settings, place.dsn)
        server = _Server(_config(runtime), ready, lambda: composition.hush(runtime))
        _obey(signals, runner.get_loop(), server.stop)
        runner.run(_answer(runtime, server, place))


async def _answer(runtime: Runtime, server: "_Server", place: Place) -> None:
    """Worker 0 also does what an installation needs done once. Whatever happens, all of it is ended in order."""
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

    def __init__(self, config: uvicorn.Config, ready: Ready, hush: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._hush = hush

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        _settle()
        self._ready()

    def stop(self) -> None:
        """Take no new connections, finish what runs, return from `serve`. The second time: break off what runs."""
        if self.should_exit:
            for task in self.server_state.tasks:
                task.cancel()
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._wait_no_longer)
        self.should_exit = True
        self._hush()

    def _wait_no_longer(self) -> None:
        self.force_exit = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:  # then it left this out
            await self.lifespan.shutdown()
