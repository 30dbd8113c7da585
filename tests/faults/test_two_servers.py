"""What is changed through one server counts on each worker of another: at once, or as soon as it is heard."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any, Final

import asyncpg
import httpx
import pytest

from roster import app
from roster.core.realms import service as realms
from roster.core.tokens import service as tokens
from roster.storage import hearing
from tests import factories, servers
from tests.faults import pairs, test_revocation
from tests.faults.conftest import Copy
from tests.faults.pairs import Pair
from tests.processes import until
from tests.servers import Installation

_numbers: Final = count(1)


class Sides:
    """A connection to each worker of one server, where things are changed, and of the other, where they count."""

    def __init__(self, pair: Pair, stack: ExitStack) -> None:
        self.pair = pair
        self.here, self.there = [server.client_of_each_worker(2) for server in pair.servers]
        for client in (*self.here, *self.there):
            stack.callback(client.close)
        self.admin = pair.servers[0].sign_in()

    def ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        """As the administrator, of one server."""
        answer = self.here[0].request(method, f"/api/v1{path}", headers=self.admin, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def until_there(self, bearer: dict[str, str], status: int, path: str = "/api/v1/me") -> None:
        """Until every worker of the other server answers so; on our own they do at once."""
        assert statuses(self.here, bearer, path) == {status}
        until(lambda: statuses(self.there, bearer, path) == {status})

    def person(self) -> tuple[str, dict[str, str]]:
        """Somebody who has signed in at the other server, and whom both remember."""
        name = f"person-{next(_numbers)}"
        made = self.ask("POST", "/users", 201, json={"username": name, "password": servers.PASSWORD})
        bearer = self.pair.servers[1].sign_in(name)
        assert statuses(self.here, bearer) == statuses(self.there, bearer) == {200}
        return made["id"], bearer


def statuses(clients: list[httpx.Client], bearer: dict[str, str], path: str = "/api/v1/me") -> set[int]:
    return {client.get(path, headers=bearer).status_code for client in clients}


@pytest.fixture(scope="module")
async def database(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with copy(tmp_path_factory.mktemp("two")) as installation:
        yield installation


@pytest.fixture(scope="module")
def sides(database: Installation) -> Iterator[Sides]:
    with pairs.serving(database, database.data) as pair, ExitStack() as stack:
        yield Sides(pair, stack)


WAYS: Final = ("deleted", "disabled", "signed out", "deleted by command", "new password by command")


@pytest.mark.parametrize("way", WAYS)
def test_a_token_of_somebody_who_is_gone_fails(sides: Sides, way: str) -> None:
    person, bearer = sides.person()

    test_revocation.ways(sides.admin, sides.pair.installations[0])[way](sides.here[0], person, bearer)

    sides.until_there(bearer, 401)


def test_what_a_role_allows_is_given_and_taken(sides: Sides) -> None:
    person, bearer = sides.person()
    role = sides.ask("POST", "/roles", 201, json={"name": "readers", "permissions": ["users.read"]})
    for _ in range(3):
        sides.until_there(bearer, 403, "/api/v1/users")
        given = sides.ask("POST", f"/users/{person}/assignments", 201, json={"role": "readers"})
        sides.until_there(bearer, 200, "/api/v1/users")
        sides.ask("PATCH", f"/roles/{role['id']}", 200, json={"permissions": ["audit.read"]})
        sides.until_there(bearer, 403, "/api/v1/users")
        sides.ask("PATCH", f"/roles/{role['id']}", 200, json={"permissions": ["users.read"]})
        sides.until_there(bearer, 200, "/api/v1/users")
        sides.ask("DELETE", f"/users/{person}/assignments/{given['id']}", 204)
    sides.ask("POST", f"/users/{person}/assignments", 201, json={"role": "readers"})
    sides.until_there(bearer, 200, "/api/v1/users")

    sides.ask("DELETE", f"/roles/{role['id']}", 204)

    sides.until_there(bearer, 403, "/api/v1/users")


def test_a_key_that_is_taken_back_opens_nothing(sides: Sides) -> None:
    person, _ = sides.person()
    made = sides.ask("POST", "/api-keys", 201, json={"kind": "api_key", "user_id": person})
    bearer = {"Authorization": f"Bearer {made['key']}"}
    sides.until_there(bearer, 200)

    sides.ask("DELETE", f"/api-keys/{made['credential']['id']}", 204)

    sides.until_there(bearer, 401)


def test_a_realm_is_closed_and_opened(sides: Sides) -> None:
    bearer = in_realm(sides, "closing")
    sides.until_there(bearer, 200)
    for status, answer in (("disabled", 401), ("active", 200)):
        sides.ask("PATCH", "/realms/closing", 200, json={"status": status})
        sides.until_there(bearer, answer)


def test_rules_of_a_realm_are_those_of_every_server(sides: Sides) -> None:
    """Each worker of the other one has used them as they were before."""
    body = {"username": "new", "password": "short"}
    sides.ask("POST", "/realms", 201, json={"slug": "ruled"})
    assert {sign_up(client, "ruled", **body).status_code for client in sides.there} == {400}

    sides.ask("PATCH", "/realms/ruled", 200, json={"settings": {"self_registration": False}})

    until(lambda: {sign_up(client, "ruled", **body).status_code for client in sides.there} == {403})


def test_a_custom_field_is_known_to_every_server(sides: Sides) -> None:
    person, _ = sides.person()
    for kind, status in (("text", 200), ("integer", 400), ("text", 200)):
        sides.ask("PUT", "/attributes/shoe", 200, json={"kind": kind})
        until(lambda wanted=status: {shod(client, sides.admin, person) for client in sides.there} == {wanted})


def test_a_refresh_token_is_spent_for_all(sides: Sides) -> None:
    here, there = sides.here[0], sides.there[0]
    signed_in = {"username": "admin", "password": servers.PASSWORD}
    first = here.post("/api/v1/sign-in", json=signed_in).json()["refresh_token"]
    second = refreshed(there, first).json()["refresh_token"]
    third = refreshed(here, second).json()["refresh_token"]

    assert refreshed(there, first).status_code == 401
    assert refreshed(here, third).status_code == 401, "whoever stole it may be the one who has the newer one"


def test_guesses_are_counted_by_all_together(sides: Sides) -> None:
    """Ten are allowed for one person; neither server has seen so many."""
    sides.person()
    name = f"person-{next(_numbers) - 1}"
    clients = [*sides.here, *sides.there]
    wrong = [guess(clients[turn % 4], name, f"wrong {turn}") for turn in range(12)]

    assert wrong == [401] * 10 + [429] * 2
    assert {guess(client, name, servers.PASSWORD) for client in clients} == {429}


async def test_a_signing_key_that_is_replaced_is_so_for_all(sides: Sides, database: Installation) -> None:
    bearer = in_realm(sides, "signing")
    sides.until_there(bearer, 200)
    runtime = app.runtime_of(factories.settings(sides.pair.installations[0].data), str(database.url))

    async with runtime.lease() as tx:
        realm = await realms.by_slug(tx, "signing")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await tokens.replace_key(tx, at_once=True)
    await runtime.close()

    until(lambda: statuses([*sides.here, *sides.there], bearer) == {401})
    for server in sides.pair.servers:
        anew = server.sign_in("boss", realm="signing")
        assert statuses([*sides.here, *sides.there], anew) == {200}


async def test_a_server_that_hears_nothing_believes_nothing(sides: Sides, database: Installation) -> None:
    """Its connections still stand, so that it could take silence for peace."""
    connection = await asyncpg.connect(database.url)
    people = [sides.person() for _ in range(3)]
    listening = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()", hearing.NAME
    )
    assert len(listening) == 4
    try:
        tell(listening, signal.SIGSTOP)
        for person, bearer in people:
            sides.ask("DELETE", f"/users/{person}", 204)
            sides.until_there(bearer, 401)
    finally:
        tell(listening, signal.SIGCONT)
        await connection.close()


def tell(backends: list[asyncpg.Record], number: signal.Signals) -> None:
    for each in backends:
        os.kill(each["pid"], number)


def in_realm(sides: Sides, slug: str) -> dict[str, str]:
    """Somebody who has signed in to a realm of their own at the other server."""
    sides.ask("POST", "/realms", 201, json={"slug": slug})
    body = {"username": "boss", "password": servers.PASSWORD}
    answer = sides.here[0].post("/api/v1/users", headers={**sides.admin, "Roster-Realm": slug}, json=body)
    assert answer.status_code == 201, answer.text
    return sides.pair.servers[1].sign_in("boss", realm=slug)


def sign_up(client: httpx.Client, slug: str, **body: str) -> httpx.Response:
    return client.post("/api/v1/sign-up", json={**body, "realm": slug})


def shod(client: httpx.Client, admin: dict[str, str], person: str) -> int:
    body = {"attributes": {"shoe": "seven"}}
    return client.patch(f"/api/v1/users/{person}", headers=admin, json=body).status_code


def refreshed(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("/api/v1/refresh", json={"refresh_token": token})


def guess(client: httpx.Client, name: str, password: str) -> int:
    return client.post("/api/v1/sign-in", json={"username": name, "password": password}).status_code
