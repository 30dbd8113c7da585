"""A server that is told to stop finishes what runs, and hurries when it is told again."""

import asyncio
import signal

import httpx
import pytest

from tests import processes, servers
from tests.faults.load import Load
from tests.faults.test_database import backend
from tests.faults.trail import Records
from tests.servers import Installation, Server

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


def refuses(server: Server) -> bool:
    """Whether nobody can connect any more."""
    try:
        with server.client() as client:
            client.get("/health/live")
    except httpx.TransportError:
        return True
    return False


@WORKERS
async def test_a_running_request_is_finished(installation: Installation, records: Records, workers: str) -> None:
    with servers.serving(installation, "--workers", workers) as server:
        bearer = server.sign_in()
        async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
            async with records.connection.transaction():
                await records.connection.execute("LOCK TABLE outbox_events IN ACCESS EXCLUSIVE MODE")
                answer = asyncio.create_task(client.post("/api/v1/users", json={"username": "patient"}))
                await backend(records)
                server.signal(signal.SIGTERM)
                await asyncio.to_thread(processes.until, lambda: refuses(server))
                assert not answer.done()
            assert (await answer).status_code == 201
        assert await asyncio.to_thread(server.ended) == 0
    await records.expect("patient", ["patient"])


@WORKERS
async def test_a_second_signal_breaks_off_what_runs(installation: Installation, records: Records, workers: str) -> None:
    with servers.serving(installation, "--workers", workers) as server:
        bearer = server.sign_in()
        client = httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60)
        async with client, records.connection.transaction():
            await records.connection.execute("LOCK TABLE outbox_events IN ACCESS EXCLUSIVE MODE")
            answer = asyncio.create_task(client.post("/api/v1/users", json={"username": "hasty"}))
            await backend(records)
            server.signal(signal.SIGTERM)
            await asyncio.to_thread(processes.until, lambda: refuses(server))
            server.signal(signal.SIGTERM)
            broken = await answer
            assert (broken.status_code, broken.json()["code"]) == (503, "unavailable")
            assert await asyncio.to_thread(server.ended) == 0
    assert await records.people("hasty") == []


@WORKERS
async def test_nothing_is_lost_of_what_was_acknowledged_while_stopping(
    installation: Installation, records: Records, workers: str
) -> None:
    with servers.serving(installation, "--workers", workers) as server:
        async with Load(server, server.sign_in(), "stopping-") as load:
            await load.until_acknowledged(30)
            server.signal(signal.SIGTERM)
            assert await asyncio.to_thread(server.ended) == 0
    assert load.answers.keys() == {201}
    await records.expect("stopping-", load.acknowledged)


def test_listeners_do_not_keep_a_server_from_stopping(server: Server) -> None:
    bearer = server.sign_in()
    with server.client() as client, client.stream("GET", "/api/v1/events", headers=bearer) as events:
        assert events.status_code == 200
        pieces = events.iter_text()
        next(pieces)

        server.signal(signal.SIGTERM)

        assert server.ended() == 0
        assert list(pieces) == []


def test_connections_that_say_nothing_do_not_keep_a_server_from_stopping(server: Server) -> None:
    with server.client() as client:
        client.get("/health/live")

        assert server.stop() == 0
