"""Places and groups of them, over HTTP."""

from urllib.parse import quote

import httpx
import pytest

from tests.dialects.conftest import Person, SignIn


async def test_a_group_is_registered_read_changed_and_forgotten(client: httpx.AsyncClient, admin: Person):
    path = "/places/facility_group/north"
    made = await client.put(path, headers=admin.bearer, json={"name": "North", "members": ["F-2", "F-1", "F-2"]})
    read = await client.get(path, headers=admin.bearer)
    stale = await client.put(path, headers={**admin.bearer, "If-Match": '"0"'}, json={})
    changed = await client.put(path, headers={**admin.bearer, "If-Match": read.headers["etag"]}, json={"name": "N"})
    late = await client.delete(path, headers={**admin.bearer, "If-Match": read.headers["etag"]})
    deleted = await client.delete(path, headers={**admin.bearer, "If-Match": changed.headers["etag"]})

    assert (made.status_code, made.headers["etag"], made.json()["members"]) == (200, '"1"', ["F-1", "F-2"])
    assert read.json() == made.json()
    assert (stale.status_code, stale.json()["code"], late.status_code) == (412, "stale_version", 412)
    assert (changed.json()["name"], changed.json()["members"], changed.json()["version"]) == ("N", [], 2)
    assert deleted.status_code == 204
    assert (await client.get(path, headers=admin.bearer)).json()["code"] == "place_not_found"


async def test_places_are_filtered_sorted_and_paged(client: httpx.AsyncClient, admin: Person):
    for kind, key, name in (("zone", "z", "Alpha"), ("facility", "b", "beta"), ("facility", "a", "Gamma")):
        await client.put(f"/places/{kind}/{key}", headers=admin.bearer, json={"name": name})
    for key, members in (("g1", ["a", "b"]), ("g2", ["b"])):
        await client.put(f"/places/facility_group/{key}", headers=admin.bearer, json={"members": members})

    async def keys(**query: str) -> list[str]:
        found = await client.get("/places", headers=admin.bearer, params=query)
        return [each["key"] for each in found.json()["items"]]

    first = (await client.get("/places", headers=admin.bearer, params={"limit": "2", "total": "true"})).json()
    second = await client.get("/places", headers=admin.bearer, params={"limit": "2", "cursor": first["next_cursor"]})

    assert await keys() == ["a", "b", "g1", "g2", "z"]
    assert await keys(filter='kind eq "facility_group" and members eq "a"') == ["g1"]
    assert await keys(filter='name eq "BETA"') == ["b"]
    assert await keys(filter='name pr and kind ne "facility_group"', sort="-name") == ["a", "b", "z"]
    assert ([each["key"] for each in first["items"]], first["total"]) == (["a", "b"], 5)
    assert [each["key"] for each in second.json()["items"]] == ["g1", "g2"]
    wrong = await client.get("/places", headers=admin.bearer, params={"filter": 'colour eq "red"'})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_filter")


async def test_a_place_of_another_realm_does_not_exist(client: httpx.AsyncClient, admin: Person, stranger: Person):
    await client.put("/places/facility/F-1", headers=admin.bearer, json={"name": "Depot"})

    for method in ("GET", "DELETE"):
        there = await client.request(method, "/places/facility/F-1", headers=stranger.bearer)
        assert (there.status_code, there.json()["code"]) == (404, "place_not_found")
    assert (await client.get("/places", headers=stranger.bearer)).json()["items"] == []
    assert (await client.put("/places/facility/F-1", headers=stranger.bearer, json={})).status_code == 200
    assert (await client.get("/places/facility/F-1", headers=admin.bearer)).json()["name"] == "Depot"


async def test_whoever_may_only_read_places_changes_none(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    await client.put("/places/facility/F-1", headers=admin.bearer, json={"name": "Depot"})
    reader = await sign_in("places.read", "realm.write")

    assert (await client.get("/places/facility/F-1", headers=reader.bearer)).status_code == 200
    assert (await client.put("/places/facility/F-1", headers=reader.bearer, json={})).status_code == 403
    assert (await client.delete("/places/facility/F-1", headers=reader.bearer)).status_code == 403


@pytest.mark.parametrize("key", ["a/b", "%2e", "' OR 1=1 --", "<script>alert(1)</script>", "Äß 東京"])
async def test_odd_keys_come_back_as_they_were_given(client: httpx.AsyncClient, admin: Person, key: str):
    path = f"/places/facility/{quote(key, safe='')}"

    made = await client.put(path, headers=admin.bearer, json={"name": key})
    read = await client.get(path, headers=admin.bearer)

    assert (made.status_code, made.json()["key"], made.json()["name"]) == (200, key, key)
    assert read.json() == made.json()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("galaxy/x", {}, "kind"),
        ("zone/%20x", {}, "key"),
        ("zone/x%0a", {}, "key"),
        ("zone/" + "x" * 201, {}, "key"),
        ("zone/x", {"members": ["a"]}, "members"),
        ("zone/x", {"name": "a\u0007b"}, "name"),
        ("facility_group/x", {"members": [str(each) for each in range(10_001)]}, "members"),
        ("facility_group/x", {"members": ["x" * 201]}, "members[0]"),
        ("facility_group/x", {"members": [1]}, "members[0]"),
    ],
)
async def test_what_is_no_place_is_refused(
    client: httpx.AsyncClient, admin: Person, path: str, body: dict[str, object], field: str
):
    response = await client.put(f"/places/{path}", headers=admin.bearer, json=body)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_input")
    assert [each["field"] for each in response.json()["problems"]] == [field]
    assert (await client.get("/places", headers=admin.bearer)).json()["items"] == []


async def test_unknown_kinds_are_not_there_to_read(client: httpx.AsyncClient, admin: Person):
    response = await client.get("/places/galaxy/x", headers=admin.bearer)

    assert (response.status_code, response.json()["code"]) == (404, "place_not_found")


async def test_whoever_joins_a_group_is_within_reach_of_those_limited_to_it(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn
):
    leader, member = await sign_in(), await sign_in()
    await client.post("/roles", headers=admin.bearer, json={"name": "leader", "permissions": ["users.read"]})
    await client.post("/roles", headers=admin.bearer, json={"name": "worker"})
    for user, role, kind, key in (
        (leader.user, "leader", "facility_group", "north"),
        (member.user, "worker", "facility", "F-2"),
    ):
        body = {"role": role, "contexts": [{"kind": kind, "value": key}]}
        await client.post(f"/users/{user.id}/assignments", headers=admin.bearer, json=body)

    seen: list[int] = []
    for members in (["F-1"], ["F-1", "F-2"], []):
        await client.put("/places/facility_group/north", headers=admin.bearer, json={"members": members})
        seen.append((await client.get(f"/users/{member.user.id}", headers=leader.bearer)).status_code)
        found = await client.get("/users", headers=leader.bearer, params={"total": "true"})
        seen.append(str(member.user.id) in found.text)

    assert seen == [404, False, 200, True, 404, False]
