"""A token of somebody who is gone fails on the very next request, on every worker, however they went."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests import servers
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
