"""How long a start takes, and what the whole stack holds in memory when nobody asks for anything."""

import http.client
import statistics
import time

import msgspec

from bench import meter, processes
from bench.calls import api, as_administrator
from bench.load import LOOPBACK, Call
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage

_IDLE = 2.0
_STEP = 0.005
_PATIENCE = 60.0


def lines(stage: Stage) -> list[Line]:
    """Nothing runs before and after: each start brings PostgreSQL along."""
    taken = [_started(stage, 1, is_last=number == stage.size.starts - 1) for number in range(stage.size.starts)]
    seconds = [each.seconds for each in taken]
    return [
        Line(
            name="warm start to first answer, PostgreSQL included",
            figure=statistics.median(seconds),
            unit="s",
            low=min(seconds),
            high=max(seconds),
            most=3,
        ),
        memory_line("idle after a start", taken[-1].held, most=250),
        memory_line("idle after a start, two workers", _started(stage, 2, is_last=True).held, most=200),
    ]


class Held(msgspec.Struct, frozen=True):
    """Megabytes (PSS) of server and PostgreSQL."""

    server: float = 0.0
    database: float = 0.0


class Started(msgspec.Struct, frozen=True):
    """Seconds to the first answer, and what was held a while later."""

    seconds: float
    held: Held


def _started(stage: Stage, workers: int, *, is_last: bool) -> Started:
    """Only the last of several waits and looks."""
    began = time.perf_counter()
    port = processes.free_port()
    command = processes.serve_command(stage.data, port, "--workers", str(workers))
    server = processes.start(command, port, stage.log)
    try:
        _wait_for_answer(stage, server)
        seconds = time.perf_counter() - began
        return Started(seconds, _idle(stage, server) if is_last else Held())
    finally:
        server.stop()


def memory_line(when: str, held: Held, *, most: float | None = None) -> Line:
    """A line about memory in MB."""
    note = f"server {held.server:.0f} MB, PostgreSQL {held.database:.0f} MB"
    return Line(name=f"memory (PSS), {when}", figure=held.server + held.database, unit="MB", most=most, note=note)


def held(stage: Stage, server: Server) -> Held:
    """What they hold now."""
    return Held(meter.pss_of(server.pid), meter.pss_of(stage.database))


def _idle(stage: Stage, server: Server) -> Held:
    time.sleep(_IDLE)
    return held(stage, server)


def _wait_for_answer(stage: Stage, server: Server) -> None:
    """The first answer is that to an ordinary request with a token."""
    call = as_administrator(stage.main, [Call("GET", api(stage.main, f"/users/{stage.main.person_id(1)}"))])[0]
    give_up = time.monotonic() + _PATIENCE
    while not _answers(server.port, call):
        if server.process.poll() is not None or time.monotonic() > give_up:
            raise processes.Failed(f"The server does not start: {server.log.read_text(errors='replace')[-2000:]}")
        time.sleep(_STEP)


def _answers(port: int, call: Call) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request(call.method, call.path, headers=call.headers)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
