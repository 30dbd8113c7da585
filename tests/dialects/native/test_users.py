"""People: lists, changes, deletion, and everything about one person."""

from typing import Any

import httpx
import pytest

from roster.core.access import service as access
from roster.core.access.models import RoleDraft
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn, signed_in


@pytest.fixture
async def crowd(runtime: Runtime, realm: Realm) -> None:
    """Seven people that differ."""
    for number in range(7):
        await factories.a_person(
            runtime,
            realm,
            f"crowd-{number}",
            email=f"crowd-{number}@{'example.com' if number % 2 else 'example.org'}",
            family_name="Åberg" if number < 3 else "Berg",
            tags=["vip"] if number == 5 else [],
            attributes={"shoe": 36 + number},
        )


async def names(client: httpx.AsyncClient, caller: Person, **query: str) -> list[str]:
    response = await client.get("/users", headers=caller.bearer, params={"q": "crowd", **query})
    assert response.status_code == 200, response.text
    return [each["username"].removeprefix("crowd-") for each in response.json()["items"]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('email ew "@example.com"', "135"),
        ('family_name eq "åberg"', "012"),
        ('family_name eq "berg" and not (email ew "@example.com")', "46"),
        ('tags eq "vip" or username eq "CROWD-0"', "05"),
        ("attributes.shoe ge 41", "56"),
        ('username in ("crowd-2", "crowd-3")', "23"),
        ("phone pr", ""),
        ('status eq "active" and attributes.shoe lt 38', "01"),
    ],
)
async def test_filters_find_people(client: httpx.AsyncClient, admin: Person, crowd: None, where: str, expected: str):
    assert await names(client, admin, filter=where, sort="username") == list(expected)


async def test_people_are_sorted_by_several_fields(client: httpx.AsyncClient, admin: Person, crowd: None):
    assert await names(client, admin, sort="family_name,-username") == list("6543210")


async def test_pages_lead_through_the_whole_list_and_back(client: httpx.AsyncClient, admin: Person, crowd: None):
    query: dict[str, Any] = {"q": "crowd", "sort": "username", "limit": 3}
    first = (await client.get("/users", headers=admin.bearer, params={**query, "total": "true"})).json()
    second = await client.get("/users", headers=admin.bearer, params={**query, "cursor": first["next_cursor"]})
    third = await client.get("/users", headers=admin.bearer, params={**query, "cursor": second.json()["next_cursor"]})
    back = await client.get(
        "/users", headers=admin.bearer, params={**query, "cursor": second.json()["previous_cursor"]}
    )

    pages = [first, second.json(), third.json(), back.json()]
    assert [[each["username"][-1] for each in page["items"]] for page in pages] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
        ["0", "1", "2"],
    ]
    assert (first["total"], third.json()["next_cursor"], second.json()["total"]) == (7, None, None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"filter": "nothing eq 1"}, "invalid_filter"),
        ({"filter": "username eq"}, "invalid_filter"),
        ({"filter": 'created_at gt "yesterday"'}, "invalid_filter"),
        ({"sort": "tags"}, "invalid_filter"),
        ({"cursor": "abc"}, "invalid_cursor"),
        ({"limit": "0"}, "invalid_input"),
        ({"limit": "1001"}, "invalid_input"),
        ({"limit": "many"}, "invalid_input"),
        ({"unknown": "1"}, "invalid_input"),
        ({"deleted": "yes"}, "invalid_input"),
    ],
)
async def test_questions_that_cannot_be_asked_are_refused(
    client: httpx.AsyncClient, admin: Person, query: dict[str, str], code: str
):
    response = await client.get("/users", headers=admin.bearer, params=query)

    assert (response.status_code, response.json()["code"]) == (400, code), response.text
    assert response.json()["problems"]


async def test_the_basic_view_shows_that_people_exist_and_no_more(
    client: httpx.AsyncClient, sign_in: SignIn, crowd: None
):
    reader = await sign_in("users.read_basic")

    listed = (await client.get("/users", headers=reader.bearer, params={"q": "crowd-0"})).json()["items"]
    by_email = await client.get("/users", headers=reader.bearer, params={"filter": "email pr"})
    by_address = await client.get("/users", headers=reader.bearer, params={"q": "example.org"})

    assert [(each["view"], each["username"], each["email"]) for each in listed] == [("basic", "crowd-0", None)]
    assert listed[0]["attributes"] == {}
    assert (by_email.status_code, by_email.json()["code"]) == (403, "private_field")
    assert by_address.json()["items"] == []


async def test_whoever_sees_people_of_a_place_sees_those_only(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, sign_in: SignIn
):
    here = {"facility": ["7"]}
    async with runtime.write(factories.roster_in(realm)) as tx:
        reading = await access.create_role(tx, RoleDraft(name="reading", permissions=["users.read"]))
        working = await access.create_role(tx, RoleDraft(name="working"))
    reader, near, far = await sign_in(), await sign_in(), await sign_in()
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.assign(tx, reading.id, reader.user.id, here)
        await access.assign(tx, working.id, near.user.id, here)

    listed = await client.get("/users", headers=reader.bearer, params={"sort": "number"})
    one = await client.get(f"/users/{near.user.id}", headers=reader.bearer)
    other = await client.get(f"/users/{far.user.id}", headers=reader.bearer)

    assert [each["id"] for each in listed.json()["items"]] == [str(reader.user.id), str(near.user.id)]
    assert (one.status_code, one.json()["view"]) == (200, "full")
    assert other.status_code == 404


async def test_a_new_person_has_all_that_was_said_and_may_sign_in(
    client: httpx.AsyncClient, admin: Person, realm: Realm
):
    body = {
        "username": "eva",
        "email": "Eva@Example.com",
        "email_verified": True,
        "phone": "070-123 45 67",
        "display_name": "Eva Berg",
        "locale": "sv-SE",
        "personal_number": "19900101-0017",
        "tags": ["vip", "new"],
        "attributes": {"shoe": 38},
        "facets": {"acceleratxr": {"x": 1}},
        "password": "correct horse battery",
        "roles": ["admin"],
    }

    made = await client.post("/users", headers=admin.bearer, json=body)
    signed = await client.post(
        "/sign-in", json={"username": "+46701234567", "password": "correct horse battery", "realm": realm.slug}
    )

    assert made.status_code == 201
    assert made.headers["etag"] == '"0"'
    user = made.json()
    assert made.headers["location"] == f"/api/v1/users/{user['id']}"
    assert {name: user[name] for name in ("email", "phone", "tags", "attributes", "status")} == {
        "email": "Eva@example.com",
        "phone": "070-123 45 67",
        "tags": ["new", "vip"],
        "attributes": {"shoe": 38},
        "status": "active",
    }
    assert user["email_verified_at"] == user["created_at"]
    assert user["created_by"] == str(admin.user.id)
    me = await client.get("/me", headers={"Authorization": f"Bearer {signed.json()['access_token']}"})
    assert me.json()["roles"] == ["admin"]
    assert (await client.get(made.headers["location"].removeprefix("/api/v1"), headers=admin.bearer)).json() == user


async def test_nothing_is_made_when_a_role_cannot_be_given(client: httpx.AsyncClient, sign_in: SignIn, admin: Person):
    maker = await sign_in("users.create", "roles.assign", "roles.read")

    refused = await client.post("/users", headers=maker.bearer, json={"username": "eva", "roles": ["admin"]})
    unknown = await client.post("/users", headers=maker.bearer, json={"username": "eva", "roles": ["nothing"]})

    assert (refused.status_code, refused.json()["code"]) == (403, "escalation")
    assert (unknown.status_code, unknown.json()["problems"][0]["code"]) == (400, "unknown_role")
    assert (await client.get("/users", headers=admin.bearer, params={"q": "eva"})).json()["items"] == []


async def test_every_problem_of_a_draft_is_told_at_once(client: httpx.AsyncClient, admin: Person):
    body = {"username": "a/b", "email": "no address", "locale": "?", "tags": "vip"}

    shape = await client.post("/users", headers=admin.bearer, json=body)
    meaning = await client.post("/users", headers=admin.bearer, json={**body, "tags": []})

    assert [each["field"] for each in shape.json()["problems"]] == ["tags"]
    assert {each["field"] for each in meaning.json()["problems"]} == {"username", "email", "locale"}


async def test_names_and_addresses_are_taken_once(client: httpx.AsyncClient, admin: Person):
    await client.post("/users", headers=admin.bearer, json={"username": "eva", "email": "eva@example.com"})

    name = await client.post("/users", headers=admin.bearer, json={"username": "EVA"})
    email = await client.post("/users", headers=admin.bearer, json={"username": "eva2", "email": "EVA@example.com"})

    assert (name.status_code, name.json()["code"]) == (409, "username_taken")
    assert (email.status_code, email.json()["code"]) == (409, "email_taken")


async def test_a_patch_changes_what_it_names_and_null_clears(
    client: httpx.AsyncClient, admin: Person, runtime: Runtime, realm: Realm
):
    user = await factories.a_person(
        runtime, realm, "eva", display_name="Eva", given_name="Eva", attributes={"shoe": 38, "hat": "red"}
    )

    response = await client.patch(
        f"/users/{user.id}",
        headers={**admin.bearer, "Content-Type": "application/merge-patch+json"},
        content='{"display_name": null, "family_name": "Berg", "attributes": {"shoe": null, "coat": true}}',
    )

    after = response.json()
    assert (after["display_name"], after["given_name"], after["family_name"]) == (None, "Eva", "Berg")
    assert after["attributes"] == {"hat": "red", "coat": True}
    assert (after["version"], response.headers["etag"]) == (1, '"1"')


async def test_a_stale_copy_changes_nothing(client: httpx.AsyncClient, admin: Person, person: Person):
    path = f"/users/{person.user.id}"
    await client.patch(path, headers={**admin.bearer, "If-Match": '"0"'}, json={"display_name": "Eva"})

    patched = await client.patch(path, headers={**admin.bearer, "If-Match": '"0"'}, json={"display_name": "Other"})
    deleted = await client.delete(path, headers={**admin.bearer, "If-Match": '"0"'})
    malformed = await client.delete(path, headers={**admin.bearer, "If-Match": "0"})
    anyhow = await client.patch(path, headers={**admin.bearer, "If-Match": "*"}, json={"tags": ["x"]})

    assert (patched.status_code, patched.json()["code"]) == (412, "stale_version")
    assert patched.json()["details"] == {"stored_version": 1, "sent_version": 0}
    assert (deleted.status_code, malformed.status_code, anyhow.status_code) == (412, 400, 200)
    assert anyhow.json()["display_name"] == "Eva"


async def test_disabling_somebody_ends_what_they_do(client: httpx.AsyncClient, admin: Person, person: Person):
    response = await client.patch(f"/users/{person.user.id}", headers=admin.bearer, json={"status": "disabled"})

    assert response.json()["status"] == "disabled"
    assert (await client.get("/me", headers=person.bearer)).status_code == 401


async def test_nobody_changes_their_betters(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    writer = await sign_in("users.read", "users.write", "users.delete", "credentials.write")
    path = f"/users/{admin.user.id}"

    answers = [
        await client.patch(path, headers=writer.bearer, json={"email": "mine@example.com"}),
        await client.delete(path, headers=writer.bearer),
        await client.put(f"{path}/credentials/password", headers=writer.bearer, json={"password": "mine alone 77"}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "escalation")] * 3


async def test_a_deleted_person_is_gone_until_restored(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn, runtime: Runtime, realm: Realm
):
    gone = await sign_in(roles=("admin",))
    path = f"/users/{gone.user.id}"

    assert (await client.delete(path, headers=admin.bearer)).status_code == 204
    assert (await client.get(path, headers=admin.bearer)).status_code == 404
    assert (await client.get("/me", headers=gone.bearer)).status_code == 401
    only = await client.get("/users", headers=admin.bearer, params={"deleted": "only"})
    assert [each["id"] for each in only.json()["items"]] == [str(gone.user.id)]
    assert only.json()["items"][0]["deleted_by"] == str(admin.user.id)
    restored = await client.post(f"{path}/restore", headers=admin.bearer)
    again = await client.post(f"{path}/restore", headers=admin.bearer)

    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    assert (again.status_code, again.json()["code"]) == (409, "not_deleted")
    assert (await client.get("/me", headers=gone.bearer)).status_code == 401
    back = await signed_in(runtime, realm, gone.user)
    assert (await client.get("/me", headers=back.bearer)).json()["roles"] == ["admin"]


async def test_an_erased_person_cannot_come_back(client: httpx.AsyncClient, admin: Person, person: Person):
    path = f"/users/{person.user.id}"

    assert (await client.post(f"{path}/erase", headers=admin.bearer)).status_code == 204

    assert (await client.post(f"{path}/restore", headers=admin.bearer)).status_code == 404
    everybody = await client.get("/users", headers=admin.bearer, params={"deleted": "include"})
    assert str(person.user.id) not in everybody.text
    assert person.user.username not in everybody.text


async def test_the_last_administrator_stays(client: httpx.AsyncClient, admin: Person):
    path = f"/users/{admin.user.id}"

    deleted = await client.delete(path, headers=admin.bearer)
    (held,) = (await client.get(f"{path}/assignments", headers=admin.bearer)).json()["items"]
    unassigned = await client.delete(f"{path}/assignments/{held['id']}", headers=admin.bearer)

    assert (deleted.status_code, deleted.json()["code"]) == (409, "last_administrator")
    assert (unassigned.status_code, unassigned.json()["code"]) == (409, "last_administrator")


async def test_people_get_everything_about_themselves_and_never_a_secret(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn
):
    person = await sign_in("users.read_basic")
    await client.put(
        f"/users/{person.user.id}/credentials/password", headers=admin.bearer, json={"password": "correct horse 1"}
    )
    person_again = await client.post(
        "/sign-in",
        json={"username": person.user.username, "password": "correct horse 1", "realm": person.realm.slug},
    )
    bearer = {"Authorization": f"Bearer {person_again.json()['access_token']}"}

    response = await client.get(f"/users/{person.user.id}/export", headers=bearer)

    assert response.headers["content-disposition"].startswith("attachment;")
    found = response.json()
    assert found["user"]["id"] == str(person.user.id)
    assert [each["kind"] for each in found["credentials"]] == ["password"]
    assert [each["current"] for each in found["sessions"]] == [True]
    assert len(found["assignments"]) == 1
    assert {"user.created", "credential.password_set", "session.opened"} <= {each["action"] for each in found["audit"]}
    assert "argon2" not in response.text


async def test_an_export_of_deleted_people_is_for_those_who_may_erase(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    await client.delete(f"/users/{person.user.id}", headers=admin.bearer)

    response = await client.get(f"/users/{person.user.id}/export", headers=admin.bearer)

    assert response.json()["user"]["deleted_at"] is not None


async def test_an_id_in_another_notation_is_no_id(client: httpx.AsyncClient, admin: Person, person: Person):
    for spelling in (person.user.id.hex, f"{{{person.user.id}}}", f"urn:uuid:{person.user.id}", "1", "me"):
        response = await client.get(f"/users/{spelling}", headers=admin.bearer)
        assert (response.status_code, response.json()["code"]) == (404, "user_not_found")
    upper = await client.get(f"/users/{str(person.user.id).upper()}", headers=admin.bearer)
    assert upper.status_code == 200


async def test_times_are_in_utc_with_milliseconds(client: httpx.AsyncClient, person: Person):
    user = (await client.get("/me", headers=person.bearer)).json()["user"]

    assert user["created_at"][-5] == "."
    assert user["created_at"].endswith("Z")
