"""Availability over HTTP: what people say and plan, and what their organisations see of it."""

from typing import Any

import httpx
import pytest

from tests.dialects.conftest import Person, SignIn

OWN = "/me/availability"


@pytest.fixture
async def org(client: httpx.AsyncClient, person: Person) -> str:
    """The address of an organisation that the person has founded."""
    made = await client.post("/organisations", headers=person.bearer, json={"name": "Medics"})
    return f"/organisations/{made.json()['id']}"


async def get(client: httpx.AsyncClient, path: str, who: Person) -> Any:
    answer = await client.get(path, headers=who.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_said_for_one_organisation_holds_there_until_it_follows_again(
    client: httpx.AsyncClient, person: Person, org: str
):
    org_id = org.rpartition("/")[2]
    here = f"/me{org}/availability"
    status = f"{org}/members/{person.user.id}/availability"
    assert (await get(client, OWN, person))["items"] == [
        {"organisation_id": None, "available": True, "changed_at": None}
    ]

    await client.put(OWN, headers=person.bearer, json={"available": False})
    assert (await get(client, status, person))["available"] is False
    await client.put(here, headers=person.bearer, json={"available": True})
    said = {each["organisation_id"]: each["available"] for each in (await get(client, OWN, person))["items"]}
    assert said == {None: False, org_id: True}
    assert (await get(client, status, person))["preferred"] is True
    assert await get(client, f"{org}/availability", person) == {
        "alone": {"available": 1, "not_available": 0},
        "whole": {"available": 1, "not_available": 0},
    }
    assert (await client.delete(here, headers=person.bearer)).status_code == 204
    assert (await get(client, status, person))["preferred"] is False


async def test_changes_are_planned_listed_replaced_and_deleted(client: httpx.AsyncClient, person: Person, org: str):
    org_id = org.rpartition("/")[2]
    weekly = {"day": 0, "second": 7200, "available": False, "organisation_id": org_id, "active": True}
    made = await client.post(f"{OWN}/weekly", headers=person.bearer, json=weekly)
    again = await client.post(f"{OWN}/weekly", headers=person.bearer, json=weekly)
    path = f"{OWN}/weekly/{made.json()['id']}"
    replaced = await client.put(path, headers=person.bearer, json={**weekly, "day": 6, "active": False})

    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 409, "availability_change_collides")
    assert replaced.json() == {"id": made.json()["id"], **weekly, "day": 6, "active": False}
    assert (await get(client, f"{OWN}/weekly", person))["items"] == []
    assert (await get(client, f"{OWN}/weekly?organisation_id={org_id}", person))["items"] == [replaced.json()]
    assert (await client.delete(path, headers=person.bearer)).status_code == 204
    assert (await client.delete(path, headers=person.bearer)).status_code == 404

    once = {"at": "2099-01-01T00:00:00.000Z", "available": False, "organisation_id": None}
    planned = await client.post(f"{OWN}/planned", headers=person.bearer, json=once)
    assert planned.json() == {"id": planned.json()["id"], **once}
    assert (await get(client, f"{OWN}/planned", person))["items"] == [planned.json()]
    late = await client.post(f"{OWN}/planned", headers=person.bearer, json={**once, "at": "2020-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["code"]) == (400, "invalid_input")
    assert (await client.delete(f"{OWN}/weekly/{planned.json()['id']}", headers=person.bearer)).status_code == 404
    assert (await client.delete(f"{OWN}/planned/{planned.json()['id']}", headers=person.bearer)).status_code == 204


async def test_somebody_who_is_away_is_not_available_whatever_they_prefer(
    client: httpx.AsyncClient, person: Person, org: str
):
    absence = {"starts_at": "2026-01-01T00:00:00Z", "seconds": 366 * 86_400}
    made = await client.put(f"{OWN}/absence", headers=person.bearer, json=absence)

    assert made.json() == {"starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2027-01-02T00:00:00.000Z"}
    (listed,) = (await get(client, f"{org}/members/availability", person))["items"]
    assert listed == {
        "user_id": str(person.user.id),
        "number": person.user.number,
        "preferred": True,
        "available": False,
    }
    assert (await client.delete(f"{OWN}/absence", headers=person.bearer)).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await client.request(method, f"{OWN}/absence", headers=person.bearer)
        assert (gone.status_code, gone.json()["code"]) == (404, "no_absence")


async def test_nobody_says_anything_for_others_or_where_they_do_not_belong(
    client: httpx.AsyncClient, person: Person, sign_in: SignIn, org: str
):
    """Not even that the organisation is there. What members plan is nobody else's business."""
    stranger = await sign_in()
    weekly = {"day": 0, "second": 0, "available": False, "organisation_id": org.rpartition("/")[2]}
    made = await client.post(f"{OWN}/weekly", headers=person.bearer, json=weekly)
    path = f"{OWN}/weekly/{made.json()['id']}"

    refused = [
        await client.put(f"/me{org}/availability", headers=stranger.bearer, json={"available": True}),
        await client.delete(f"/me{org}/availability", headers=stranger.bearer),
        await client.post(f"{OWN}/weekly", headers=stranger.bearer, json=weekly),
        await client.put(path, headers=stranger.bearer, json={**weekly, "organisation_id": None}),
        await client.delete(path, headers=stranger.bearer),
        await client.get(f"{org}/availability", headers=stranger.bearer),
        await client.get(f"{org}/members/availability", headers=stranger.bearer),
        await client.get(f"{org}/members/{person.user.id}/availability", headers=stranger.bearer),
        await client.get(f"{org}/members/{stranger.user.id}/availability", headers=person.bearer),
    ]

    assert [each.status_code for each in refused] == [404] * len(refused)
    mine = await get(client, f"{OWN}/weekly?organisation_id={weekly['organisation_id']}", person)
    assert [each["id"] for each in mine["items"]] == [made.json()["id"]]
