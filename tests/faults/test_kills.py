"""`kill -9` of a server, of its parent, of one of its workers."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from roster.bus.server import BusServer
from roster.storage import embedded as embedding
from roster.storage import postmaster
from tests import processes, servers
from tests.faults.load import Load
from tests.faults.trail import Records
from tests.servers import Installation


async def test_what_was_acknowledged_outlives_a_server_that_is_killed(
    installation: Installation, records: Records
) -> None:
    bearer: dict[str, str] = {}
    for attempt in range(3):
        with servers.serving(installation) as server:
            bearer = bearer or server.sign_in()
            async with Load(server, bearer, f"killed-{attempt}-") as load:
                await load.until_acknowledged(10 + 7 * attempt)
                server.kill()
        await records.expect(f"killed-{attempt}-", load.acknowledged)
    with servers.serving(installation) as server, server.client() as client:
        assert client.get("/api/v1/me", headers=bearer).status_code == 200


async def test_a_worker_that_is_killed_is_replaced_while_others_go_on(
    installation: Installation, records: Records
) -> None:
    with servers.serving(installation, "--workers", "3") as server:
        async with Load(server, server.sign_in(), "worker-") as load:
            for _ in range(3):
                await load.until_acknowledged(10)
                await asyncio.to_thread(kill_one, server)
                await load.until_acknowledged(10)
        assert load.answers.keys() == {201}
        assert server.logged().count("worker.died") == 3
    await records.expect("worker-", load.acknowledged)


def kill_one(server: servers.Server) -> None:
    """Kill a worker and wait until there are as many again."""
    before = server.workers
    victim = before[min(before)]
    victim.kill()
    processes.until(lambda: victim.pid not in server.workers and len(server.workers) == len(before))


@pytest.fixture(scope="module")
def embedded() -> Iterator[Installation]:
    """An installation with the database in its folder."""
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name:
        installation = Installation(Path(name) / "data")
        with servers.serving(installation):
            pass
        yield installation
        embedding.Embedded(installation.data).stop()


def database_of(installation: Installation) -> postmaster.Postmaster | None:
    return postmaster.find(installation.data / "postgres")


def test_workers_do_not_outlive_their_parent_and_the_last_one_stops_the_database(embedded: Installation) -> None:
    with servers.serving(embedded, "--workers", "2") as server:
        workers = list(server.workers.values())
        assert len(workers) == 2

        server.process.kill()
        server.process.wait()

        _, alive = psutil.wait_procs(workers, timeout=60)
        assert alive == []
        processes.until(lambda: database_of(embedded) is None)
        with pytest.raises(httpx.ConnectError), server.client() as client:
            client.get("/health/live")


def test_workers_that_are_starting_do_not_outlive_their_parent_either(installation: Installation) -> None:
    server = servers.start(installation, "--workers", "2", log=installation.data / "test.log")
    workers = list(processes.until(lambda: server.workers).values())

    server.process.kill()

    _, alive = psutil.wait_procs(workers, timeout=60)
    server.process.wait()
    server.process.close()
    assert alive == []
    assert "Traceback" not in server.logged()


def test_the_database_of_a_killed_server_is_adopted_by_the_next_one(embedded: Installation) -> None:
    with servers.serving(embedded) as server:
        before = database_of(embedded)
        server.process.kill()
        server.process.wait()
    assert before is not None
    assert database_of(embedded) == before

    with servers.serving(embedded) as again:
        assert database_of(embedded) == before
        again.sign_in()
    assert database_of(embedded) is None


async def test_a_machine_that_goes_down_with_everything_on_it(embedded: Installation) -> None:
    told: list[Load] = []
    for attempt in range(2):
        with servers.serving(embedded, "--bus", "--workers", "2") as server:
            async with Load(server, server.sign_in(), f"down-{attempt}-") as load:
                await load.until_acknowledged(20)
                await asyncio.to_thread(kill_everything, embedded, server)
        told.append(load)
        assert load.answers.keys() <= {201, 503}
    with servers.serving(embedded, "--bus") as server:
        assert server.sign_in()
        connection = await asyncpg.connect(embedding.Embedded(embedded.data).dsn)
        for attempt, load in enumerate(told):
            await Records(connection).expect(f"down-{attempt}-", load.acknowledged)
        await connection.close()
        assert "request.failed" not in server.logged()


def kill_everything(installation: Installation, server: servers.Server) -> None:
    """The database and the bus first, so that there is a moment at which the server finds them gone."""
    database, bus = database_of(installation), BusServer(installation.data).pid()
    assert database is not None
    assert bus is not None
    os.kill(database.pid, signal.SIGKILL)
    os.kill(bus, signal.SIGKILL)
    server.kill()


BROKEN = """
from roster import app, cli
def background(*_, **__):
    raise RuntimeError("nothing works")
app.Background = background
cli.main()
"""


def test_workers_that_cannot_start_end_the_server(installation: Installation) -> None:
    command = [sys.executable, "-c", BROKEN, "serve", "--workers", "2", "--port", "0", *installation.arguments]
    done = subprocess.run(command, env=servers.environment(), capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "nothing works" in done.stderr
    assert done.stderr.splitlines()[-1] == "roster: The workers cannot start."
    assert "serves on" not in done.stderr


def test_a_signal_that_comes_again_and_again_does_no_harm(installation: Installation) -> None:
    with servers.serving(installation, "--workers", "2") as server:
        below = list(server.workers.values())
        for _ in range(5):
            server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert not any(each.is_running() for each in below)


def test_a_worker_that_hangs_is_killed_by_the_third_signal(installation: Installation) -> None:
    with servers.serving(installation, "--workers", "2") as server:
        workers = server.workers
        next(iter(workers.values())).suspend()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            server.signal(number)

        assert server.ended() == 0
        assert not any(each.is_running() for each in workers.values())
