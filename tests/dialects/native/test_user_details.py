"""What belongs to one person."""

import base64

import httpx

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn, signed_in


async def test_ending_all_sessions_of_a_person_is_felt_at_once(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    path = f"/users/{person.user.id}/sessions"

    listed = await client.get(path, headers=admin.bearer)
    ended = await client.delete(path, headers=admin.bearer)

    assert [each["current"] for each in listed.json()["items"]] == [False]
    assert ended.json() == {"ended": 1}
    assert (await client.get("/me", headers=person.bearer)).status_code == 401


async def test_a_session_is_ended_only_where_it_belongs(
    client: httpx.AsyncClient, admin: Person, person: Person, sign_in: SignIn
):
    other = await sign_in()
    session = (await client.get("/me/sessions", headers=person.bearer)).json()["items"][0]["id"]

    wrong = await client.delete(f"/users/{other.user.id}/sessions/{session}", headers=admin.bearer)
    right = await client.delete(f"/users/{person.user.id}/sessions/{session}", headers=admin.bearer)
    gone = await client.get(f"/sessions/{session}", headers=admin.bearer)

    assert (wrong.status_code, right.status_code, gone.status_code) == (404, 204, 404)


async def test_sessions_of_the_realm_are_found_by_person_and_field(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    of_person = await client.get("/sessions", headers=admin.bearer, params={"user_id": str(person.user.id)})
    of_both = await client.get("/sessions", headers=admin.bearer, params={"total": "true", "limit": "1"})
    none = await client.get("/sessions", headers=admin.bearer, params={"filter": 'dialect eq "other"'})

    assert [each["user_id"] for each in of_person.json()["items"]] == [str(person.user.id)]
    assert (of_both.json()["total"], len(of_both.json()["items"])) == (2, 1)
    assert none.json()["items"] == []


async def test_a_password_that_an_administrator_sets_works_and_ends_sessions(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    path = f"/users/{person.user.id}/credentials"

    weak = await client.put(f"{path}/password", headers=admin.bearer, json={"password": "password"})
    done = await client.put(f"{path}/password", headers=admin.bearer, json={"password": "correct horse 9"})

    assert (weak.status_code, weak.json()["problems"][0]["code"]) == (400, "too_common")
    assert done.status_code == 204
    assert (await client.get("/me", headers=person.bearer)).status_code == 401
    (known,) = (await client.get(path, headers=admin.bearer)).json()["items"]
    assert known["kind"] == "password"
    assert set(known) == {
        *("id", "user_id", "kind", "state", "label", "data", "created_at", "created_by", "updated_at"),
        *("last_used_at", "expires_at"),
    }


async def test_a_removed_key_opens_nothing_any_more(client: httpx.AsyncClient, admin: Person, person: Person):
    made = await client.post("/api-keys", headers=admin.bearer, json={"user_id": str(person.user.id), "label": "robot"})
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    credential = made.json()["credential"]

    me = await client.get("/me", headers=key)
    await client.delete(f"/users/{person.user.id}/credentials/{credential['id']}", headers=admin.bearer)

    assert made.headers["location"] == f"/api/v1/api-keys/{credential['id']}"
    assert (me.json()["user"]["id"], me.json()["session_id"], me.json()["factors"]) == (
        str(person.user.id),
        None,
        ["api_key"],
    )
    assert (await client.get("/me", headers=key)).status_code == 401


async def test_keys_are_listed_in_pages_and_never_shown_again(client: httpx.AsyncClient, admin: Person):
    keys = [(await client.post("/api-keys", headers=admin.bearer, json={"label": str(n)})).json() for n in range(3)]

    first = await client.get("/api-keys", headers=admin.bearer, params={"limit": "2"})
    second = await client.get(
        "/api-keys", headers=admin.bearer, params={"limit": "2", "cursor": first.json()["next_cursor"]}
    )
    everybody = await client.get("/api-keys", headers=admin.bearer, params={"all": "true"})
    wrong = await client.get("/api-keys", headers=admin.bearer, params={"cursor": "x"})

    assert [each["label"] for each in first.json()["items"] + second.json()["items"]] == ["0", "1", "2"]
    assert len(everybody.json()["items"]) == 3
    assert not any(each["key"] in everybody.text for each in keys)
    assert wrong.status_code == 400


async def test_a_key_that_signs_is_made_with_its_identifier(client: httpx.AsyncClient, admin: Person, person: Person):
    wanted = {"user_id": str(person.user.id), "kind": "hawk", "alias": "ci", "permissions": ["users.read"]}
    made = await client.post("/api-keys", headers=admin.bearer, json=wanted)
    again = await client.post("/api-keys", headers=admin.bearer, json=wanted)
    other = await client.post("/api-keys", headers=admin.bearer, json={**wanted, "kind": "api_key"})
    unknown = await client.post(
        "/api-keys", headers=admin.bearer, json={"kind": "hawk", "device_id": wanted["user_id"]}
    )
    listed = await client.get("/api-keys", headers=admin.bearer, params={"all": "true"})

    assert made.json()["identifier"].startswith(f"key:{person.user.username}+ci@")
    assert len(base64.b64decode(made.json()["key"], validate=True)) == 32
    assert made.json()["credential"]["data"] == {"alias": "ci", "permissions": ["users.read"]}
    assert (again.status_code, again.json()["code"]) == (409, "alias_taken")
    assert (other.status_code, other.json()["problems"][0]["field"]) == (400, "kind")
    assert (unknown.status_code, unknown.json()["problems"][0]["code"]) == (400, "unknown_device")
    assert [each["kind"] for each in listed.json()["items"]] == ["hawk"]
    assert made.json()["key"] not in listed.text


async def test_a_key_that_has_expired_opens_nothing(client: httpx.AsyncClient, admin: Person):
    made = await client.post("/api-keys", headers=admin.bearer, json={"expires_at": "2020-01-01T00:00:00Z"})
    local = await client.post("/api-keys", headers=admin.bearer, json={"expires_at": "2030-01-01T00:00:00"})

    if made.status_code == 201:
        assert (await client.get("/me", headers={"Authorization": f"Bearer {made.json()['key']}"})).status_code == 401
    assert (local.status_code, local.json()["problems"][0]["field"]) == (400, "expires_at")


async def test_roles_are_given_with_places_and_taken_again(client: httpx.AsyncClient, admin: Person, person: Person):
    await client.post("/roles", headers=admin.bearer, json={"name": "nurse", "permissions": ["users.read"]})
    path = f"/users/{person.user.id}/assignments"
    place = {"kind": "facility", "value": "7"}

    given = await client.post(path, headers=admin.bearer, json={"role": "Nurse", "contexts": [place]})
    twice = await client.post(path, headers=admin.bearer, json={"role": "nurse", "contexts": [place]})
    unknown = await client.post(path, headers=admin.bearer, json={"role": "nobody"})

    assert (given.status_code, given.json()["contexts"]) == (201, [place])
    assert given.headers["location"] == f"/api/v1{path}/{given.json()['id']}"
    assert (twice.status_code, twice.json()["code"]) == (409, "assignment_exists")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "role_not_found")
    may = await client.get(f"/users/{person.user.id}/permissions", headers=admin.bearer)
    assert may.json() == {
        "everywhere": [],
        "within": [{"permissions": ["users.read"], "contexts": [place]}],
        "roles": ["nurse"],
    }
    assert (await client.delete(f"{path}/{given.json()['id']}", headers=admin.bearer)).status_code == 204
    assert (await client.get(path, headers=admin.bearer)).json()["items"] == []


async def test_an_assignment_is_taken_only_from_whom_it_belongs_to(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn, person: Person
):
    holder = await sign_in("users.read")
    (held,) = (await client.get(f"/users/{holder.user.id}/assignments", headers=admin.bearer)).json()["items"]

    response = await client.delete(f"/users/{person.user.id}/assignments/{held['id']}", headers=admin.bearer)

    assert (response.status_code, response.json()["code"]) == (404, "assignment_not_found")


async def test_why_somebody_may_do_something_is_explained(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, admin: Person
):
    await factories.a_role(runtime, realm, "readers", "users.read")
    await factories.a_role(runtime, realm, "others", "roles.read")
    user = await factories.a_person(runtime, realm, roles=("readers", "others", "admin"))
    path = f"/users/{user.id}/permissions"

    why = await client.get(path, headers=admin.bearer, params={"explain": "users.read"})
    own = await client.get(path, headers=(await signed_in(runtime, realm, user)).bearer)

    assert sorted(each["role"] for each in why.json()["explained_by"]) == ["admin", "readers"]
    assert own.json()["roles"] == ["admin", "others", "readers"]
    assert "explained_by" not in own.json()


async def test_nothing_of_a_kind_is_said_with_a_value_that_is_null(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    await client.post("/roles", headers=admin.bearer, json={"name": "nurse", "permissions": ["users.read"]})
    path = f"/users/{person.user.id}/assignments"
    contexts = [{"kind": "facility", "value": None}, {"kind": "zone", "value": "1"}]

    given = await client.post(path, headers=admin.bearer, json={"role": "nurse", "contexts": contexts})
    may = await client.get(f"/users/{person.user.id}/permissions", headers=admin.bearer)

    assert (given.status_code, given.json()["contexts"]) == (201, contexts)
    assert may.json() == {"everywhere": [], "within": [], "roles": ["nurse"]}


async def test_what_gives_a_permission_and_what_takes_it_away_is_explained(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    north = {"kind": "facility", "value": "north"}
    ids = {}
    for name, places in (("cut", [north, {"kind": "facility", "value": "south"}]), ("gone", [north])):
        role = {"name": name, "permissions": ["users.read"]}
        made = (await client.post("/roles", headers=admin.bearer, json=role)).json()
        body = {"role": name, "contexts": places}
        await client.post(f"/users/{person.user.id}/assignments", headers=admin.bearer, json=body)
        ids[name] = made["id"]
    for name, ceiling in (("cut", ["south"]), ("gone", [])):
        body = {"ceiling": {"facility": ceiling}}
        assert (await client.patch(f"/roles/{ids[name]}", headers=admin.bearer, json=body)).status_code == 200

    path = f"/users/{person.user.id}/permissions"
    why = (await client.get(path, headers=admin.bearer, params={"explain": "users.read"})).json()["explained_by"]

    nothing = [{"kind": "facility", "value": None}]
    assert [(each["role"], each["gives"], each["limits"], each["withheld"]) for each in why] == [
        ("cut", True, [{"kind": "facility", "value": "south"}], [north]),
        ("gone", False, nothing, [north]),
    ]


async def test_a_role_that_requires_a_place_is_refused_without(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    role = {"name": "cook", "requires": ["facility"], "ceiling": {"facility": ["1"]}}
    made = await client.post("/roles", headers=admin.bearer, json=role)
    path = f"/users/{person.user.id}/assignments"

    without = await client.post(path, headers=admin.bearer, json={"role": "cook"})
    above = await client.post(
        path, headers=admin.bearer, json={"role": "cook", "contexts": [{"kind": "facility", "value": "2"}]}
    )
    changed = await client.patch(f"/roles/{made.json()['id']}", headers=admin.bearer, json={"requires": []})

    assert made.json()["requires"] == ["facility"]
    assert (without.status_code, without.json()["problems"][0]["code"]) == (400, "context_required")
    assert (above.status_code, above.json()["problems"][0]["code"]) == (400, "above_ceiling")
    assert changed.json()["requires"] == []
    assert (await client.post(path, headers=admin.bearer, json={"role": "cook"})).status_code == 201


async def test_somebody_limited_to_a_place_works_there_and_nowhere_else(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, sign_in: SignIn, admin: Person
):
    lead, near, far = await sign_in(), await sign_in(), await sign_in()
    await factories.a_role(runtime, realm, "cook")
    keys = ["users.read", "users.create", "users.write", "users.delete", "roles.read", "roles.assign", "sessions.write"]
    await factories.a_role(runtime, realm, "lead", *keys)
    here, there = [{"kind": "facility", "value": "7"}], [{"kind": "facility", "value": "8"}]
    for user, role, places in ((lead, "lead", here), (near, "cook", here), (far, "cook", there)):
        path = f"/users/{user.user.id}/assignments"
        assert (
            await client.post(path, headers=admin.bearer, json={"role": role, "contexts": places})
        ).status_code == 201

    async def status(method: str, path: str, user: Person, body: object = None) -> int:
        path = f"/users/{user.user.id}{path}"
        return (await client.request(method, path, headers=lead.bearer, json=body)).status_code

    calls = [
        ("GET", "", None, 200),
        ("PATCH", "", {"display_name": "new"}, 200),
        ("GET", "/assignments", None, 200),
        ("GET", "/permissions", None, 200),
        ("POST", "/assignments", {"role": "cook", "contexts": [*here, {"kind": "zone", "value": "1"}]}, 201),
        ("DELETE", "/sessions", None, 200),
        ("DELETE", "", None, 204),
    ]
    for method, path, body, expected in calls:
        assert await status(method, path, far, body) == 404, (method, path)
        assert await status(method, path, near, body) == expected, (method, path)

    made = await client.post("/users", headers=lead.bearer, json={"username": "eva", "roles": ["cook"]})
    refused = await client.post("/users", headers=lead.bearer, json={"username": "eve"})
    listed = await client.get("/users", headers=lead.bearer, params={"q": "ev", "total": "true"})
    assert (made.status_code, refused.status_code) == (201, 403)
    assert [each["username"] for each in listed.json()["items"]] == ["eva"]
