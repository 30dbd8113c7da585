"""The habits of the Java SDK, and those of the vendor's own request collection, against a served tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests import processes
from tests.clients.fulfillmenttools.conftest import Tenant, Tenants
from tests.clients.fulfillmenttools.java import Java, Refused, SignInRefused

FACILITY = "fac-muc-01"
SIGN_IN = "accounts:signInWithPassword 200"
PASSWORD = "pine-Lantern-42"


@contextmanager
def java(tenant: Tenant, username: str = "", password: str = "") -> Iterator[Java]:
    """The SDK of somebody, or of the tenant's administrator."""
    client = Java(tenant, username or tenant.username, password or tenant.password)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="module")
def tenant(make_tenant: Tenants) -> Tenant:
    """A tenant for the tests that need no peace."""
    return make_tenant()


@pytest.fixture
def boss(tenant: Tenant) -> Iterator[Java]:
    """The administrator's SDK, not signed in yet."""
    with java(tenant) as client:
        yield client


def a_person(client: Java, username: str, **more: Any) -> dict[str, Any]:
    """Somebody who is made as the SDK makes them."""
    role = {"ref": "FULFILLER", "context": [{"type": "FACILITY", "values": [FACILITY]}]}
    body = {"username": username, "password": PASSWORD, "firstname": "Mira", "lastname": "Okafor"}
    return client.ask("POST", "/api/users", json={**body, "assignedRoles": [role], **more})


def test_a_token_with_less_than_a_minute_left_is_renewed_with_a_form(make_tenant: Tenants):
    with java(make_tenant(access_token_for=59)) as client:
        client.list()
        client.list()
        client.list()

        renewed = ["token 200", "GET /api/users 200"]
        assert client.calls == [SIGN_IN, "GET /api/users 200", *renewed, *renewed]


def test_a_token_that_is_refused_is_renewed_and_the_call_repeated(boss: Java):
    boss.list()
    boss.token, boss.calls = "a.stale.token", []

    assert boss.list()["users"]
    assert boss.calls == ["GET /api/users 401", "token 200", "GET /api/users 200"]


def test_somebody_deleted_meets_a_renewal_that_is_refused(boss: Java, tenant: Tenant):
    user = a_person(boss, "leaver")
    with java(tenant, "leaver", PASSWORD) as leaver:
        assert leaver.ask("GET", "/api/users/me/effectivepermissions")["userId"] == user["id"]

        assert boss.ask("DELETE", f"/api/users/{user['id']}") is None

        leaver.calls.clear()
        with pytest.raises(SignInRefused, match=r"USER_NOT_FOUND|TOKEN_EXPIRED|INVALID_REFRESH_TOKEN"):
            leaver.ask("GET", "/api/users/me/effectivepermissions")
        assert leaver.calls == ["GET /api/users/me/effectivepermissions 401", "token 400"]


def test_all_pages_of_people_are_walked_by_cursor_and_by_the_last_id(make_tenant: Tenants):
    with java(make_tenant()) as client:
        made = {a_person(client, f"person-{number}")["id"] for number in range(6)}

        by_cursor = [user["id"] for user in client.list_all(size=3)]
        by_id: list[str] = []
        while page := client.list(size=3, **({"startAfterId": by_id[-1]} if by_id else {}))["users"]:
            by_id += [user["id"] for user in page]

        assert by_cursor == by_id
        assert (len(by_id), made - set(by_id)) == (7, set())
        assert client.list(size=7)["pageInfo"]["endCursor"] == ""
        assert client.list(size=1)["total"] == 7


def test_people_are_listed_by_lastname_and_by_facility(make_tenant: Tenants):
    with java(make_tenant()) as client:
        for username, lastname in (("one", "Berg"), ("two", "Adler"), ("three", "Costa")):
            a_person(client, username, lastname=lastname)

        everybody = [user["username"] for user in client.list_all(size=2, orderBy="LASTNAME")]
        there = {user["username"] for user in client.list_all(size=2, facilityId=FACILITY)}
        with_administrators = {
            user["username"] for user in client.list_all(size=2, facilityId=FACILITY, includeAdminUsers="true")
        }

        assert [name for name in everybody if name != "boss"] == ["two", "one", "three"]
        assert there == {"one", "two", "three"}
        assert with_administrators == there | {"boss"}


def test_a_person_is_changed_under_the_version_last_seen(boss: Java):
    user = a_person(boss, "changing")
    change = {"action": "ModifyUser", "firstname": "Mara", "password": "cedar-Rocket-77"}

    changed = boss.ask("PATCH", f"/api/users/{user['id']}", json={"version": user["version"], "actions": [change]})
    with pytest.raises(Refused) as refusal:
        boss.ask("PATCH", f"/api/users/{user['id']}", json={"version": user["version"], "actions": [change]})

    assert (changed["firstname"], boss.ask("GET", f"/api/users/{user['id']}")) == ("Mara", changed)
    assert (refusal.value.status, len(refusal.value.problems)) == (409, 1)
    assert refusal.value.request_id


@pytest.mark.parametrize(
    ("path", "status"), [("/api/users/nobody", 404), ("/api/users?size=0", 400), ("/api/roles/NONE", 404)]
)
def test_refusals_are_lists_of_problems(boss: Java, path: str, status: int):
    with pytest.raises(Refused) as refusal:
        boss.ask("GET", path)

    assert (refusal.value.status, len(refusal.value.problems)) == (status, 1)


def test_the_collection_renews_with_a_query_and_deletes_roles_with_a_body(boss: Java, tenant: Tenant):
    boss.ask("POST", "/api/roles", json={"name": "PASSING", "permissions": ["STOCK_READ"]})
    query = {"key": tenant.key, "grant_type": "refresh_token", "refresh_token": boss.renewal_token}
    with httpx.Client(timeout=processes.PATIENCE) as http:
        renewed = http.post(f"{tenant.server}/securetoken.googleapis.com/v1/token", params=query)
    boss.token = renewed.json()["id_token"]

    gone = boss.ask("DELETE", "/api/roles/PASSING", json={"name": "PASSING", "version": 1})

    assert (gone["name"], gone["permissions"]) == ("PASSING", ["STOCK_READ"])
