"""Roles: built-in and custom ones, their ceilings and versions."""

from typing import Any

import httpx
import pytest

from roster.core.access import service as access
from roster.core.access.models import RoleChange
from roster.core.realms.models import Realm
from roster.dialects.fulfillmenttools import catalogue
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools.conftest import Wire, given, refusal

BUILT_IN = ("ADMINISTRATOR", "SUPERVISOR", "FULFILLER")
MUNICH = {"type": "FACILITY", "values": ["fac-muc-01"]}


async def make(wire: Wire, by: Person, name: str = "STOCK_COUNTER", **known: Any) -> dict[str, Any]:
    """A role that was just made."""
    answer = await wire.post("/api/roles", {"name": name, "permissions": ["STOCK_READ"], **known}, by=by)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def stored(wire: Wire, by: Person, name: str = "STOCK_COUNTER") -> dict[str, Any]:
    return (await wire.get(f"/api/roles/{name}", by=by)).json()


def versions(answer: httpx.Response) -> tuple[int, int]:
    (problem,) = answer.json()
    return problem["requestVersion"], problem["version"]


# reading


async def test_the_built_in_roles_are_those_of_the_vendor(wire: Wire, chief: Person) -> None:
    roles = {each["name"]: each for each in (await wire.get("/api/roles", by=chief)).json()}

    assert set(BUILT_IN) <= roles.keys()
    assert roles["ADMINISTRATOR"]["permissions"] == list(catalogue.KEYS)
    assert roles["ADMINISTRATOR"]["context"] == []
    assert roles["SUPERVISOR"]["context"] == [{"type": "USER_ROLE", "values": ["FULFILLER", "SUPERVISOR"]}]
    assert roles["FULFILLER"]["context"] == [{"type": "USER_ROLE", "values": []}]
    assert set(roles["FULFILLER"]["permissions"]) < set(roles["SUPERVISOR"]["permissions"])


async def test_roles_of_other_front_doors_are_not_listed(wire: Wire, chief: Person) -> None:
    await make(wire, chief)

    listed = [each["name"] for each in (await wire.get("/api/roles", by=chief)).json()]
    found = (await wire.post("/api/roles/search", {"query": {}, "options": {"withTotal": True}}, by=chief)).json()

    assert sorted(listed) == sorted([*BUILT_IN, "STOCK_COUNTER", "admin"])
    assert [each["name"] for each in found["roles"]] == listed
    assert found["total"] == len(listed)


async def test_a_role_with_everything_has_every_key(wire: Wire, admin: Person) -> None:
    assert (await stored(wire, admin, "admin"))["permissions"] == list(catalogue.KEYS)


async def test_a_role_made_elsewhere_has_the_keys_that_mean_no_more(
    wire: Wire, runtime: Runtime, realm: Realm, chief: Person
) -> None:
    await factories.a_role(runtime, realm, "readers", "users.read", "roles.read", "audit.read")

    assert (await stored(wire, chief, "readers"))["permissions"] == ["USER_READ", "USERS_READ", "ROLE_READ"]


async def test_a_role_is_found_by_its_name_only(wire: Wire, runtime: Runtime, realm: Realm, chief: Person) -> None:
    async with runtime.read(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "SUPERVISOR")

    assert refusal(await wire.get(f"/api/roles/{role.id}", by=chief)) == (404, "There is no such role.")
    assert refusal(await wire.get("/api/roles/NO_SUCH", by=chief)) == (404, "There is no such role.")


async def test_a_supervisor_reads_roles_a_fulfiller_does_not(wire: Wire, supervisor: Person, fulfiller: Person) -> None:
    assert (await wire.get("/api/roles/SUPERVISOR", by=supervisor)).status_code == 200
    for path in ("/api/roles", "/api/roles/FULFILLER"):
        assert refusal(await wire.get(path, by=fulfiller)) == (403, "The permission ROLE_READ is required.")


# making


async def test_no_role_is_called_like_the_address_of_searches(wire: Wire, chief: Person) -> None:
    answer = await wire.post("/api/roles", {"name": "Search", "permissions": []}, by=chief)

    assert refusal(answer) == (400, "name: This name stands for something else.")


async def test_a_role_is_made(wire: Wire, chief: Person) -> None:
    sent: dict[str, Any] = {
        "displayName": "Stock counter",
        "description": "Counts stock",
        "permissions": ["STOCK_READ", "CURRENT_USER_READ", "STOCK_READ"],
        "context": [MUNICH, {"type": "ZONE", "values": []}],
        "customAttributes": {"colour": "green", "deep": {"er": [1, None]}},
        "unknownMember": 1,
    }

    made = await make(wire, chief, **sent)

    assert made == await stored(wire, chief)
    assert (made["name"], made["displayName"], made["description"]) == (
        "STOCK_COUNTER",
        "Stock counter",
        "Counts stock",
    )
    assert made["permissions"] == ["CURRENT_USER_READ", "STOCK_READ"]
    assert made["context"] == made["contexts"] == made["contextLimitations"] == sent["context"]
    assert made["customAttributes"] == sent["customAttributes"]
    assert made["version"] == 1
    assert made["created"] == made["lastModified"]


async def test_a_role_without_a_label_is_shown_by_its_name(wire: Wire, chief: Person) -> None:
    made = await make(wire, chief)

    assert made["displayName"] == "STOCK_COUNTER"
    assert "description" not in made
    assert "customAttributes" not in made


@pytest.mark.parametrize("spelling", ["context", "contexts", "contextLimitations"])
async def test_all_three_spellings_of_the_ceiling_are_understood(wire: Wire, chief: Person, spelling: str) -> None:
    spelled: dict[str, Any] = {spelling: [MUNICH]}

    made = await make(wire, chief, **spelled)

    assert made["context"] == made["contexts"] == made["contextLimitations"] == [MUNICH]


async def test_the_newest_spelling_counts(wire: Wire, chief: Person) -> None:
    older = {"type": "ZONE", "values": ["z"]}

    first = await make(wire, chief, context=[MUNICH], contexts=[older], contextLimitations=[])
    second = await make(wire, chief, "SECOND", contexts=[MUNICH], contextLimitations=[older])
    third = await make(wire, chief, "THIRD", context=[], contexts=[older])

    assert first["context"] == second["context"] == [MUNICH]
    assert third["context"] == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "ab"),
        ("name", "x" * 21),
        ("name", 1),
        ("displayName", "x" * 51),
        ("description", "x" * 101),
        ("permissions", ["NO_SUCH"]),
        ("permissions", ["users.read"]),
        ("permissions", ["*"]),
        ("permissions", ["fulfillmenttools:STOCK_READ"]),
        ("permissions", ["STOCK_READ"] * 501),
        ("permissions", None),
        ("context", [MUNICH, MUNICH]),
        ("context", [{"type": "PLANET", "values": []}]),
        ("context", [{"type": "ZONE"}]),
        ("context", [{"type": "ZONE", "values": [1]}]),
        ("context", [{"type": "ZONE", "values": ["z"] * 501}]),
        ("contexts", [MUNICH] * 101),
        ("customAttributes", []),
    ],
    ids=str,
)
async def test_what_breaks_the_limits_is_refused_and_nothing_stored(
    wire: Wire, chief: Person, member: str, value: Any
) -> None:
    body = {"name": "STOCK_COUNTER", "permissions": ["STOCK_READ"], member: value}

    answer = await wire.post("/api/roles", body, by=chief)

    assert answer.status_code == 400
    assert answer.json()[0]["description"].startswith(member if member != "contexts" else "context")
    assert (await wire.get("/api/roles/STOCK_COUNTER", by=chief)).status_code == 404


async def test_500_permissions_and_values_are_taken(wire: Wire, chief: Person) -> None:
    values = [f"fac-{number}" for number in range(500)]

    made = await make(wire, chief, permissions=["STOCK_READ"] * 500, context=[{"type": "FACILITY", "values": values}])

    assert sorted(made["context"][0]["values"]) == sorted(values)


@pytest.mark.parametrize("name", ["STOCK_COUNTER", "stock_counter", "SUPERVISOR", "admin"])
async def test_a_name_is_taken_once(wire: Wire, chief: Person, name: str) -> None:
    await make(wire, chief)

    answer = await wire.post("/api/roles", {"name": name, "permissions": []}, by=chief)

    assert refusal(answer) == (400, "A role with this name exists.")


async def test_making_and_changing_needs_role_write(wire: Wire, chief: Person, supervisor: Person) -> None:
    role = await make(wire, chief)
    body = {"name": "STOCK_COUNTER", "permissions": [], "version": 1}
    required = (403, "The permission ROLE_WRITE is required.")

    assert refusal(await wire.post("/api/roles", {"name": "OTHER", "permissions": []}, by=supervisor)) == required
    assert refusal(await wire.put("/api/roles/STOCK_COUNTER", body, by=supervisor)) == required
    assert refusal(await wire.patch("/api/roles/STOCK_COUNTER", body, by=supervisor)) == required
    assert refusal(await wire.delete("/api/roles/STOCK_COUNTER", by=supervisor)) == required
    assert await stored(wire, chief) == role


async def test_nobody_grants_what_they_do_not_hold(wire: Wire, runtime: Runtime, realm: Realm, chief: Person) -> None:
    await make(wire, chief, "ROLE_MAKER", permissions=["ROLE_READ", "ROLE_WRITE", "STOCK_READ"])
    maker = await given(runtime, realm, "ROLE_MAKER")
    role = await make(wire, maker)
    more = {"name": "STOCK_COUNTER", "permissions": ["STOCK_READ", "USER_WRITE"], "version": 1}

    assert (
        await wire.post("/api/roles", {"name": "MORE", "permissions": ["STOCK_WRITE"]}, by=maker)
    ).status_code == 403
    assert (await wire.put("/api/roles/STOCK_COUNTER", more, by=maker)).status_code == 403
    assert (await wire.patch("/api/roles/STOCK_COUNTER", more, by=maker)).status_code == 403
    assert await stored(wire, maker) == role


# changing


async def test_replacing_clears_what_is_left_out(wire: Wire, chief: Person) -> None:
    known: dict[str, Any] = {
        "displayName": "Counter",
        "description": "Counts",
        "context": [MUNICH],
        "customAttributes": {"a": 1},
    }
    await make(wire, chief, **known)

    body = {"name": "STOCK_COUNTER", "permissions": ["ZONE_READ"], "version": 1}
    replaced = (await wire.put("/api/roles/STOCK_COUNTER", body, by=chief)).json()

    assert replaced == await stored(wire, chief)
    assert (replaced["displayName"], replaced["permissions"], replaced["context"]) == (
        "STOCK_COUNTER",
        ["ZONE_READ"],
        [],
    )
    assert not {"description", "customAttributes"} & replaced.keys()
    assert replaced["version"] == 2


async def test_patching_keeps_what_is_left_out(wire: Wire, chief: Person) -> None:
    known: dict[str, Any] = {
        "displayName": "Counter",
        "description": "Counts",
        "context": [MUNICH],
        "customAttributes": {"a": 1},
    }
    made = await make(wire, chief, **known)

    patched = (await wire.patch("/api/roles/STOCK_COUNTER", {"name": "STOCK_COUNTER", "version": 1}, by=chief)).json()
    changes = [
        ("displayName", "x" * 100),
        ("description", ""),
        ("permissions", ["ZONE_READ"]),
        ("context", [{"type": "FACILITY_GROUP", "values": ["north"]}]),
        ("customAttributes", {"b": 2}),
    ]
    for version, (member, value) in enumerate(changes, start=2):
        body = {"name": "STOCK_COUNTER", "version": version, member: value}
        answer = await wire.patch("/api/roles/STOCK_COUNTER", body, by=chief)
        assert answer.status_code == 200, answer.text

    assert {**patched, "version": 1, "lastModified": made["lastModified"]} == made
    after = await stored(wire, chief)
    assert (after["displayName"], after["permissions"], after["customAttributes"]) == (
        "x" * 100,
        ["ZONE_READ"],
        {"b": 2},
    )
    assert after["context"] == [{"type": "FACILITY_GROUP", "values": ["north"]}]
    assert "description" not in after


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("version", [0, 1, 3, -(2**63), 2**63 - 1])
async def test_a_stale_version_is_refused_with_both(wire: Wire, chief: Person, method: str, version: int) -> None:
    await make(wire, chief)
    body = {"name": "STOCK_COUNTER", "permissions": ["ZONE_READ"], "version": 1}
    await wire.put("/api/roles/STOCK_COUNTER", body, by=chief)
    before = await stored(wire, chief)

    answer = await wire.call(method, "/api/roles/STOCK_COUNTER", json={**body, "version": version}, by=chief)

    assert answer.status_code == 409
    assert versions(answer) == (version, 2)
    assert await stored(wire, chief) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_role_keeps_its_name(wire: Wire, chief: Person, method: str) -> None:
    role = await make(wire, chief)
    body = {"name": "SOMETHING_ELSE", "permissions": [], "version": 1}

    answer = await wire.call(method, "/api/roles/STOCK_COUNTER", json=body, by=chief)

    assert refusal(answer)[0] == 400
    assert await stored(wire, chief) == role


@pytest.mark.parametrize("name", BUILT_IN)
async def test_built_in_roles_are_neither_changed_nor_deleted(wire: Wire, admin: Person, name: str) -> None:
    role = await stored(wire, admin, name)
    body = {"name": name, "permissions": role["permissions"], "version": role["version"]}

    for answer in (
        await wire.put(f"/api/roles/{name}", body, by=admin),
        await wire.patch(f"/api/roles/{name}", body, by=admin),
        await wire.delete(f"/api/roles/{name}", by=admin),
    ):
        assert refusal(answer) == (403, "This role is built in and cannot be changed.")
    assert await stored(wire, admin, name) == role


async def test_what_other_front_doors_gave_a_role_stays(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person
) -> None:
    await factories.a_role(runtime, realm, "mixed", "users.read", "roles.read", "audit.read")
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "mixed")
        await access.change_role(tx, role.id, RoleChange(ceiling={"ward": ["w1"], "zone": ["z1"]}))

    body = {"name": "mixed", "permissions": ["STOCK_READ"], "context": [MUNICH], "version": 2}
    assert (await wire.put("/api/roles/mixed", body, by=admin)).json()["permissions"] == ["STOCK_READ"]

    async with runtime.read(factories.roster_in(realm)) as tx:
        after = await access.find_role(tx, "mixed")
    assert after.permissions == ["audit.read", "fulfillmenttools:STOCK_READ"]
    assert after.ceiling == {"facility": ["fac-muc-01"], "ward": ["w1"]}


async def test_what_no_key_shows_stays_and_what_a_removed_key_means_goes(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person
) -> None:
    await factories.a_role(runtime, realm, "mixed", "users.write", "roles.read", "fulfillmenttools:STOCK_READ")
    assert (await stored(wire, admin, "mixed"))["permissions"] == ["ROLE_READ", "STOCK_READ"]

    await wire.patch("/api/roles/mixed", {"name": "mixed", "version": 1, "permissions": ["STOCK_READ"]}, by=admin)

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await access.find_role(tx, "mixed")).permissions == ["fulfillmenttools:STOCK_READ", "users.write"]


async def test_a_role_with_everything_becomes_one_with_the_keys_that_are_left(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person
) -> None:
    await factories.a_role(runtime, realm, "everything", "*")

    await wire.patch(
        "/api/roles/everything", {"name": "everything", "version": 1, "permissions": ["ZONE_READ"]}, by=admin
    )

    assert (await stored(wire, admin, "everything"))["permissions"] == ["ZONE_READ"]


async def test_whoever_is_limited_to_places_makes_no_roles(
    wire: Wire, runtime: Runtime, realm: Realm, chief: Person
) -> None:
    await make(wire, chief, "ROLE_MAKER", permissions=["ROLE_READ", "ROLE_WRITE", "STOCK_READ"])
    maker = await given(runtime, realm, "ROLE_MAKER", "fac-muc-01")

    for context in ([], [MUNICH], [{"type": "FACILITY", "values": ["fac-ber-02"]}]):
        body = {"name": "STOCK_COUNTER", "permissions": ["STOCK_READ"], "context": context}
        assert (await wire.post("/api/roles", body, by=maker)).status_code == 403
    assert (await wire.get("/api/roles/STOCK_COUNTER", by=chief)).status_code == 404


async def test_sending_the_same_keys_changes_no_permission(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person
) -> None:
    await factories.a_role(runtime, realm, "mixed", "users.read", "roles.read", "audit.read")
    shown = await stored(wire, admin, "mixed")

    await wire.put("/api/roles/mixed", {**shown, "description": "Reads"}, by=admin)

    async with runtime.read(factories.roster_in(realm)) as tx:
        after = await access.find_role(tx, "mixed")
    assert after.permissions == ["audit.read", "roles.read", "users.read"]
    assert after.description == "Reads"


# deleting


async def test_a_deleted_role_is_shown_as_it_was(wire: Wire, chief: Person) -> None:
    role = await make(wire, chief)

    answer = await wire.call("DELETE", "/api/roles/STOCK_COUNTER", json={"version": 1}, by=chief)

    assert answer.json() == role
    assert (await wire.get("/api/roles/STOCK_COUNTER", by=chief)).status_code == 404
    assert (await wire.delete("/api/roles/STOCK_COUNTER", by=chief)).status_code == 404


async def test_a_role_in_use_stays(wire: Wire, runtime: Runtime, realm: Realm, chief: Person) -> None:
    await make(wire, chief)
    counter = await given(runtime, realm, "STOCK_COUNTER", "fac-muc-01")

    answer = await wire.delete("/api/roles/STOCK_COUNTER", by=chief)

    assert refusal(answer) == (409, "Somebody has this role.")
    async with runtime.write(factories.roster_in(realm)) as tx:
        (held,) = await access.assignments_of(tx, counter.user.id)
        await access.unassign(tx, held.id)
    assert (await wire.delete("/api/roles/STOCK_COUNTER", by=chief)).status_code == 200
