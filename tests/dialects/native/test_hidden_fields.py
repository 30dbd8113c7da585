"""Custom fields that nobody sees: kept, written and moved, but in no answer."""

from typing import Any

import httpx
import pytest

from tests.dialects.conftest import Person, SignIn

SECRET = "blood group zero"


@pytest.fixture
async def eva(client: httpx.AsyncClient, admin: Person, sign_in: SignIn) -> Person:
    """Somebody with a field that all see, and one that nobody sees."""
    eva = await sign_in(username="eva", attributes={"note": SECRET, "shoe": 38})
    for name, visibility in (("note", "hidden"), ("shoe", "private")):
        body = {"kind": "any", "visibility": visibility, "writable_by": "self"}
        await client.put(f"/attributes/{name}", headers=admin.bearer, json=body)
    return eva


async def test_no_answer_about_people_has_them(client: httpx.AsyncClient, admin: Person, eva: Person):
    path, new = f"/users/{eva.user.id}", {"username": "ada", "attributes": {"note": SECRET, "shoe": 40}}

    answers = {
        "get": await client.get(path, headers=admin.bearer),
        "list": await client.get("/users", headers=admin.bearer, params={"filter": 'username eq "eva"'}),
        "patch": await client.patch(path, headers=admin.bearer, json={"attributes": {"note": SECRET + "!"}}),
        "me": await client.get("/me", headers=eva.bearer),
        "patch me": await client.patch("/me", headers=eva.bearer, json={"attributes": {"note": SECRET}}),
        "create": await client.post("/users", headers=admin.bearer, json=new),
    }
    await client.delete(path, headers=admin.bearer)
    answers["restore"] = await client.post(f"{path}/restore", headers=admin.bearer)

    assert {name: each.status_code for name, each in answers.items()} == {**dict.fromkeys(answers, 200), "create": 201}
    assert [name for name, each in answers.items() if SECRET in each.text] == []
    shown: list[Any] = [_user_in(each.json()) for each in answers.values()]
    assert [each["attributes"] for each in shown] == [
        {"shoe": 40 if each["username"] == "ada" else 38} for each in shown
    ]


def _user_in(body: dict[str, Any]) -> dict[str, Any]:
    return body["items"][0] if "items" in body else body.get("user", body)


async def test_they_are_written_and_stay_all_the_same(client: httpx.AsyncClient, admin: Person, eva: Person):
    await client.patch(f"/users/{eva.user.id}", headers=admin.bearer, json={"attributes": {"note": "new", "shoe": 39}})
    await client.patch("/me", headers=eva.bearer, json={"attributes": {"shoe": 40}})
    await client.put("/attributes/note", headers=admin.bearer, json={"kind": "any", "visibility": "private"})

    found = await client.get(f"/users/{eva.user.id}", headers=admin.bearer)

    assert found.json()["attributes"] == {"note": "new", "shoe": 40}


async def test_the_trail_says_nothing_of_them(client: httpx.AsyncClient, admin: Person, eva: Person):
    path = f"/users/{eva.user.id}"
    await client.patch(path, headers=admin.bearer, json={"attributes": {"note": SECRET + "!", "shoe": 39}})

    trail = await client.get("/audit", headers=admin.bearer, params={"filter": f'subject_id eq "{eva.user.id}"'})

    assert trail.json()["items"][0]["changes"] == {"attributes": [{"shoe": 38}, {"shoe": 39}]}
    assert SECRET not in trail.text


async def test_what_is_known_about_one_person_has_them_and_so_do_exports(
    client: httpx.AsyncClient, admin: Person, eva: Person
):
    dossier = await client.get(f"/users/{eva.user.id}/export", headers=admin.bearer)
    everybody = await client.get("/exports", headers=admin.bearer)

    assert dossier.json()["user"]["attributes"]["note"] == SECRET
    assert SECRET in everybody.text
