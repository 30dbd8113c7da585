"""Labels and their categories, and what labels are attached to."""

from typing import Any

import pytest

from tests.dialects.conftest import Person
from tests.dialects.onslip360.conftest import ASA, Wire, refusal


async def a_label(wire: Wire, name: str = "vip", **more: Any) -> dict[str, Any]:
    category = await wire.post("label-categories/", {"name": f"of {name}"})
    made = await wire.post("labels/", {"name": name, "label-category": category.json()["id"], **more})
    assert made.status_code == 201
    return made.json()


async def test_a_category_is_kept_as_it_was_sent(wire: Wire, boss: Person):
    body = {"name": "Guests", "resources": ["users", "tills"], "tags": ["x"], "_acme-ref": "1"}

    made = await wire.post("label-categories/", body)

    stored = made.json()
    assert {name: stored[name] for name in body} == body
    assert stored["updated-by"] == boss.user.number
    assert (await wire.get(f"label-categories/{stored['id']}")).json() == stored
    assert (await wire.get("label-categories/?q=resources:tills name:guest")).json() == [stored]


async def test_a_label_is_kept_as_it_was_sent(wire: Wire):
    stored = await a_label(wire, tags=["x"], **{"_acme-ref": "1"})

    assert stored["tags"] == ["x"]
    assert stored["_acme-ref"] == "1"
    assert (await wire.get(f"labels/{stored['id']}")).json() == stored
    assert (await wire.get(f"labels/?q=label-category:{stored['label-category']}")).json() == [stored]


@pytest.mark.parametrize("resource", ["labels", "label-categories"])
async def test_it_is_changed_replaced_deleted_and_restored(wire: Wire, resource: str):
    label = await a_label(wire, tags=["x"], **{"_acme-ref": "1"})
    if resource == "labels":
        stored, whole = label, {"name": "gold", "label-category": label["label-category"]}
    else:
        body = {"name": "free", "tags": ["x"], "_acme-ref": "1"}
        stored, whole = (await wire.post("label-categories/", body)).json(), {"name": "gold"}
    path = f"{resource}/{stored['id']}"
    tag = (await wire.get(path)).headers["etag"]

    changed = await wire.patch(path, {"name": "silver", "tags": None}, headers={"If-Match": tag})
    stale = await wire.put(path, whole, headers={"If-Match": tag})
    replaced = (await wire.put(path, whole)).json()

    assert "tags" not in changed.json()
    assert changed.json()["_acme-ref"] == "1"
    assert refusal(stale) == (412, "precondition-failed")
    assert replaced["name"] == "gold"
    assert "_acme-ref" not in replaced
    assert (await wire.delete(path)).status_code == 204
    assert (await wire.delete(path)).status_code == 204
    assert replaced["id"] not in [each["id"] for each in (await wire.get(f"{resource}/")).json()]
    assert (await wire.get(path)).json()["deleted"]
    assert refusal(await wire.patch(path, {"name": "x"})) == (404, "not-found")
    restored = (await wire.patch(path, {"deleted": None})).json()
    assert restored == {**replaced, "updated": restored["updated"]}


async def test_labels_are_attached_to_everything(wire: Wire, boss: Person):
    vip, new = await a_label(wire), await a_label(wire, "new")
    both = {"labels": [vip["id"], new["id"]]}
    asa = await wire.add("asa", **both)
    resources: dict[str, dict[str, Any]] = {
        "roles/": {"name": "Lead"},
        "tills/": {"name": "Bar"},
        f"users/{asa['id']}/access-tokens/": {"type": "hawk-key", "name": "Job", "alias": "job"},
        "label-categories/": {"name": "other"},
        "labels/": {"name": "third", "label-category": vip["label-category"]},
        "users/": {**ASA, "alias": "bo", "email": "bo@example.org"},
    }
    for resource, body in resources.items():
        made = (await wire.post(resource, {**body, **both})).json()
        assert made["labels"] == both["labels"], resource
        path = f"{resource}{made['id']}"
        assert (await wire.get(path)).json()["labels"] == both["labels"]
        assert (await wire.patch(path, {"labels": [new["id"]]})).json()["labels"] == [new["id"]]
        assert "labels" not in (await wire.patch(path, {"labels": None})).json()
        assert (await wire.put(path, {**body, "labels": [vip["id"]]})).json()["labels"] == [vip["id"]]
        assert "labels" not in (await wire.put(path, body)).json()
        assert refusal(await wire.patch(path, {"labels": [10**12]})) == (400, "bad-request")


async def test_people_are_found_by_their_labels(wire: Wire):
    vip = await a_label(wire)
    await wire.add("asa", labels=[vip["id"]])
    await wire.add("bo")

    assert await wire.aliases(f"?q=labels:{vip['id']}") == ["asa"]
    assert await wire.aliases(f"?q=labels!={vip['id']};s=id") == ["boss", "bo"]
    await wire.delete(f"labels/{vip['id']}")
    assert await wire.aliases(f"?q=labels:{vip['id']}") == []


async def test_a_category_with_labels_stays(wire: Wire):
    vip = await a_label(wire)

    assert refusal(await wire.delete(f"label-categories/{vip['label-category']}")) == (409, "conflict")


async def test_names_are_unique_and_categories_must_be_there(wire: Wire):
    vip = await a_label(wire)

    again = {"name": "VIP", "label-category": vip["label-category"]}
    assert refusal(await wire.post("labels/", again)) == (409, "conflict")
    assert refusal(await wire.post("label-categories/", {"name": "of VIP"})) == (409, "conflict")
    for bad in ({"name": "x", "label-category": 10**12}, {"name": "x"}, {"name": "", "label-category": 1}):
        assert refusal(await wire.post("labels/", bad)) == (400, "bad-request")
    assert refusal(await wire.patch(f"labels/{vip['id']}", {"label-category": 10**12})) == (400, "bad-request")


async def test_labels_are_shown_and_changed_by_those_who_may(wire: Wire, cashier: Person, person: Person):
    vip = await a_label(wire)
    till, nobody = wire.by_someone(cashier), wire.by_someone(person)

    for path in (f"labels/{vip['id']}", f"label-categories/{vip['label-category']}", "labels/", "label-categories/"):
        assert (await till.get(path)).status_code == 200
        assert refusal(await nobody.get(path)) == (403, "forbidden")
    assert refusal(await till.patch(f"labels/{vip['id']}", {"name": "x"})) == (403, "forbidden")
    assert refusal(await till.delete(f"labels/{10**12}")) == (403, "forbidden")
    assert refusal(await till.post("label-categories/", {"name": "x"})) == (403, "forbidden")
    assert refusal(await wire.get(f"labels/{10**12}")) == (404, "not-found")


async def test_labels_are_part_of_what_a_tag_stands_for(wire: Wire):
    vip = await a_label(wire)
    for resource, body in (
        ("users/", {**ASA, "labels": [vip["id"]]}),
        ("roles/", {"name": "x", "labels": [vip["id"]]}),
    ):
        made = await wire.post(resource, body)
        path, tag = f"{resource}{made.json()['id']}", made.headers["etag"]
        assert (await wire.get(path, headers={"If-None-Match": tag})).status_code == 304
        await wire.delete(f"labels/{vip['id']}")

        assert (await wire.get(path, headers={"If-None-Match": tag})).status_code == 200
        assert refusal(await wire.patch(path, {"name": "y"}, headers={"If-Match": tag})) == (412, "precondition-failed")
        await wire.patch(f"labels/{vip['id']}", {"deleted": None})
        again = await wire.patch(path, {"name": "y", "labels": None}, headers={"If-Match": tag})
        assert again.status_code == 200
