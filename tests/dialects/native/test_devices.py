"""Trusted devices over HTTP: registered, found, changed, and given keys that are shown once."""

import base64

import httpx

from roster.core.devices import service as devices
from roster.storage.runtime import Runtime
from tests.dialects.conftest import Person, SignIn

TILL = {"name": "Till 1", "kind": "till", "external_id": "till-1", "tags": ["bar"]}


async def test_a_device_is_registered_changed_deleted_and_restored(client: httpx.AsyncClient, admin: Person):
    made = await client.post("/devices", headers=admin.bearer, json=TILL)
    path = f"/devices/{made.json()['id']}"
    changed = await client.patch(path, headers={**admin.bearer, "If-Match": '"0"'}, json={"external_id": None})
    late = await client.patch(path, headers={**admin.bearer, "If-Match": '"0"'}, json={"name": "Till 2"})
    deleted = await client.delete(path, headers=admin.bearer)
    gone = await client.get(path, headers=admin.bearer)
    restored = await client.post(path + "/restore", headers=admin.bearer)

    assert (made.status_code, made.headers["location"]) == (201, "/api/v1" + path)
    assert (made.json()["identifier"], made.json()["has_key"]) == (f"dev:till-1@{admin.realm.slug}", False)
    assert (changed.json()["name"], changed.json()["external_id"], changed.headers["etag"]) == ("Till 1", None, '"1"')
    assert changed.json()["identifier"] == f"dev:{made.json()['number']}@{admin.realm.slug}"
    assert (late.status_code, deleted.status_code) == (412, 204)
    assert gone.json()["deleted_by"] == str(admin.user.id)
    assert (restored.status_code, restored.json()["deleted_at"], restored.json()["version"]) == (200, None, 3)


async def test_a_key_is_shown_once_renewed_and_removed(client: httpx.AsyncClient, runtime: Runtime, admin: Person):
    path = f"/devices/{(await client.post('/devices', headers=admin.bearer, json=TILL)).json()['id']}"

    async def stored() -> bytes | None:
        async with runtime.lease() as tx:
            found = await devices.proven(tx, admin.realm.slug, "till-1")
        return devices.key_of(runtime.keyring, found) if found else None

    first = await client.post(path + "/key", headers=admin.bearer)
    second = await client.post(path + "/key", headers=admin.bearer)
    after = await stored()
    read = await client.get(path, headers=admin.bearer)
    removed = await client.delete(path + "/key", headers=admin.bearer)

    assert first.status_code == 200
    assert base64.b64decode(second.json()["key"]) == after != base64.b64decode(first.json()["key"])
    assert second.json()["identifier"] == f"dev:till-1@{admin.realm.slug}"
    assert read.json()["has_key"] is True
    assert second.json()["key"] not in read.text
    assert (removed.status_code, await stored()) == (204, None)


async def test_devices_are_filtered_sorted_and_shown_when_deleted(client: httpx.AsyncClient, admin: Person):
    ids = {
        name: (await client.post("/devices", headers=admin.bearer, json={"name": name})).json()["id"]
        for name in ("b", "a", "c")
    }
    await client.delete(f"/devices/{ids['c']}", headers=admin.bearer)

    async def names(**query: str) -> list[str]:
        found = await client.get("/devices", headers=admin.bearer, params=query)
        return [each["name"] for each in found.json()["items"]]

    assert await names() == ["b", "a"]
    assert await names(sort="-name") == ["b", "a"]
    assert await names(sort="name", deleted="true") == ["a", "b", "c"]
    assert await names(filter='name eq "A"') == ["a"]
    for field in ("sealed", "facets"):
        wrong = await client.get("/devices", headers=admin.bearer, params={"filter": f'{field} eq "x"'})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_filter")


async def test_what_devices_call_themselves_is_unique(client: httpx.AsyncClient, admin: Person, stranger: Person):
    await client.post("/devices", headers=admin.bearer, json=TILL)

    again = await client.post("/devices", headers=admin.bearer, json=TILL)
    elsewhere = await client.post("/devices", headers=stranger.bearer, json=TILL)

    assert (again.status_code, again.json()["code"], elsewhere.status_code) == (409, "device_id_taken", 201)


async def test_whoever_may_only_see_devices_gives_none_a_key(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    path = f"/devices/{(await client.post('/devices', headers=admin.bearer, json=TILL)).json()['id']}"
    reader = await sign_in("devices.read")

    for method, suffix in (("POST", "/key"), ("DELETE", "/key"), ("DELETE", "")):
        refused = await client.request(method, path + suffix, headers=reader.bearer)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.get(path, headers=reader.bearer)).json()["has_key"] is False
