"""Labels and their categories over HTTP, and attaching them to people."""

from typing import Any

import httpx

from tests.dialects.conftest import Person, SignIn


async def a_label(client: httpx.AsyncClient, admin: Person, name: str, category: str = "Colours") -> dict[str, Any]:
    made = await client.post("/label-categories", headers=admin.bearer, json={"name": f"{category} of {name}"})
    body = {"name": name, "category_id": made.json()["id"]}
    return (await client.post("/labels", headers=admin.bearer, json=body)).json()


async def test_a_label_is_made_changed_deleted_and_restored(client: httpx.AsyncClient, admin: Person):
    label = await a_label(client, admin, "Red")
    path = f"/labels/{label['id']}"
    changed = await client.patch(path, headers={**admin.bearer, "If-Match": '"0"'}, json={"tags": ["warm"]})
    late = await client.patch(path, headers={**admin.bearer, "If-Match": '"0"'}, json={"name": "Blue"})
    in_use = await client.delete(f"/label-categories/{label['category_id']}", headers=admin.bearer)
    deleted = await client.delete(path, headers=admin.bearer)
    found = await client.get("/labels", headers=admin.bearer, params={"deleted": "true", "filter": 'name eq "red"'})
    restored = await client.post(path + "/restore", headers=admin.bearer)

    assert (changed.json()["name"], changed.json()["tags"], changed.headers["etag"]) == ("Red", ["warm"], '"1"')
    assert (late.status_code, in_use.json()["code"], deleted.status_code) == (412, "label_category_in_use", 204)
    assert [each["deleted_by"] for each in found.json()["items"]] == [str(admin.user.id)]
    assert (await client.get("/labels", headers=admin.bearer)).json()["items"] == [restored.json()]


async def test_labels_are_attached_to_people_one_by_one(client: httpx.AsyncClient, admin: Person, person: Person):
    red, blue = await a_label(client, admin, "Red"), await a_label(client, admin, "Blue")
    path = f"/users/{person.user.id}/labels"

    async def names() -> list[str]:
        return [each["name"] for each in (await client.get(path, headers=admin.bearer)).json()["items"]]

    for label in (red, blue, red):
        assert (await client.put(f"{path}/{label['id']}", headers=admin.bearer)).status_code == 204
    both = await names()
    await client.delete(f"{path}/{red['id']}", headers=admin.bearer)
    twice = await client.delete(f"{path}/{red['id']}", headers=admin.bearer)
    unknown = await client.put(f"{path}/{person.user.id}", headers=admin.bearer)

    assert (both, await names()) == (["Red", "Blue"], ["Blue"])
    assert (twice.status_code, twice.json()["code"]) == (404, "label_not_found")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "label_not_found")


async def test_a_deleted_label_is_attached_to_nobody_until_restored(
    client: httpx.AsyncClient, admin: Person, person: Person
):
    label = await a_label(client, admin, "Red")
    path = f"/users/{person.user.id}/labels"
    await client.put(f"{path}/{label['id']}", headers=admin.bearer)
    await client.delete(f"/labels/{label['id']}", headers=admin.bearer)

    without = await client.get(path, headers=admin.bearer)
    refused = await client.put(f"{path}/{label['id']}", headers=admin.bearer)
    await client.post(f"/labels/{label['id']}/restore", headers=admin.bearer)

    assert (without.json()["items"], refused.status_code) == ([], 404)
    assert len((await client.get(path, headers=admin.bearer)).json()["items"]) == 1


async def test_nobody_labels_themselves_or_who_may_do_more(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    label = await a_label(client, admin, "Red")
    writer, helper = await sign_in("users.write", "users.read_basic"), await sign_in("labels.write")

    above = await client.put(f"/users/{admin.user.id}/labels/{label['id']}", headers=writer.bearer)
    oneself = await client.put(f"/users/{helper.user.id}/labels/{label['id']}", headers=helper.bearer)

    assert (above.status_code, above.json()["code"]) == (403, "escalation")
    assert oneself.status_code == 403


async def test_people_see_their_own_labels_with_the_permission_for_labels(
    client: httpx.AsyncClient, admin: Person, sign_in: SignIn, person: Person
):
    label = await a_label(client, admin, "Red")
    reader, other = await sign_in("labels.read"), await sign_in("labels.read", "users.read_basic")
    await client.put(f"/users/{reader.user.id}/labels/{label['id']}", headers=admin.bearer)

    own = await client.get(f"/users/{reader.user.id}/labels", headers=reader.bearer)
    without = await client.get(f"/users/{person.user.id}/labels", headers=person.bearer)
    basic = await client.get(f"/users/{reader.user.id}/labels", headers=other.bearer)

    assert [each["name"] for each in own.json()["items"]] == ["Red"]
    assert (without.status_code, basic.status_code) == (403, 403)
