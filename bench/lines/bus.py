"""A request over the bus against the same over HTTP: CPU of the server."""

import asyncio
import itertools
import time
from collections.abc import Sequence

import msgspec
import nats
from nats.aio.client import Client
from nats.errors import Error

from bench import judging, processes, trial
from bench.calls import as_administrator
from bench.load import Call, Outcome
from bench.processes import Server
from bench.report import Line
from bench.stage import CONNECTIONS, Stage
from bench.trial import Window
from roster.bus.server import BusServer

BAR = 1.5
_BY_QUERY = "user-service.get-users-by-query"
_PATIENCE = 30.0

Message = tuple[str, bytes]


def lines(stage: Stage, _server: Server) -> list[Line]:
    """On a server of its own that has a bus; one worker, as many requests at once as over HTTP."""
    people = [str(stage.main.person_id(number)) for number in stage.main.some()]
    with stage.beside("bus", "--bus") as server:
        calls = as_administrator(stage.main, [Call("GET", f"/wellbee/admin/user/{each}") for each in people])
        queries = [(_BY_QUERY, _data({"query": {"id": each}})) for each in people]
        with asyncio.Runner() as runner:
            bus = runner.run(_join(BusServer(stage.folder / "bus")))
            by_bus, over_http = trial.in_turns(
                stage.size.rounds,
                lambda: _window(runner, bus, stage, server, queries),
                lambda: stage.window(server, calls, count=stage.size.requests),
            )
            runner.run(bus.close())
    return [
        judging.over(
            f"{_BY_QUERY} for one user",
            by_bus,
            over_http,
            called="GET /admin/user/{id}",
            by=judging.SERVER,
            most=BAR,
            note="NATS itself apart",
        )
    ]


def _data(data: object) -> bytes:
    return msgspec.json.encode({"reqId": "bench", "transactionId": "bench", "data": data})


async def _join(bus: BusServer) -> Client:
    """A peer on the bus, once somebody answers there. Raises Failed."""
    credentials = bus.credentials()
    if credentials is None:
        raise processes.Failed("There is no bus.")
    peer = await nats.connect(credentials.url)  # pyright: ignore[reportUnknownMemberType]
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        try:
            await peer.request(_BY_QUERY, _data({"query": {"id": "nobody"}}), 1)
        except Error:
            await asyncio.sleep(0.05)
        else:
            return peer
    raise processes.Failed("Nobody answers on the bus.")


def _window(runner: asyncio.Runner, bus: Client, stage: Stage, server: Server, messages: Sequence[Message]) -> Window:
    before = trial.usage(server, stage.database)
    outcome = runner.run(_ask(bus, messages, stage.size.requests))
    return Window(outcome, trial.usage(server, stage.database).since(before))


async def _ask(bus: Client, messages: Sequence[Message], count: int) -> Outcome:
    """So many requests in closed loop. Raises Failed when one is not answered as it should be."""
    left = itertools.islice(itertools.cycle(messages), count)
    latencies: list[float] = []

    async def work() -> None:
        for subject, data in left:
            began = time.perf_counter()
            answer = await bus.request(subject, data, _PATIENCE)
            latencies.append(time.perf_counter() - began)
            if b'"status":200' not in answer.data[:20] or b'"email"' not in answer.data:
                raise processes.Failed(f"{subject} was answered {answer.data[:300]!r}")

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return Outcome(time.perf_counter() - began, latencies, {200: len(latencies)})
