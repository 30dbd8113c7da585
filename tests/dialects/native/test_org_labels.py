"""Labels of organisations over HTTP: a life of one, and who carries it."""

import httpx

from tests.dialects.conftest import Person, SignIn


async def test_a_label_is_made_given_deleted_and_restored(
    client: httpx.AsyncClient, person: Person, admin: Person, sign_in: SignIn
):
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    org = made.headers["location"].removeprefix("/api/v1")
    member = await sign_in()
    await client.post(f"{org}/members", headers=admin.bearer, json={"user_id": str(member.user.id)})

    label = await client.post(f"{org}/labels", headers=person.bearer, json={"name": "Drivers", "tags": ["road"]})
    path = label.headers["location"].removeprefix("/api/v1")
    carried = f"{org}/members/{member.user.id}/labels"
    given = await client.put(f"{carried}/{label.json()['id']}", headers=person.bearer)
    changed = await client.patch(path, headers={**person.bearer, "If-Match": label.headers["etag"]}, json={"name": "D"})
    stale = await client.patch(path, headers={**person.bearer, "If-Match": label.headers["etag"]}, json={"name": "E"})
    forbidden = await client.patch(path, headers=member.bearer, json={"name": "E"})

    assert [each.status_code for each in (label, given, changed, stale, forbidden)] == [201, 204, 200, 412, 403]
    assert (changed.json()["name"], changed.json()["tags"], changed.json()["version"]) == ("D", ["road"], 1)
    mine = await client.get(carried, headers=member.bearer)
    assert mine.json()["items"] == [changed.json()]
    who = await client.get(f"{path}/members", headers=member.bearer)
    assert who.json()["items"] == [{"user_id": str(member.user.id), "number": member.user.number}]

    assert (await client.delete(path, headers=person.bearer)).status_code == 204
    assert (await client.get(carried, headers=member.bearer)).json()["items"] == []
    assert (await client.get(f"{org}/labels", headers=member.bearer)).json()["items"] == []
    assert (await client.get(path, headers=person.bearer)).json()["deleted_by"] == str(person.user.id)
    restored = await client.post(f"{path}/restore", headers=person.bearer)
    assert restored.status_code == 200
    assert (await client.get(carried, headers=member.bearer)).json()["items"] == [restored.json()]
    assert (await client.delete(f"{carried}/{label.json()['id']}", headers=person.bearer)).status_code == 204
    again = await client.delete(f"{carried}/{label.json()['id']}", headers=person.bearer)
    assert (again.status_code, again.json()["code"]) == (404, "label_not_found")


async def test_the_realms_labels_and_those_of_organisations_are_two_lists(
    client: httpx.AsyncClient, person: Person, admin: Person
):
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    org = made.headers["location"].removeprefix("/api/v1")
    label = (await client.post(f"{org}/labels", headers=person.bearer, json={"name": "Drivers"})).json()

    listed = await client.get("/labels?deleted=true", headers=admin.bearer)
    by_id = await client.get(f"/labels/{label['id']}", headers=admin.bearer)
    attached = await client.put(f"/users/{person.user.id}/labels/{label['id']}", headers=admin.bearer)
    of_person = await client.get(f"/users/{person.user.id}/labels", headers=admin.bearer)

    assert (listed.json()["items"], of_person.json()["items"]) == ([], [])
    assert (by_id.status_code, attached.status_code) == (404, 404)


async def test_invitations_bring_labels(client: httpx.AsyncClient, person: Person):
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    org = made.headers["location"].removeprefix("/api/v1")
    label = (await client.post(f"{org}/labels", headers=person.bearer, json={"name": "Drivers"})).json()
    people = [
        {"email": "bo@example.org", "labels": [label["id"]], "label_names": ["Pilots"]},
        {"email": "cy@example.org", "label_names": ["drivers"]},
    ]
    body = {"people": people}

    first = await client.post(f"{org}/invitations", headers=person.bearer, json=body)
    second = await client.post(f"{org}/invitations", headers=person.bearer, json={**body, "create_labels": True})

    assert [(each["result"], each["problem"]) for each in first.json()["items"]] == [
        ("failed", "unknown_label"),
        ("invited", None),
    ]
    assert [each["result"] for each in second.json()["items"]] == ["invited", "skipped"]
    labels = (await client.get(f"{org}/labels", headers=person.bearer)).json()["items"]
    assert [each["name"] for each in labels] == ["Drivers", "Pilots"]
    carriers = await client.get(f"{org}/labels/{label['id']}/members", headers=person.bearer)
    assert len(carriers.json()["items"]) == 2
