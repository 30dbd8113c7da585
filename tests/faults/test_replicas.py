"""Servers with a replica: what it takes off the primary, and that nobody notices when it goes."""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from roster.storage import embedded
from tests import servers, standby
from tests.processes import until
from tests.servers import PASSWORD, Installation, Server
from tests.standby import Standby

_READERS = 4
PEOPLE = "/api/v1/users?limit=100"


@pytest.fixture(scope="module")
def replica(fragile: embedded.Embedded, shared: str) -> Iterator[Standby]:
    """Its replica."""
    with standby.following(fragile) as replica:
        yield replica


@pytest.fixture(scope="module")
def both(shared: str, replica: Standby) -> Iterator[tuple[Server, Server]]:
    """Two servers, the first with two workers, that use the replica."""
    env = {
        "ROSTER_DATABASE_REPLICA_URLS": replica.beside(shared),
        "ROSTER_DATABASE_REPLICA_LAG_SECONDS": "600",
        "ROSTER_SECURITY_SECRET_KEY": "A" * 43,
    }
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name, ExitStack() as stack:
        one, other = Installation(Path(name) / "one", shared), Installation(Path(name) / "other", shared)
        first = stack.enter_context(servers.serving(one, "--workers", "2", env=env))
        yield first, stack.enter_context(servers.serving(other, env=env))


@pytest.fixture
def clients(both: tuple[Server, Server]) -> Iterator[list[httpx.Client]]:
    """One connection to each of the three workers, all of which use the replica."""
    first, second = both
    clients = [*first.client_of_each_worker(2), second.client()]
    for client in clients:
        until(lambda client=client: metric(client, "roster_replica_usable") == 1)
    yield clients
    for client in clients:
        client.close()


def metric(client: httpx.Client, name: str, labels: str = "") -> float:
    """What a worker counts."""
    lines = client.get("/metrics").text.splitlines()
    found = [line for line in lines if line.startswith(name) and labels in line]
    return float(found[0].rpartition(" ")[2])


def answered(clients: list[httpx.Client]) -> float:
    """Lists that came from the replica."""
    return sum(metric(client, "roster_replica_lists_total", 'outcome="answered"') for client in clients)


def names(client: httpx.Client, bearer: dict[str, str]) -> set[str]:
    answer = client.get(PEOPLE, headers=bearer)
    assert answer.status_code == 200, answer.text
    return {each["username"] for each in answer.json()["items"]}


def make(client: httpx.Client, bearer: dict[str, str], name: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/users", headers=bearer, json={"username": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def another_administrator(client: httpx.Client, server: Server) -> dict[str, str]:
    """Somebody else who may see everybody."""
    name = f"boss-{os.urandom(4).hex()}"
    made = make(client, server.sign_in(), name, password=PASSWORD)
    given = client.post(f"/api/v1/users/{made['id']}/assignments", headers=server.sign_in(), json={"role": "admin"})
    assert given.status_code == 201, given.text
    return server.sign_in(name)


async def test_who_writes_through_one_worker_sees_it_at_once_through_every_other(
    both: tuple[Server, Server], clients: list[httpx.Client], replica: Standby
) -> None:
    one, other = both[0].sign_in(), another_administrator(clients[0], both[1])
    until(lambda: "admin" in names(clients[0], other))
    before = names(clients[0], other)
    async with replica.paused():
        for turn in range(12):
            name = f"turn-{turn}-{os.urandom(4).hex()}"
            make(clients[turn % 3], one, name)
            assert all(name in names(client, one) for client in clients), turn
        stale = [names(client, other) for client in clients]
        assert all(seen <= before for seen in stale)


async def test_what_is_taken_away_counts_at_once_though_the_replica_does_not_know(
    both: tuple[Server, Server], clients: list[httpx.Client], replica: Standby
) -> None:
    admin, bearer = both[0].sign_in(), another_administrator(clients[0], both[1])
    assert clients[2].get(PEOPLE, headers=bearer).status_code == 200
    person = clients[0].get("/api/v1/me", headers=bearer).json()["user"]["id"]
    async with replica.paused():
        gone = clients[0].patch(f"/api/v1/users/{person}", headers=admin, json={"status": "disabled"})
        assert gone.status_code == 200, gone.text
        assert {client.get(PEOPLE, headers=bearer).status_code for client in clients[:2]} == {401}
        until(lambda: clients[2].get(PEOPLE, headers=bearer).status_code == 401)


def test_lists_of_every_api_come_from_the_replica(both: tuple[Server, Server], clients: list[httpx.Client]) -> None:
    bearer, client = another_administrator(clients[0], both[1]), clients[2]
    acceleratxr = {"Authorization": bearer["Authorization"].replace("Bearer", "jwt")}
    for path, headers in [
        (PEOPLE, bearer),
        ("/api/v1/users?filter=username+co+%22admin%22&total=true", bearer),
        ("/api/v1/roles", bearer),
        ("/api/v1/audit", bearer),
        ("/api/v1/exports", bearer),
        ("/acceleratxr/v1/users", acceleratxr),
        ("/fulfillmenttools/main/api/users", bearer),
    ]:

        def comes_from_it(path: str = path, headers: dict[str, str] = headers) -> bool:
            before = answered([client])
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200, (path, answer.text)
            return answered([client]) > before

        until(comes_from_it)


async def test_no_request_fails_when_the_replica_is_killed_and_it_is_used_again_when_it_is_back(
    both: tuple[Server, Server], clients: list[httpx.Client], replica: Standby
) -> None:
    bearer = both[0].sign_in()
    answers: Counter[int] = Counter()

    async def read(server: Server) -> None:
        async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
            while True:
                answers[(await client.get(PEOPLE)).status_code] += 1

    readers = [asyncio.create_task(read(both[turn % 2])) for turn in range(_READERS)]
    try:
        for _ in range(2):
            await until_more(answers, 40)
            await asyncio.to_thread(replica.kill)
            await until_more(answers, 40)
            ready = await asyncio.to_thread(clients[0].get, "/health/ready")
            assert ready.status_code == 200
            await asyncio.to_thread(replica.start)
            before = answered(clients)
            await asyncio.to_thread(until, lambda before=before: answered(clients) > before + 20)
    finally:
        for each in readers:
            each.cancel()
        ended = await asyncio.gather(*readers, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
    assert answers.keys() == {200}
    assert "request.failed" not in both[0].logged() + both[1].logged()
    assert "replica.left_out" in both[0].logged()


async def until_more(answers: Counter[int], more: int) -> None:
    wanted = answers.total() + more
    async with asyncio.timeout(60):
        while answers.total() < wanted:
            await asyncio.sleep(0.01)


def test_the_doctor_says_what_is_wrong_with_a_replica(shared: str, replica: Standby, tmp_path: Path) -> None:
    installation = Installation(tmp_path, shared)
    urls = f"{replica.beside(shared)},{shared},postgresql://nobody:secret@127.0.0.1:1/gone"
    env = {"ROSTER_DATABASE_REPLICA_URLS": urls, "ROSTER_SECURITY_SECRET_KEY": "A" * 43}
    done = installation.roster("doctor", code=1, env=env)
    assert "lacks 0.0 MB of the log" in done.stdout
    assert "takes writes itself" in done.stdout
    assert "127.0.0.1:1" in done.stdout
    assert "secret@" not in done.stdout
