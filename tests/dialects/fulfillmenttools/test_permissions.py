"""The permission catalogue."""

import pytest

from roster.core.access.models import PERMISSIONS
from roster.dialects.fulfillmenttools import catalogue
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools import contract
from tests.dialects.fulfillmenttools.conftest import Wire, refusal


def test_the_catalogue_is_that_of_the_contract() -> None:
    documented = contract.document()["x-permission-catalogue"]["permissions"]

    assert [(each["key"], each["group"], each["subGroup"], each["operation"]) for each in documented] == [
        (key, each.group, each.subgroup, each.operation) for key, each in catalogue.KEYS.items()
    ]
    assert len(catalogue.KEYS) == 161


def test_the_keys_mean_permissions_that_the_directory_knows() -> None:
    assert {meaning for each in catalogue.KEYS.values() for meaning in each.means} <= PERMISSIONS.keys()


def test_the_built_in_roles_are_those_of_the_contract() -> None:
    built_in = {each.name: each for each in catalogue.CATALOGUE.roles}
    for each in contract.document()["x-default-roles"]["roles"]:
        role = built_in[each["name"]]
        expected = list(catalogue.KEYS) if each["permissions"] == "ALL" else each["permissions"]
        assert sorted(role.permissions) == sorted(map(catalogue.permission, expected))
        assert {kind.upper(): values for kind, values in role.ceiling.items()} == {
            limit["type"]: limit["values"] for limit in each["context"]
        }
        assert role.requires == (("facility",) if each["facilityContextRequired"] else ())


async def test_it_is_read_page_by_page(wire: Wire, admin: Person) -> None:
    seen: list[str] = []
    while True:
        where = f"&startAfterId={seen[-1]}" if seen else ""
        page = (await wire.get(f"/api/permissions?size=100{where}", by=admin)).json()
        assert page["total"] == 161
        if not page["permissions"]:
            break
        seen += [each["key"] for each in page["permissions"]]

    assert seen == list(catalogue.KEYS)


async def test_a_page_has_25_entries_unless_told(wire: Wire, admin: Person) -> None:
    page = (await wire.get("/api/permissions", by=admin)).json()

    assert len(page["permissions"]) == 25
    assert page["permissions"][0] == {
        "key": "USER_READ",
        "group": "USER_MANAGEMENT",
        "subGroup": "USER",
        "operation": "READ",
    }


async def test_it_is_narrowed_to_a_key_or_a_group(wire: Wire, admin: Person) -> None:
    by_key = (await wire.get("/api/permissions?key=ZONE_READ", by=admin)).json()
    by_group = (await wire.get("/api/permissions?group=USER_MANAGEMENT&size=2", by=admin)).json()
    rest = (await wire.get("/api/permissions?group=USER_MANAGEMENT&startAfterId=ROLE_WRITE", by=admin)).json()
    neither = (await wire.get("/api/permissions?group=USER_MANAGEMENT&key=ZONE_READ", by=admin)).json()

    assert ([each["key"] for each in by_key["permissions"]], by_key["total"]) == (["ZONE_READ"], 1)
    assert (len(by_group["permissions"]), by_group["total"]) == (2, 9)
    assert [each["key"] for each in rest["permissions"]] == ["PERMISSION_READ"]
    assert neither == {"permissions": [], "total": 0}
    for old in ("ADMIN", "CORE"):
        assert (await wire.get(f"/api/permissions?group={old}", by=admin)).json() == {"permissions": [], "total": 0}


@pytest.mark.parametrize(
    "query", ["size=0", "size=101", "size=x", "key=NO_SUCH", "group=NONE", "startAfterId=NO_SUCH", "size=1&size=2"]
)
async def test_what_cannot_be_meant_is_refused(wire: Wire, admin: Person, query: str) -> None:
    answer = await wire.get(f"/api/permissions?{query}", by=admin)

    assert answer.status_code == 400
    assert answer.json()[0]["description"].startswith(query.partition("=")[0])


async def test_it_needs_its_permission(wire: Wire, person: Person) -> None:
    answer = await wire.get("/api/permissions", by=person)

    assert refusal(answer) == (403, "The permission PERMISSION_READ is required.")
