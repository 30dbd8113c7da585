"""A token of somebody who is gone fails on the very next request, on every worker, however they went."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from roster.storage import hearing
from tests import servers
from tests.faults import trail
from tests.processes import until
from tests.servers import Installation, Server

PATHS = ("/api/v1/me", "/acceleratxr/v1/users/me")


@pytest.fixture
def clients(installation: Installation) -> Iterator[tuple[Server, list[httpx.Client]]]:
    """A server with two workers, and a connection to each."""
    with servers.serving(installation, "--workers", "2") as server:
        clients = server.client_of_each_worker(2)
        yield server, clients
        for client in clients:
            client.close()


def test_a_token_fails_at_once_on_every_worker(
    clients: tuple[Server, list[httpx.Client]], installation: Installation
) -> None:
    server, (first, second) = clients
    admin = server.sign_in()
    for number, (name, go) in enumerate(ways(admin, installation).items()):
        person = f"person-{number}"
        made = first.post("/api/v1/users", headers=admin, json={"username": person, "password": servers.PASSWORD})
        assert made.status_code == 201, made.text
        bearer = server.sign_in(person)
        assert statuses((first, second), bearer) == {200}, name

        go(first, made.json()["id"], bearer)

        assert statuses((second, first), bearer) == {401}, name


Way = Callable[[httpx.Client, str, dict[str, str]], object]


def ways(admin: dict[str, str], beside: Installation) -> dict[str, Way]:
    """How somebody can be gone, from their own doing to the command line's."""

    def disable(client: httpx.Client, person: str, _: dict[str, str]) -> httpx.Response:
        return client.patch(f"/api/v1/users/{person}", headers=admin, json={"status": "disabled"})

    return {
        "deleted": lambda client, person, _: client.delete(f"/api/v1/users/{person}", headers=admin),
        "disabled": disable,
        "signed out": lambda client, _, bearer: client.post("/api/v1/sign-out", headers=bearer),
        "deleted by command": lambda _, person, __: beside.roster("user", "delete", person),
        "disabled by command": lambda _, person, __: beside.roster("user", "disable", person),
        "new password by command": lambda _, person, __: beside.roster("user", "set-password", person),
    }


def statuses(clients: tuple[httpx.Client, ...], bearer: dict[str, str]) -> set[int]:
    """What every worker answers at every front door."""
    return {client.get(path, headers=bearer).status_code for client in clients for path in PATHS}


def test_what_one_worker_changes_counts_for_the_very_next_request_of_another(
    clients: tuple[Server, list[httpx.Client]],
) -> None:
    """Again and again, each worker in turn the one that changes something."""
    server, (first, second) = clients
    admin = server.sign_in()
    person = made(first, admin, "/users", username="reader", password=servers.PASSWORD)
    role = made(first, admin, "/roles", name="readers", permissions=["users.read"])
    bearer = server.sign_in("reader")
    for turn in range(100):
        one, other = (first, second) if turn % 2 else (second, first)
        assert reading(other, bearer) == 403, turn
        given = made(one, admin, f"/users/{person['id']}/assignments", role=role["name"])
        assert reading(other, bearer) == 200, turn
        taken = one.delete(f"/api/v1/users/{person['id']}/assignments/{given['id']}", headers=admin)
        assert taken.status_code == 204, taken.text
        assert reading(other, bearer) == 403, turn


def test_a_session_that_ends_on_one_worker_is_refused_by_another_at_once(
    clients: tuple[Server, list[httpx.Client]],
) -> None:
    server, (first, second) = clients
    for turn in range(30):
        one, other = (first, second) if turn % 2 else (second, first)
        bearer = server.sign_in()
        assert statuses((one, other), bearer) == {200}, turn

        assert one.post("/api/v1/sign-out", headers=bearer).status_code == 204

        assert other.get("/api/v1/me", headers=bearer).status_code == 401, turn


def test_a_realm_that_is_closed_is_closed_at_once(clients: tuple[Server, list[httpx.Client]]) -> None:
    server, (first, second) = clients
    admin = server.sign_in()
    made(first, admin, "/realms", slug="other")
    made(first, {**admin, "Roster-Realm": "other"}, "/users", username="boss", password=servers.PASSWORD)
    boss = server.sign_in("boss", realm="other")
    assert {client.get("/api/v1/me", headers=boss).status_code for client in (first, second)} == {200}

    changed = first.patch("/api/v1/realms/other", headers=admin, json={"status": "disabled"})

    assert changed.status_code == 200, changed.text
    assert {client.get("/api/v1/me", headers=boss).status_code for client in (second, first)} == {401}


async def test_what_is_changed_by_hand_is_heard(
    clients: tuple[Server, list[httpx.Client]], records: trail.Records
) -> None:
    server, (first, second) = clients
    bearer = server.sign_in()
    assert statuses((first, second), bearer) == {200}

    await records.connection.execute("UPDATE sessions SET ended_at = now()")

    until(lambda: statuses((first, second), bearer) == {401})


async def test_whoever_does_not_hear_for_a_while_believes_nothing(
    clients: tuple[Server, list[httpx.Client]], records: trail.Records
) -> None:
    """Their listening connections are lost again and again while sessions end, by themselves and by hand."""
    server, (first, second) = clients
    for turn in range(10):
        bearer, by_hand = server.sign_in(), server.sign_in()
        assert statuses((first, second), bearer) == statuses((first, second), by_hand) == {200}, turn
        await records.connection.execute(KILL, hearing.NAME)

        assert first.post("/api/v1/sign-out", headers=bearer).status_code == 204
        assert second.get("/api/v1/me", headers=bearer).status_code == 401, turn

        await records.connection.execute("UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL")
        until(lambda bearer=by_hand: statuses((first, second), bearer) == {401})


LISTENING = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()"
KILL = "SELECT pg_terminate_backend(pid) FROM (" + LISTENING + ") listening"


def made(client: httpx.Client, admin: dict[str, str], path: str, **body: object) -> dict[str, Any]:
    """What was made."""
    answer = client.post(f"/api/v1{path}", headers=admin, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def reading(client: httpx.Client, bearer: dict[str, str]) -> int:
    return client.get("/api/v1/users", headers=bearer).status_code
