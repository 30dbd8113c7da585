"""The product's own TypeScript SDK, as npm has it, against a served tenant."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.clients import front
from tests.clients.fulfillmenttools.conftest import Tenant, Tenants
from tests.clients.node import Conversation, Node

WAYS = ("proxy", "by_fetch", "members")
SHORT = 5
"""Seconds that a token lasts; the SDK renews each that has fewer than these left."""


async def talk(
    node: Node, tenant: Tenant, way: str, script: str, tmp_path_factory: pytest.TempPathFactory
) -> Conversation:
    """Run a script that reaches the tenant in one of the three ways there are."""
    async with AsyncExitStack() as stack:
        more = {"WAY": way}
        if way == "proxy":
            folder = tmp_path_factory.mktemp("front")
            more |= (await stack.enter_async_context(front.standing(tenant.server, tenant.hosts, folder))).environment
        preload = "by_fetch.mjs" if way == "by_fetch" else ""
        return await node.run(script, preload=preload, env=tenant.environment | more)


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the SDK is brought to the server."""
    return request.param


@pytest.fixture(scope="module")
def tenant(make_tenant: Tenants, way: str) -> Tenant:
    """A tenant for one conversation."""
    return make_tenant()


@pytest.fixture(scope="module")
async def said(node: Node, tenant: Tenant, way: str, tmp_path_factory: pytest.TempPathFactory) -> Conversation:
    """The conversation in which an administrator drives roles and people."""
    return await talk(node, tenant, way, "people.mjs", tmp_path_factory)


def refused(said: Conversation, *steps: str) -> list[tuple[int | None, str]]:
    """Status and reason of these steps, which is all that the SDK tells of a refusal."""
    failures = [said.failure(step) for step in steps]
    return [(failure.status, failure.status_text) for failure in failures]


def names(users: list[dict[str, Any]]) -> list[str]:
    """Their usernames."""
    return [user["username"] for user in users]


def test_one_sign_in_serves_all_calls(said: Conversation, tenant: Tenant, way: str):
    api = f"{tenant.server}/fulfillmenttools/{tenant.name}" if way == "members" else f"https://{tenant.hosts[0]}"
    google = f"{tenant.server}/" if way == "members" else "https://"

    assert said.requests("own permissions") == [
        f"POST {google}identitytoolkit.googleapis.com/v1/accounts:signInWithPassword 200",
        f"GET {api}/api/users/me/effectivepermissions 200",
    ]
    assert said.requests("create role") == [f"POST {api}/api/roles 201"]


def test_a_wrong_password_is_a_bad_request(said: Conversation):
    assert refused(said, "wrong password") == [(400, "Bad Request")]


def test_an_administrator_has_every_permission_without_limits(said: Conversation):
    [role] = said["own permissions"]["roles"]

    assert {"USER_READ", "PICKUP_SERVICE_WRITE"} <= set(role["permissions"])
    assert role.get("context", []) == []


def test_a_role_is_made_changed_and_guarded_by_its_version(said: Conversation):
    made, patched = said["create role"], said["patch role"]

    assert (made["name"], made["displayName"], made["version"]) == ("STOCK_COUNTER", "Stock counter", 1)
    assert made["context"] == made["contexts"] == made["contextLimitations"]
    assert (patched["description"], patched["permissions"]) == ("Counts & compares", made["permissions"])
    assert patched["version"] > made["version"]
    assert refused(said, "create role again", "put stale role") == [(400, "Bad Request"), (409, "Conflict")]


def test_roles_are_listed_and_found(said: Conversation):
    assert {"ADMINISTRATOR", "SUPERVISOR", "FULFILLER", "STOCK_COUNTER"} <= {each["name"] for each in said["roles"]}
    assert [each["name"] for each in said["search roles"]["roles"]] == ["STOCK_COUNTER"]
    assert said["search roles"]["total"] == 1


def test_the_catalogue_is_paged_within_a_group(said: Conversation):
    page = said["permissions"]

    assert [each["group"] for each in page["permissions"]] == ["USER_MANAGEMENT"] * 3
    assert page["total"] > 3


def test_a_person_is_made_as_the_product_makes_them(said: Conversation):
    user = said["create user"]

    assert (user["username"], user["lastname"], user["locale"], user["version"]) == ("mokafor", "Okafor", "en_US", 1)
    assert user["authenticationProvider"]["type"] == "EMAIL_PASSWORD"
    context = [{"type": "FACILITY", "values": ["fac-muc-01"]}]
    assert [(each["ref"], each["context"]) for each in user["assignedRoles"]] == [("STOCK_COUNTER", context)]
    assert user["facilityLimitations"] == ["fac-muc-01"]
    assert user["customClaims"]["roles"][0]["facilities"] == ["fac-muc-01"]
    assert "password" not in user


def test_people_are_listed_page_by_page(said: Conversation):
    first, second = said["list"], said["list on"]

    assert (len(first["users"]), len(second["users"]), first["total"], second["total"]) == (4, 2, 6, 6)
    everybody = ["aberg", "boss", "cdiaz", "eferro", "gholm", "mokafor"]
    assert sorted(names(first["users"] + second["users"])) == everybody


def test_a_search_is_walked_in_both_directions(said: Conversation):
    forward, backward = said["search forward"], said["search backward"]

    assert [names(page["users"]) for page in forward] == [["aberg", "cdiaz"], ["eferro", "gholm"], ["mokafor"]]
    assert [names(page["users"]) for page in backward] == [["eferro", "gholm"], ["aberg", "cdiaz"]]
    assert {page["total"] for page in forward} == {5}
    assert [page["pageInfo"]["hasPreviousPage"] for page in forward] == [False, True, True]
    assert [page["pageInfo"]["hasNextPage"] for page in backward] == [True, True]
    assert refused(said, "both directions") == [(400, "Bad Request")]


def test_a_stale_version_changes_nothing(said: Conversation):
    changed, afterwards = said["change"], said["after the stale change"]

    assert refused(said, "stale change") == [(409, "Conflict")]
    assert changed["lastname"] == afterwards["lastname"] == "Okafor-Lind"
    assert changed["version"] == afterwards["version"] > said["create user"]["version"]


def test_a_person_changes_their_own_data_and_no_more(said: Conversation):
    assert said["own data"]["locale"] == "fr_FR"
    assert refused(said, "what is not theirs") == [(403, "Forbidden")]


def test_a_new_password_ends_what_the_old_one_began(said: Conversation):
    assert refused(said, "own password, wrongly") == [(400, "Bad Request")]
    assert said["own password"]["id"] == said["create user"]["id"] == said["sign in with the new"]
    assert refused(said, "renew with the old", "sign in with the old") == [(400, "Bad Request")] * 2


def test_an_attached_facility_is_reached(said: Conversation):
    assert said["attach facility"] == {}
    assert said["reaches"]["facilityLimitations"] == ["fac-ber-02", "fac-muc-01"]
    [role] = said["roles of the user"]
    assert (role["name"], sorted(role["facilityRefs"])) == ("STOCK_COUNTER", ["fac-ber-02", "fac-muc-01"])


def test_a_deleted_person_is_gone_at_once(said: Conversation):
    assert refused(said, "delete a role in use") == [(409, "Conflict")]
    assert said["delete"] is None  # the body is empty, and its length says so
    assert refused(said, "read the deleted") == [(404, "Not Found")]
    assert refused(said, "token of the deleted") == [(401, "Unauthorized")]
    assert refused(said, "renew as the deleted", "sign in as the deleted") == [(400, "Bad Request")] * 2


@pytest.fixture(scope="module")
async def renewed(node: Node, make_tenant: Tenants, tmp_path_factory: pytest.TempPathFactory) -> Conversation:
    """The conversation in which every call renews its token."""
    tenant = make_tenant(access_token_for=SHORT)
    return await talk(node, tenant, "proxy", "renewal.mjs", tmp_path_factory)


def calls(said: Conversation, step: str) -> list[str]:
    """What was asked in a step, without hosts."""
    return [f"{each.split('/')[-1]}" for each in said.requests(step)]


def test_a_token_that_ends_soon_is_renewed_and_not_asked_for_again(renewed: Conversation):
    assert calls(renewed, "first") == ["accounts:signInWithPassword 200", "effectivepermissions 200"]
    for step in ("second", "third"):
        assert calls(renewed, step) == ["token 200", "effectivepermissions 200"]


def test_renewals_with_the_same_token_at_once_all_succeed(renewed: Conversation):
    asked = calls(renewed, "many at once")

    assert sorted(asked) == ["effectivepermissions 200"] * 4 + ["token 200"] * 4
    assert calls(renewed, "after many at once") == ["token 200", "effectivepermissions 200"]


def test_a_renewal_that_is_refused_is_thrown(renewed: Conversation):
    assert renewed["new password"]["username"] == "boss"
    assert refused(renewed, "another after that") == [(400, "Bad Request")]
    assert calls(renewed, "another after that") == ["token 400"]
    assert renewed["signed in anew"]["userId"] == renewed["first"]["userId"]


@pytest.fixture(scope="module")
async def seen(node: Node, make_tenant: Tenants, tmp_path_factory: pytest.TempPathFactory) -> Conversation:
    """The conversation of somebody who supervises one facility."""
    return await talk(node, make_tenant(), "members", "supervisor.mjs", tmp_path_factory)


def test_a_supervisor_has_their_permissions_where_they_supervise(seen: Conversation):
    [role] = seen["what they may"]["roles"]

    assert (role["name"], role["facilities"]) == ("SUPERVISOR", ["fac-muc-01"])
    assert {"type": "FACILITY", "values": ["fac-muc-01"]} in role["context"]
    assert "USERS_READ" in role["permissions"]


def test_a_supervisor_sees_and_changes_the_people_of_their_facility(seen: Conversation):
    here = {"super", "near"}

    assert set(names(seen["whom they see"]["users"])) == set(names(seen["whom they find"]["users"])) == here
    assert (seen["whom they see"]["total"], seen["whom they find"]["total"]) == (2, 2)
    assert (seen["somebody here"]["username"], seen["change here"]["firstname"]) == ("near", "Mara")
    assert refused(seen, "somebody elsewhere", "change elsewhere") == [(403, "Forbidden")] * 2


def test_a_supervisor_makes_people_for_their_facility_and_nothing_above_themselves(seen: Conversation):
    forbidden = ("make one elsewhere", "make an administrator", "send one elsewhere", "make a role")

    assert seen["make one"]["facilityLimitations"] == ["fac-muc-01"]
    assert refused(seen, *forbidden) == [(403, "Forbidden")] * len(forbidden)
    assert sorted(names(seen["everybody"]["users"])) == ["boss", "far", "near", "new", "super"]
