"""A server that leaves serves on, says that it is not ready, and ends connections in a way that clients understand."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests import processes, servers, websockets
from tests.faults.test_stopping import WORKERS, refuses
from tests.faults.trail import Records
from tests.servers import Installation, Server

LONG = {"ROSTER_SERVER_LEAVE_SECONDS": "600"}
"""Longer than any test waits: what ends in time does so for another reason."""


@pytest.fixture
def leaver(installation: Installation) -> Iterator[Server]:
    with servers.serving(installation, env=LONG) as server:
        yield server
        if server.process.poll() is None:
            server.signal(signal.SIGINT)
            server.ended()


def is_leaving(server: Server) -> bool:
    """Whether it says so, to each of many who ask anew."""
    with server.client() as client:
        answers = [client.get("/health/ready", headers={"Connection": "close"}) for _ in range(8)]
    return all((each.status_code, each.json()) == (503, {"status": "leaving"}) for each in answers)


@WORKERS
def test_it_serves_old_and_new_connections_while_it_is_not_ready_any_more(
    installation: Installation, workers: str
) -> None:
    with servers.serving(installation, "--workers", workers, env=LONG) as server:
        bearer = server.sign_in()
        kept = server.client_of_each_worker(int(workers))
        assert all("connection" not in client.get("/health/live").headers for client in kept)

        server.signal(signal.SIGTERM)
        processes.until(lambda: is_leaving(server))

        for client in [*kept, server.client()]:
            answer = client.get("/api/v1/me", headers=bearer)
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            client.close()
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert refuses(server)


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, "2"), (signal.SIGHUP, "1")])
def test_a_person_who_waits_does_not_wait_for_balancers(
    installation: Installation, number: signal.Signals, workers: str
) -> None:
    with servers.serving(installation, "--workers", workers, env=LONG) as server:
        server.signal(number)
        assert server.ended() == 0


async def test_a_websocket_has_its_answer_and_then_hears_that_the_service_restarts(
    leaver: Server, records: Records
) -> None:
    token = leaver.sign_in()["Authorization"].partition(" ")[2]
    port = int(leaver.url.rpartition(":")[2])
    idle, _ = await websockets.connect(port, f"/wellbee/any?token={token}")
    busy, _ = await websockets.connect(port, f"/wellbee/any?token={token}")
    async with records.connection.transaction():
        await records.connection.execute("LOCK TABLE memberships IN ACCESS EXCLUSIVE MODE")
        await busy.say(QUESTION)
        await records.until_waited_for("memberships")
        leaver.signal(signal.SIGTERM)
        await asyncio.to_thread(processes.until, lambda: is_leaving(leaver))
        late, status = await websockets.connect(port, f"/wellbee/any?token={token}")
        assert status == 101
        leaver.signal(signal.SIGTERM)
        assert await idle.hear() == await late.hear() == (1012, "SERVICE_RESTART")
    assert (await busy.hear())["status"] == 200
    assert await busy.hear() == (1012, "SERVICE_RESTART")
    for each in (idle, busy, late):
        await each.close()
    assert await asyncio.to_thread(leaver.ended) == 0
    assert "Traceback" not in leaver.logged()


QUESTION = {"subject": "ws.get.organisation.my", "message": {"transactionId": "t"}}


async def test_followers_of_events_are_let_go_when_it_stops_and_miss_nothing(
    leaver: Server, installation: Installation
) -> None:
    bearer = leaver.sign_in()
    client = httpx.AsyncClient(base_url=leaver.url, headers=bearer, timeout=processes.PATIENCE)
    async with client, client.stream("GET", EVENTS) as events:
        lines = events.aiter_lines()
        await create(client, "first")
        first = await next_id(lines)
        leaver.signal(signal.SIGTERM)
        await asyncio.to_thread(processes.until, lambda: is_leaving(leaver))
        await create(client, "second")
        second = await next_id(lines)
        await create(client, "third")
        leaver.signal(signal.SIGTERM)
        async for _ in lines:
            pass  # to an end that is one, not to a connection that breaks
    assert await asyncio.to_thread(leaver.ended) == 0
    with servers.serving(installation) as again:
        client = httpx.AsyncClient(
            base_url=again.url, headers={**bearer, "Last-Event-ID": second}, timeout=processes.PATIENCE
        )
        async with client, client.stream("GET", EVENTS) as events:
            assert await next_id(events.aiter_lines()) not in (first, second)


EVENTS = "/api/v1/events?types=user.created"


async def create(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.post("/api/v1/users", json={"username": name})
    assert answer.status_code == 201


async def next_id(lines: AsyncIterator[str]) -> str:
    """Of the next event."""
    async for line in lines:
        if line.startswith("id: "):
            return line[4:]
    raise AssertionError("the events ended")
