"""Roles and the vocabulary of permissions."""

import httpx
import pytest

from roster.core.access.models import PERMISSIONS
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn


async def test_a_role_is_made_changed_and_deleted(client: httpx.AsyncClient, admin: Person):
    made = await client.post(
        "/roles",
        headers=admin.bearer,
        json={"name": "Nurse", "permissions": ["users.read"], "ceiling": {"facility": ["7"]}},
    )
    path = f"/roles/{made.json()['id']}"

    patched = await client.patch(
        path, headers={**admin.bearer, "If-Match": made.headers["etag"]}, json={"permissions": ["users.read_basic"]}
    )
    stale = await client.patch(path, headers={**admin.bearer, "If-Match": made.headers["etag"]}, json={"name": "X"})
    undeleted = await client.delete(path, headers={**admin.bearer, "If-Match": made.headers["etag"]})
    deleted = await client.delete(path, headers={**admin.bearer, "If-Match": patched.headers["etag"]})

    assert (made.status_code, made.headers["location"]) == (201, f"/api/v1{path}")
    assert (patched.json()["permissions"], patched.json()["ceiling"]) == (["users.read_basic"], {"facility": ["7"]})
    assert (stale.status_code, undeleted.status_code, deleted.status_code) == (412, 412, 204)
    assert (await client.get(path, headers=admin.bearer)).status_code == 404


async def test_a_change_of_a_role_is_felt_on_the_next_request(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn
):
    reader = await sign_in("audit.read")
    (role,) = (await client.get("/roles", headers=reader.bearer)).json()["items"]
    assert (await client.get("/audit", headers=reader.bearer)).status_code == 200

    await client.patch(f"/roles/{role['id']}", headers=admin.bearer, json={"permissions": []})

    assert (await client.get("/audit", headers=reader.bearer)).status_code == 403


async def test_roles_are_found_by_name_and_permission(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, admin: Person
):
    for name in ("beta", "Alpha", "gamma"):
        await factories.a_role(runtime, realm, name, "users.read", *(["audit.read"] if name == "gamma" else []))

    by_name = await client.get("/roles", headers=admin.bearer, params={"filter": "built_in eq false", "total": "true"})
    auditing = await client.get("/roles", headers=admin.bearer, params={"filter": 'permissions eq "audit.read"'})

    assert [each["name"] for each in by_name.json()["items"]] == ["Alpha", "beta", "gamma"]
    assert by_name.json()["total"] == 3
    assert [each["name"] for each in auditing.json()["items"]] == ["gamma"]


async def test_people_see_the_roles_they_have(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, person: Person
):
    await factories.a_role(runtime, realm, "secret", "users.read")

    listed = await client.get("/roles", headers=person.bearer)

    assert listed.json()["items"] == []


async def test_members_are_replaced_as_a_whole(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    role = (await client.post("/roles", headers=admin.bearer, json={"name": "nurse"})).json()["id"]
    first, second, third = [str((await sign_in()).user.id) for _ in range(3)]
    path = f"/roles/{role}/members"

    await client.put(path, headers=admin.bearer, json={"members": [first, second]})
    answer = await client.put(path, headers=admin.bearer, json={"members": [second], "owners": [third]})
    nobody = await client.put(path, headers=admin.bearer, json={"members": [role]})

    assert answer.json() == {"members": sorted([second, third]), "owners": [third]}
    assert (await client.get(path, headers=admin.bearer)).json() == answer.json()
    assert (nobody.status_code, nobody.json()["problems"][0]["code"]) == (400, "unknown_user")


async def test_owners_change_who_has_a_role_but_not_what_it_allows(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn, person: Person
):
    owner = await sign_in()
    body = {"name": "nurse", "permissions": ["users.read"]}
    role = (await client.post("/roles", headers=admin.bearer, json=body)).json()["id"]
    await client.put(
        f"/roles/{role}/members", headers=admin.bearer, json={"members": [], "owners": [str(owner.user.id)]}
    )

    members = await client.put(
        f"/roles/{role}/members",
        headers=owner.bearer,
        json={"members": [str(person.user.id)], "owners": [str(owner.user.id)]},
    )
    more = await client.patch(f"/roles/{role}", headers=owner.bearer, json={"permissions": ["*"]})

    assert members.status_code == 200
    assert more.status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "ADMIN"}, 409, "role_name_taken"),
        ({"name": "x", "permissions": ["fly"]}, 400, "invalid_input"),
        ({"name": "x", "permissions": ["*"]}, 403, "escalation"),
        ({"name": "a,b"}, 400, "invalid_input"),
        ({"name": ""}, 400, "invalid_input"),
    ],
)
async def test_roles_that_cannot_be_made_are_refused(
    client: httpx.AsyncClient, sign_in: SignIn, body: dict[str, object], status: int, code: str
):
    maker = await sign_in("roles.write", "roles.read")

    response = await client.post("/roles", headers=maker.bearer, json=body)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_the_built_in_role_stays_as_it_is(client: httpx.AsyncClient, admin: Person):
    where = {"filter": 'name eq "admin"'}
    (role,) = (await client.get("/roles", headers=admin.bearer, params=where)).json()["items"]

    changed = await client.patch(f"/roles/{role['id']}", headers=admin.bearer, json={"name": "boss"})
    deleted = await client.delete(f"/roles/{role['id']}", headers=admin.bearer)

    assert (changed.status_code, changed.json()["code"]) == (409, "role_built_in")
    assert (deleted.status_code, deleted.json()["code"]) == (409, "role_built_in")


async def test_the_vocabulary_is_listed_with_its_meaning(client: httpx.AsyncClient, person: Person):
    listed = await client.get("/permissions", headers=person.bearer)

    found = {each["key"]: each["description"] for each in listed.json()["items"]}
    assert {key: text for key, text in found.items() if ":" not in key} == PERMISSIONS
    assert found["fulfillmenttools:USER_READ"]
