"""Custom roles, system roles, and what their permissions give."""

from typing import Any

import pytest

from roster.core.access import numbers as roles
from roster.core.access.models import PERMISSIONS
from roster.core.realms.models import Realm
from roster.core.users import numbers
from roster.dialects.onslip360 import catalogue
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.onslip360 import contract
from tests.dialects.onslip360.conftest import ASA, Wire, refusal

ROLE: dict[str, Any] = {"name": "Shift lead", "permissions": ["edit-users", "show-users"], "_acme-ref": "1"}


def test_the_catalogue_has_the_permissions_of_the_contract():
    documented = contract.document()["components"]["schemas"]["Permission"]["x-known-values"]

    assert list(catalogue.PERMISSIONS) == documented
    assert len(documented) == 115


def test_what_permissions_mean_are_permissions_of_the_directory():
    assert {meaning for means in catalogue.PERMISSIONS.values() for meaning in means} <= PERMISSIONS.keys()


async def test_a_role_is_kept_as_it_was_sent(wire: Wire, boss: Person):
    made = await wire.post("roles/", {**ROLE, "tags": ["b", "a"]})

    stored = made.json()
    assert {name: stored[name] for name in ROLE} == ROLE
    assert stored["tags"] == ["b", "a"]
    assert stored["updated-by"] == boss.user.number
    assert made.headers["location"].endswith(f"/roles/{stored['id']}")
    assert (await wire.get(f"roles/{stored['id']}")).json() == stored
    assert (await wire.get("roles/?q=name:shift")).json() == [stored]


async def test_permission_names_that_nobody_knows_yet_are_kept_and_give_nothing(wire: Wire, sign_in: SignIn):
    role = (await wire.post("roles/", {"name": "new", "permissions": ["show-robots", "show-roles"]})).json()

    assert role["permissions"] == ["show-roles", "show-robots"][::-1]
    changed = (await wire.patch(f"roles/{role['id']}", {"name": "newer"})).json()
    assert changed["permissions"] == role["permissions"]
    one = await sign_in(roles=("newer",))
    info = (await wire.by_someone(one).get("")).json()
    assert info["permissions"] == ["show-roles"]


@pytest.mark.parametrize("name", ["Show-Users", "show users", "", "onslip360:show-users", "*", "-a"])
async def test_what_is_no_permission_name_is_refused(wire: Wire, name: str):
    answer = await wire.post("roles/", {"name": "new", "permissions": [name]})

    assert refusal(answer) == (400, "bad-request")


async def test_a_role_is_changed_replaced_and_deleted(wire: Wire):
    made = await wire.post("roles/", ROLE)
    path, tag = f"roles/{made.json()['id']}", made.headers["etag"]

    changed = await wire.patch(path, {"name": "Lead", "_acme-ref": None}, headers={"If-Match": tag})
    stale = await wire.put(path, {"name": "x"}, headers={"If-Match": tag})
    replaced = await wire.put(path, {"name": "Lead"}, headers={"If-Match": changed.headers["etag"]})

    assert changed.json().keys() == {"id", "name", "permissions", "created", "updated", "updated-by"}
    assert refusal(stale) == (412, "precondition-failed")
    assert replaced.json().keys() == {"id", "name", "created", "updated", "updated-by"}
    assert refusal(await wire.delete(path, headers={"If-Match": tag})) == (412, "precondition-failed")
    assert (await wire.delete(path)).status_code == 204
    assert refusal(await wire.get(path)) == (404, "not-found")


async def test_roles_of_other_front_doors_show_what_they_give_here_and_keep_it(
    wire: Wire, runtime: Runtime, realm: Realm
):
    await factories.a_role(runtime, realm, "readers", "users.read", "roles.read")
    role = (await wire.get("roles/?q=name%3Dreaders")).json()[0]

    assert role["permissions"] == ["show-roles", "show-users"]
    changed = (await wire.patch(f"roles/{role['id']}", {"permissions": ["show-labels"]})).json()
    assert set(changed["permissions"]) == {"show-labels", "show-roles", "show-users"}


async def test_roles_that_other_front_doors_bring_stay_with_those_who_have_them(
    wire: Wire, runtime: Runtime, realm: Realm
):
    number = (await factories.a_person(runtime, realm, roles=("ADMINISTRATOR",))).number

    put = await wire.put(f"users/{number}", {**ASA, "system-roles": ["service"]})

    assert put.json()["system-roles"] == ["service"]
    assert "roles" not in put.json()
    async with runtime.read(factories.roster_in(realm)) as tx:
        user = await numbers.get(tx, number)
        assert {name for _, name, _ in (await roles.roles_of(tx, [user.id]))[user.id]} == {
            *("ADMINISTRATOR", "onslip360:service")
        }


async def test_system_roles_are_no_entities(wire: Wire):
    assert (await wire.get("roles/")).json() == []
    assert refusal(await wire.post("roles/", {"name": "admin"})) == (409, "conflict")


async def test_a_taken_name_is_a_conflict(wire: Wire):
    await wire.post("roles/", ROLE)

    assert refusal(await wire.post("roles/", ROLE)) == (409, "conflict")


async def test_a_cashier_sees_users_and_changes_what_is_personal(wire: Wire, cashier: Person, boss: Person):
    till = wire.by_someone(cashier)
    own = f"users/{cashier.user.number}"

    info = (await till.get("")).json()
    assert set(info["permissions"]) == {
        *("edit-personal-info", "use-pin-reset", "show-users", "show-labels", "show-tills", "show-locations")
    }
    assert info["user"]["system-roles"] == ["cashier"]
    assert len((await till.get("users/")).json()) == 2
    assert (await till.patch(own, {"name": "Carla"})).json()["name"] == "Carla"
    for change in (
        {"identity-number": "1"},
        {"system-roles": ["admin"]},
        {"tags": []},
        {"_a-b": "1"},
        {"deleted": None},
    ):
        assert refusal(await till.patch(own, change)) == (403, "forbidden")
    assert refusal(await till.put(own, ASA)) == (403, "forbidden")
    assert refusal(await till.patch(f"users/{boss.user.number}", {"name": "x"})) == (403, "forbidden")
    assert refusal(await till.post("users/", ASA)) == (403, "forbidden")
    assert refusal(await till.get("roles/")) == (403, "forbidden")
    assert refusal(await till.get("users/?d=t")) == (403, "forbidden")


async def test_whoever_has_no_role_is_told_only_who_they_are(wire: Wire, sign_in: SignIn):
    one = wire.by_someone(await sign_in(roles=("onslip360:service",)))

    info = (await one.get("")).json()
    assert info["permissions"] == []
    assert info["user"]["system-roles"] == ["service"]
    assert refusal(await one.patch(f"users/{info['user']['id']}", {"name": "x"})) == (403, "forbidden")


async def test_nobody_gives_more_than_they_have(wire: Wire, sign_in: SignIn):
    await wire.post("roles/", {"name": "hr", "permissions": ["edit-users", "show-users", "edit-roles", "show-roles"]})
    hr = wire.by_someone(await sign_in(roles=("hr",)))
    stored = await hr.add("asa")
    path = f"users/{stored['id']}"

    assert refusal(await hr.patch(path, {"system-roles": ["admin"]})) == (403, "forbidden")
    assert refusal(await hr.patch(path, {"system-roles": ["cashier"]})) == (403, "forbidden")
    other = {**ASA, "alias": "bo", "email": "bo@example.org", "system-roles": ["admin"]}
    assert refusal(await hr.post("users/", other)) == (403, "forbidden")
    assert refusal(await hr.post("roles/", {"name": "x", "permissions": ["show-tills"]})) == (403, "forbidden")
    assert (await hr.post("roles/", {"name": "y", "permissions": ["show-users"]})).status_code == 201
    assert (await hr.patch(path, {"system-roles": ["service"]})).json()["system-roles"] == ["service"]
    assert refusal(await hr.patch(path, {"name": "x", "roles": [10**15]})) == (400, "bad-request")


async def test_administrators_of_the_main_realm_are_super_users(wire: Wire, platform: Person):
    main = Wire(wire.http, "main", platform)

    info = (await main.get("")).json()

    assert info["user"]["demon"] is True
    assert {"edit-companies", "admin-system-config"} <= set(info["permissions"])
    assert len(info["permissions"]) == 115
    assert (await main.patch(f"users/{platform.user.number}", {"demon": True})).status_code == 200
    assert refusal(await main.patch(f"users/{platform.user.number}", {"demon": None})) == (403, "forbidden")
