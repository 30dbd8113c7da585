"""The database goes away and comes back, as a whole and connection by connection."""

import asyncio
import os
import signal

import asyncpg
import httpx
import pytest

from roster.storage import embedded, postmaster
from tests import processes, servers
from tests.faults.load import Load
from tests.faults.trail import Records
from tests.servers import Installation, Server


async def stop_at_once(database: embedded.Embedded, number: signal.Signals = signal.SIGQUIT) -> None:
    """No goodbye, and recovery at the next start: SIGQUIT is what `pg_ctl stop -m immediate` sends.

    When the first process is killed the others find out by themselves.
    """
    found = postmaster.find(database.folder)
    assert found is not None
    os.kill(found.pid, number)
    await asyncio.to_thread(processes.until, lambda: not postmaster.exists(found.pid))


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_database_that_is_stopped_and_started_under_load(
    installation: Installation, fragile: embedded.Embedded, workers: str
) -> None:
    with servers.serving(installation, "--workers", workers) as server:
        before = set(server.workers) | {server.process.pid}
        bearer = server.sign_in()
        async with Load(server, bearer, "load-") as load:
            for number in (signal.SIGQUIT, signal.SIGKILL):
                await load.until_acknowledged(20)
                await stop_at_once(fragile, number)
                refused = await load.until_refused()
                assert refused.headers["content-type"] == "application/problem+json"
                assert refused.json()["code"] == "unavailable"
                assert int(refused.headers["retry-after"]) >= 1
                await expect_its_own_words(server, bearer)
                await asyncio.to_thread(fragile.start)
                await load.until_acknowledged(20)

        assert load.answers.keys() == {201, 503}
        assert set(server.workers) | {server.process.pid} == before
        assert "request.failed" not in server.logged()
        assert installation.url is not None
        connection = await asyncpg.connect(installation.url)
        await Records(connection).expect("load-", load.acknowledged)
        await connection.close()


async def expect_its_own_words(server: Server, bearer: dict[str, str]) -> None:
    """Meanwhile every front door says the same in its own form."""
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
        native = await client.get("/api/v1/me")
        other = await client.get("/acceleratxr/v1/users/me")
        ready = await client.get("/health/ready")
        live = await client.get("/health/live")
    assert [each.status_code for each in (native, other, ready, live)] == [503, 503, 503, 200]
    assert all(each.headers["retry-after"] == "1" for each in (native, other, ready))
    assert native.headers["content-type"] == "application/problem+json"
    assert {"code", "message"} <= other.json().keys()
    assert "detail" not in other.json()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_stops_while_the_database_is_away(
    installation: Installation, fragile: embedded.Embedded, workers: str
) -> None:
    with servers.serving(installation, "--workers", workers) as server:
        bearer = server.sign_in()
        await stop_at_once(fragile)
        try:
            await expect_its_own_words(server, bearer)
            assert await asyncio.to_thread(server.stop) == 0
        finally:
            await asyncio.to_thread(fragile.start)


async def test_a_connection_that_is_lost_in_the_middle_of_a_change(server: Server, records: Records) -> None:
    bearer = server.sign_in()
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
        async with records.connection.transaction():
            await records.connection.execute("LOCK TABLE outbox_events IN ACCESS EXCLUSIVE MODE")
            answer = asyncio.create_task(client.post("/api/v1/users", json={"username": "torn"}))
            pid = await backend(records)
            await records.connection.execute("SELECT pg_terminate_backend($1)", pid)
            torn = await answer
        assert (torn.status_code, torn.json()["code"]) == (503, "unavailable")
        assert torn.headers["retry-after"] == "1"
        assert await records.people("torn") == []

        assert (await client.post("/api/v1/users", json={"username": "torn"})).status_code == 201
    await records.expect("torn", ["torn"])


async def test_connections_that_are_cut_again_and_again(server: Server, records: Records) -> None:
    async with Load(server, server.sign_in(), "cut-") as load:
        for _ in range(20):
            await load.until_acknowledged(3)
            await records.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'roster'"
            )

    assert load.answers.keys() <= {201, 503}
    await records.expect("cut-", load.acknowledged)


async def backend(records: Records) -> int:
    """The server's connection that has come to the lock."""
    async with asyncio.timeout(60):
        while True:
            pid = await records.waits_for_a_lock()
            if pid is not None:
                return pid
