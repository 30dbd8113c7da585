"""The past: reports about users, and what entities were like at a moment."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from roster.kit import clock
from tests.dialects.conftest import Person
from tests.dialects.onslip360 import contract
from tests.dialects.onslip360.conftest import ASA, PREFIX, Wire, refusal


async def report(wire: Wire, number: int, body: Any = None, **headers: str) -> httpx.Response:
    method = "POST" if headers else "REPORT"
    sent = {"X-HTTP-Method-Override": headers["override"]} if headers else {}
    answer = await wire.http.request(
        method,
        f"{PREFIX}/~{wire.slug}/users/{number}",
        json={"type": "revisions"} if body is None else body,
        headers={**(wire.by.bearer if wire.by else {}), **sent},
    )
    if answer.status_code == 200:
        contract.validate(answer.json(), contract.document()["components"]["schemas"]["DataObjectReport"])
    return answer


async def test_a_report_has_all_revisions_newest_first(wire: Wire, boss: Person):
    stored = await wire.add("asa")
    path = f"users/{stored['id']}"
    changed = (await wire.patch(path, {"name": "Asa"})).json()
    await wire.delete(path)

    revisions = (await report(wire, stored["id"])).json()["revisions"]

    assert [each["updated"] for each in revisions][1:] == [changed["updated"], stored["updated"]]
    assert {each["updated-by"] for each in revisions} == {boss.user.number}
    assert ["deleted" in each for each in revisions] == [True, False, False]


async def test_browsers_send_it_as_post(wire: Wire, boss: Person):
    assert (await report(wire, boss.user.number, override="REPORT")).json()["type"] == "revisions"


async def test_there_is_no_other_report_and_not_everybody_gets_one(wire: Wire, boss: Person, person: Person):
    for body in ({"type": "x"}, {}, []):
        assert refusal(await report(wire, boss.user.number, body)) == (400, "bad-request")
    assert refusal(await report(wire.by_someone(person), boss.user.number)) == (403, "forbidden")
    assert (await report(wire.by_someone(person), person.user.number)).status_code == 200
    assert refusal(await report(wire, 10**12)) == (404, "not-found")


async def test_a_user_is_shown_as_they_were(wire: Wire):
    category = (await wire.post("label-categories/", {"name": "guests"})).json()["id"]
    label = (await wire.post("labels/", {"name": "vip", "label-category": category})).json()["id"]
    body = {**ASA, "system-roles": ["cashier"], "labels": [label], "_acme-ref": "77", "tags": ["x"]}
    stored = (await wire.post("users/", body)).json()
    path = f"users/{stored['id']}"
    was = await wire.get(path)
    then = clock.instant(clock.now() + timedelta(milliseconds=1))
    while clock.instant(clock.now()) <= then:
        pass

    await wire.put(path, {**ASA, "name": "Other"})
    await wire.delete(path)

    past = await wire.get(f"{path}@{then}")
    assert past.json() == was.json()
    assert (await wire.get(f"{path}@{then}.json")).json() == was.json()
    assert (await wire.get(f"{path}.json@{then}")).json() == was.json()


@pytest.mark.parametrize(
    ("resource", "body", "change"),
    [
        ("roles/", {"name": "lead", "permissions": ["show-users"]}, {"name": "other", "permissions": []}),
        ("tills/", {"name": "Bar", "config": {"a": 1}}, {"name": "Pub", "config": None}),
        ("label-categories/", {"name": "guests", "_acme-ref": "1"}, {"name": "other", "_acme-ref": None}),
    ],
)
async def test_other_entities_are_shown_as_they_were(
    wire: Wire, resource: str, body: dict[str, Any], change: dict[str, Any]
):
    stored = (await wire.post(resource, body)).json()
    path = f"{resource}{stored['id']}"
    then = clock.instant(clock.now() + timedelta(milliseconds=1))
    while clock.instant(clock.now()) <= then:
        pass
    await wire.patch(path, change)

    assert (await wire.get(f"{path}@{then}")).json() == stored


@pytest.mark.parametrize("moment", ["2001-01-01T00:00:00.000Z", "2024-13-45T99:00:00.000Z", "2024-01-02", "yesterday"])
async def test_before_it_was_made_there_is_nothing(wire: Wire, boss: Person, moment: str):
    assert refusal(await wire.get(f"users/{boss.user.number}@{moment}")) == (404, "not-found")


async def test_the_past_takes_the_permission_of_the_present(wire: Wire, boss: Person, person: Person):
    now = clock.instant(clock.now())

    assert refusal(await wire.by_someone(person).get(f"users/{boss.user.number}@{now}")) == (403, "forbidden")
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await wire.call(method, f"users/{boss.user.number}@{now}", {})
        assert refusal(answer) == (404, "not-found")
    assert refusal(await wire.get(f"users/@{now}")) == (404, "not-found")
