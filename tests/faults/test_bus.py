"""The bus goes away and comes back while people are deleted: listeners hear of every one, in order."""

import asyncio
import os
import signal

import httpx
import psutil

from roster.bus.server import BusServer, Credentials
from tests import buses, processes, servers
from tests.buses import Peer
from tests.servers import Installation, Server

DELETED = "pub.user-service.user-deleted"
PATIENT = {"reconnect_time_wait": 0.05, "max_reconnect_attempts": -1}


async def quiet(_: Exception) -> None:
    """What the listener's own library complains about is not our affair."""


def credentials(installation: Installation) -> Credentials:
    found = BusServer(installation.data).credentials()
    assert found is not None
    return found


async def people(client: httpx.AsyncClient, count: int) -> list[str]:
    made: list[str] = []
    for _ in range(count):
        answer = await client.post("/api/v1/users", json={"username": f"bus-{os.urandom(6).hex()}"})
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    return made


async def delete(client: httpx.AsyncClient, wanted: list[str]) -> None:
    for each in wanted:
        assert (await client.delete(f"/api/v1/users/{each}")).status_code == 204
        await asyncio.sleep(0)


async def kill_nats(installation: Installation) -> None:
    bus = BusServer(installation.data)
    pid = bus.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(processes.PATIENCE):
        while bus.pid() in (None, pid) or not bus.running():
            await asyncio.sleep(0.01)


async def heard(peer: Peer, wanted: list[str]) -> list[str]:
    """Whom the listener heard of, each once, when it is everybody."""

    def found() -> list[str]:
        return list(dict.fromkeys(buses.decoded(each)["data"]["userId"] for each in peer.heard))

    async with asyncio.timeout(processes.PATIENCE):
        while set(wanted) - set(found()):
            await asyncio.sleep(0.01)
    return [each for each in found() if each in wanted]


def api(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, headers=server.sign_in(), timeout=processes.PATIENCE)


async def test_everybody_who_is_deleted_is_heard_of_while_nats_is_killed_again_and_again(installation: Installation):
    with servers.serving(installation, "--bus", "--workers", "2") as server:
        await buses.until_telling(installation)
        joined = credentials(installation)
        async with buses.peer(joined, error_cb=quiet, **PATIENT) as peer, api(server) as client:
            await peer.listen(DELETED)
            wanted = await people(client, 90)
            deleting = asyncio.create_task(delete(client, wanted))
            for _ in range(3):
                await kill_nats(installation)
            await deleting
            assert await heard(peer, wanted) == wanted
        assert credentials(installation) == joined
        assert "Traceback" not in server.logged()


async def test_another_worker_goes_on_when_the_one_that_tells_is_killed(installation: Installation):
    with servers.serving(installation, "--bus", "--workers", "2") as server:
        await buses.until_telling(installation)
        async with buses.peer(credentials(installation)) as peer, api(server) as client:
            await peer.listen(DELETED)
            wanted = await people(client, 20)
        workers = server.workers
        for number, each in enumerate(sorted(workers)):
            workers[each].kill()
            processes.until(lambda: len(server.workers) == 2 and not set(workers) <= set(server.workers))
            async with buses.peer(credentials(installation)) as peer, api(server) as client:
                await peer.listen(DELETED)
                part = wanted[number * 10 : number * 10 + 10]
                await delete(client, part)
                assert await heard(peer, part) == part


async def test_requests_are_answered_once_after_nats_was_killed(installation: Installation):
    with servers.serving(installation, "--bus", "--workers", "2") as server:
        await buses.until_telling(installation)
        await kill_nats(installation)
        async with buses.peer(credentials(installation)) as peer, asyncio.timeout(processes.PATIENCE):
            while True:
                try:
                    await peer.ask("user-service.get-users-by-query", {"data": {"query": {"id": "x"}}})
                    break
                except Exception:  # noqa: BLE001 (nobody has come back yet)
                    await asyncio.sleep(0.05)
            await peer.listen("answers.here")
            for _ in range(30):
                data = b'{"data":{"query":{"id":"x"}}}'
                await peer.client.publish("user-service.get-users-by-query", data, "answers.here")
            await peer.until_heard(30)
            await peer.ask("user-service.get-users-by-query", {"data": {"query": {"id": "x"}}})
            assert len(peer.heard) == 30
        assert "bus.restarted" in server.logged()


async def test_nats_ends_with_the_last_worker_of_a_server_that_was_killed(installation: Installation):
    bus = BusServer(installation.data)
    with servers.serving(installation, "--bus", "--workers", "2") as server:
        workers = list(server.workers.values())
        assert bus.running()
        server.process.kill()
        server.process.wait()
        _, alive = psutil.wait_procs(workers, timeout=processes.PATIENCE)
        assert alive == []
        processes.until(lambda: bus.pid() is None)


async def test_nats_outlives_a_server_that_is_killed_with_all_its_workers_and_is_adopted(installation: Installation):
    bus = BusServer(installation.data)
    with servers.serving(installation, "--bus") as server:
        before = bus.pid()
        server.kill()
    assert bus.pid() == before
    with servers.serving(installation, "--bus"):
        assert bus.pid() == before
    assert bus.pid() is None
