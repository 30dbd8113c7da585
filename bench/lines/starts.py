"""How long a start takes, and what the whole stack holds in memory when nobody asks for anything."""

import http.client
import statistics
import time

from bench import meter, processes
from bench.load import LOOPBACK, Call
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage, api, as_administrator

_IDLE = 3.0
_STEP = 0.005
_PATIENCE = 60.0


def lines(stage: Stage) -> list[Line]:
    """Nothing runs before and after: each start brings PostgreSQL along."""
    taken: list[float] = []
    memory: list[tuple[float, float]] = []
    for number in range(stage.size.starts):
        started = time.perf_counter()
        port = processes.free_port()
        server = processes.start(processes.serve_command(stage.data, port), port, stage.log)
        try:
            _wait_for_answer(stage, server)
            taken.append(time.perf_counter() - started)
            if number == stage.size.starts - 1:
                memory.append(_idle(stage, server))
        finally:
            server.stop()
    return [
        Line(
            name="warm start to first answer, PostgreSQL included",
            figure=statistics.median(taken),
            unit="s",
            low=min(taken),
            high=max(taken),
            most=3,
        ),
        memory_line("idle after a start", *memory[0], most=250),
    ]


def memory_line(when: str, server: float, database: float, *, most: float | None = None) -> Line:
    """A line about memory in MB."""
    detail = f"server {server:.0f} MB, PostgreSQL {database:.0f} MB"
    return Line(name=f"memory (PSS), {when}", figure=server + database, unit="MB", most=most, detail=detail)


def held(stage: Stage, server: Server) -> tuple[float, float]:
    """Megabytes of server and PostgreSQL."""
    return meter.pss_of(server.pid), meter.pss_of(stage.database)


def _idle(stage: Stage, server: Server) -> tuple[float, float]:
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
