"""More than a server can do, and clients that take their time."""

import asyncio
import socket
from contextlib import ExitStack

import httpx

from tests import servers
from tests.servers import Installation, Server

TIGHT = {
    "ROSTER_SECURITY_HASH_THREADS": "1",
    "ROSTER_SECURITY_HASH_QUEUE": "1",
    "ROSTER_DATABASE_POOL_SIZE": "2",
    "ROSTER_LIMITS_IDENTITY_GUESSES": "1000",
    "ROSTER_LIMITS_ADDRESS_GUESSES": "1000",
}


async def test_sign_ins_beyond_the_queue_are_asked_to_come_back(installation: Installation) -> None:
    with servers.serving(installation, env=TIGHT) as server:
        body = {"username": "admin", "password": servers.PASSWORD}
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answers = await asyncio.gather(*(client.post("/api/v1/sign-in", json=body) for _ in range(40)))
            refused = [each for each in answers if each.status_code == 503]
            assert {each.status_code for each in answers} == {200, 503}
            assert all(int(each.headers["retry-after"]) >= 1 for each in refused)
            assert all(each.json()["code"] == "unavailable" for each in refused)

            again = await client.post("/api/v1/sign-in", json=body)
            assert again.status_code == 200


def test_slow_clients_hold_no_connection_to_the_database(installation: Installation) -> None:
    with servers.serving(installation, env=TIGHT) as server, ExitStack() as slow:
        bearer = server.sign_in()
        for number in range(30):
            slow.enter_context(half_a_request(server, bearer, number))

        with server.client() as client:
            for _ in range(10):
                assert client.get("/api/v1/me", headers=bearer).status_code == 200
            made = client.post("/api/v1/users", headers=bearer, json={"username": "quick"})
            assert made.status_code == 201


def half_a_request(server: Server, bearer: dict[str, str], number: int) -> socket.socket:
    """A connection whose body never comes to its end."""
    url = httpx.URL(server.url)
    assert url.port is not None
    connection = socket.create_connection((url.host, url.port))
    head = [
        "POST /api/v1/users HTTP/1.1",
        f"Host: {url.host}",
        f"Authorization: {bearer['Authorization']}",
        "Content-Type: application/json",
        "Content-Length: 1000",
        "",
        f'{{"username": "slow-{number}", ',
    ]
    connection.sendall("\r\n".join(head).encode())
    return connection


def test_a_client_that_goes_away_takes_nothing_along(installation: Installation) -> None:
    with servers.serving(installation, env=TIGHT) as server:
        bearer = server.sign_in()
        for number in range(20):
            half_a_request(server, bearer, number).close()

        with server.client() as client:
            assert client.get("/api/v1/me", headers=bearer).status_code == 200
            found = client.get("/api/v1/users", headers=bearer).json()["items"]
        assert [each["username"] for each in found] == ["admin"]
