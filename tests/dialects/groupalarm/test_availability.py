"""Whether people can be called on: now, every week, at a moment, and how many are (notes, section 11)."""

from datetime import UTC, timedelta
from typing import Any

import pytest

from roster.core.availability.models import MOST
from roster.core.realms.models import Realm
from roster.kit import clock
from roster.storage.runtime import Runtime
from tests.dialects.groupalarm.conftest import Account, Wire, World, done, member_of, refusal

NOW = "/user/availability"
HERE = "/user/organization-availability"
ABSENCE = "/users/availability"
WEEKLY = "/users/recurring-availability"
PLANNED = "/users/scheduled-availability"
NOT_MEMBER = (400, "not a member of requested organization")
NOT_FOUND = (404, "availability change not found")
COLLIDES = (409, "availability change collides")
MONDAY: dict[str, Any] = {"changeDay": 1, "changeTime": "06:00:00", "changeStatus": "unavailable"}


def soon(**ahead: float) -> str:
    """A moment from now, to the second."""
    return (clock.now().replace(microsecond=0) + timedelta(**ahead)).astimezone(UTC).isoformat().replace("+00:00", "Z")


def once(**ahead: float) -> dict[str, Any]:
    """A planned change as it is sent."""
    return {"changeStatus": "unavailable", "changeTime": soon(**ahead)}


async def made(wire: Wire, path: str, body: dict[str, Any]) -> int:
    """A change that was added."""
    answer = await wire.post(path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def said(wire: Wire, path: str = NOW) -> dict[int, bool]:
    """By organisation, 0 for all."""
    answer = await wire.get(path)
    assert answer.status_code == 200, answer.text
    return {each["organizationID"]: each["preference"] for each in answer.json()}


async def shown(world: World) -> tuple[bool, int]:
    """Preference and status of the participant, as other members see them."""
    members = await world.by_founder.get(f"/users?organization={world.org.number}")
    page = await world.by_founder.get(f"/users/pagination?organization={world.org.number}")
    found = [
        next(each for each in listed if each["id"] == world.participant.number)
        for listed in (members.json(), page.json()["publicUsers"])
    ]
    assert found[0] == found[1]
    return found[0]["availablePreference"], found[0]["availableStatus"]


# now


async def test_people_say_for_all_organisations_and_for_one(world: World):
    by, org = world.by_participant, world.org.number
    assert (await said(by), await said(by, HERE)) == ({0: True}, {org: True})
    assert await shown(world) == (True, 1)

    assert done(await by.put(NOW, {"preference": False})) == "MSG_ENTRY_SAVED_SUCCESSFULLY"
    assert (await said(by), await said(by, HERE)) == ({0: False}, {org: False})
    assert await shown(world) == (False, 0)

    own = {"preference": True, "organizationID": org, "userID": world.participant.number}
    assert done(await by.put(NOW, own))
    assert (await by.get(NOW)).json() == [
        {"organizationID": 0, "preference": False, "userID": world.participant.number},
        {"organizationID": org, "preference": True, "userID": world.participant.number},
    ]
    assert await said(by, HERE) == {org: True}
    assert await shown(world) == (True, 1)

    for _ in range(2):
        assert done(await by.delete(f"{NOW}?organization_id={org}")) == "MSG_ENTRY_DELETED_SUCCESSFULLY"
    assert (await said(by), await said(by, HERE)) == ({0: False}, {org: False})
    assert await shown(world) == (False, 0)


async def test_what_is_said_for_all_is_the_preference_of_the_user(world: World):
    by, user = world.by_participant, world.participant
    await by.put(NOW, {"preference": False, "organizationID": world.org.number})
    assert (await by.get("/user")).json()["availablePreference"] is True

    await by.put(NOW, {"preference": False, "organizationID": 0})

    assert (await by.get("/user")).json()["availablePreference"] is False
    assert (await by.log_in(str(user.email))).json()["availablePreference"] is False
    assert (await by.post("/auth/refresh")).json()["availablePreference"] is False
    read = await world.by_administrator.get(f"/user/{user.number}?organization={world.org.number}")
    assert read.json()["availablePreference"] is False
    assert done(await by.put("/user", {"user": {"availablePreference": True}}))
    assert await said(by) == {0: True, world.org.number: False}


async def test_of_who_has_not_joined_nothing_is_told(world: World, runtime: Runtime, realm: Realm, account: Account):
    bo = await account(status="pending")
    await member_of(runtime, realm, world.org, bo, pending=True)

    read = await world.by_administrator.get(f"/user/{bo.number}?organization={world.org.number}")

    assert read.json()["availablePreference"] is False


@pytest.mark.parametrize("body", [{}, {"preference": 1}, {"preference": None}, {"preference": True, "userID": "x"}, []])
async def test_what_says_nothing_is_refused(by_ada: Wire, body: object):
    assert (await by_ada.put(NOW, body)).status_code == 400
    assert await said(by_ada) == {0: True}


@pytest.mark.parametrize(
    "query", ["", "?organization_id=0", "?organization_id=x", "?organization_id=99999999999999999999"]
)
async def test_an_override_is_removed_of_one_organisation(by_ada: Wire, query: str):
    assert (await by_ada.delete(NOW + query)).status_code == 400


async def test_only_members_say_something_for_an_organisation(
    world: World, by_ada: Wire, wire: Wire, runtime: Runtime, realm: Realm, account: Account
):
    """Strangers, people who are invited only, and owners who have left; none of them learns more than the others."""
    bo = await account()
    await member_of(runtime, realm, world.org, bo, pending=True)
    await world.by_administrator.delete(f"/user/{world.founder.number}/{world.org.number}")
    mine = await made(by_ada, WEEKLY, MONDAY)

    for by in (by_ada, await wire.logged_in(str(bo.email)), world.by_founder):
        for number in (world.org.number, 999_999):
            weekly = {**MONDAY, "organizationID": number}
            assert refusal(await by.put(NOW, {"preference": False, "organizationID": number})) == NOT_MEMBER
            assert refusal(await by.delete(f"{NOW}?organization_id={number}")) == NOT_MEMBER
            assert refusal(await by.get(f"{WEEKLY}?organization={number}")) == NOT_MEMBER
            assert refusal(await by.post(WEEKLY, weekly)) == NOT_MEMBER
    moved = {**MONDAY, "organizationID": world.org.number}
    assert refusal(await by_ada.put(f"{WEEKLY}/{mine}", moved)) == NOT_MEMBER


async def test_nobody_says_it_for_another_person(world: World):
    """Section 10: no administrator and no owner either."""
    other = world.participant.number
    mine = await made(world.by_founder, WEEKLY, MONDAY)

    for answer in (
        await world.by_founder.put(NOW, {"preference": False, "userID": other}),
        await world.by_founder.post(ABSENCE, {"duration": 60, "start_time": soon(hours=1), "user_id": other}),
        await world.by_founder.post(WEEKLY, {**MONDAY, "changeDay": 2, "userID": other}),
        await world.by_founder.put(f"{WEEKLY}/{mine}", {**MONDAY, "userID": other}),
        await world.by_founder.post(PLANNED, {**once(days=1), "userID": other}),
    ):
        assert refusal(answer) == (403, "forbidden"), answer.request.url
    assert await said(world.by_participant) == {0: True}
    assert (await world.by_participant.get(WEEKLY)).json() == {"entries": [], "total": 0}


# the one absence


async def test_an_absence_is_planned_replaced_and_read(world: World):
    by, start = world.by_participant, soon(hours=1)
    assert refusal(await by.get(ABSENCE)) == (404, "no absence")

    first = await by.post(ABSENCE, {"duration": 60, "start_time": start})
    assert (first.status_code, await shown(world)) == (201, (True, 1))
    assert first.json() == {"duration": 60, "start_time": start, "user_id": world.participant.number}
    second = await by.post(ABSENCE, {"duration": 3600, "start_time": soon(minutes=-1), "user_id": 0})

    assert (await by.get(ABSENCE)).json() == second.json()
    assert await shown(world) == (True, 0)


@pytest.mark.parametrize(
    ("seconds", "hours"),
    [(0, 1), (-1, 1), (366 * 86_400 + 1, 1), (60, -1), (60, 24 * 366 * 200), (10**30, 1)],
)
async def test_an_absence_that_cannot_be_is_refused(by_ada: Wire, seconds: int, hours: int):
    sent = {"duration": seconds, "start_time": soon(hours=hours)}

    assert (await by_ada.post(ABSENCE, sent)).status_code == 400


@pytest.mark.parametrize("start", [None, "tomorrow", "2030-01-01T10:00:00", "9999-12-31T23:59:59-12:00"])
async def test_a_moment_is_in_the_calendar_and_has_a_zone(by_ada: Wire, start: object):
    assert (await by_ada.post(ABSENCE, {"duration": 60, "start_time": start})).status_code == 400
    assert (await by_ada.post(PLANNED, {"changeStatus": "available", "changeTime": start})).status_code == 400


# changes that come every week


async def test_a_weekly_change_is_added_listed_changed_and_deleted(world: World):
    by, me, org = world.by_participant, world.participant.number, world.org.number
    number = await made(by, WEEKLY, {**MONDAY, "userID": me, "unknown": 1})
    stored = {**MONDAY, "active": True, "id": number, "organizationID": 0, "userID": me}
    assert (await by.get(WEEKLY)).json() == {"entries": [stored], "total": 1}

    sent = {**stored, "active": False, "changeDay": 0, "changeTime": "23:59:59", "changeStatus": "available"}
    changed = await by.put(f"{WEEKLY}/{number}", {**sent, "organizationID": org})

    assert (changed.status_code, changed.json()) == (200, {**sent, "organizationID": org})
    assert (await by.get(WEEKLY)).json() == {"entries": [], "total": 0}
    assert (await by.get(f"{WEEKLY}?organization={org}")).json() == {"entries": [changed.json()], "total": 1}
    assert done(await by.delete(f"{WEEKLY}/{number}")) == "MSG_ENTRY_DELETED_SUCCESSFULLY"
    assert refusal(await by.delete(f"{WEEKLY}/{number}")) == NOT_FOUND
    assert refusal(await by.put(f"{WEEKLY}/{number}", MONDAY)) == NOT_FOUND


@pytest.mark.parametrize(
    "changed",
    [
        {"changeDay": 7},
        {"changeDay": -1},
        {"changeTime": "24:00:00"},
        {"changeTime": "06:00"},
        {"changeTime": "06:00:00\n"},
        {"changeStatus": "maybe"},
        {"active": "yes"},
        {"organizationID": -1},
    ],
)
async def test_what_is_no_weekly_change_is_refused(by_ada: Wire, changed: dict[str, Any]):
    number = await made(by_ada, WEEKLY, MONDAY)

    assert (await by_ada.post(WEEKLY, {**MONDAY, "changeDay": 3, **changed})).status_code == 400
    assert (await by_ada.put(f"{WEEKLY}/{number}", {**MONDAY, **changed})).status_code == 400


async def test_path_and_body_name_the_same_change(by_ada: Wire):
    number = await made(by_ada, WEEKLY, MONDAY)

    assert (await by_ada.put(f"{WEEKLY}/{number}", {**MONDAY, "id": number + 1})).status_code == 400


async def test_weekly_changes_do_not_collide(world: World):
    """At one moment one change for all organisations, and one for each."""
    by = world.by_participant
    await made(by, WEEKLY, MONDAY)
    await made(by, WEEKLY, {**MONDAY, "organizationID": world.org.number})
    later = await made(by, WEEKLY, {**MONDAY, "changeTime": "06:00:01"})

    assert refusal(await by.post(WEEKLY, {**MONDAY, "changeStatus": "available"})) == COLLIDES
    assert refusal(await by.put(f"{WEEKLY}/{later}", MONDAY)) == COLLIDES
    german = await by.post(WEEKLY, MONDAY, headers={"Accept-Language": "de"})
    assert german.json()["message"] == "Zu dieser Zeit gibt es schon eine Verfügbarkeitsänderung."


async def test_weekly_changes_have_pages_and_an_end(by_ada: Wire):
    for minute in range(12):
        await made(by_ada, WEEKLY, {**MONDAY, "changeTime": f"07:{minute:02}:00"})

    first, second = [(await by_ada.get(WEEKLY + query)).json() for query in ("", "?limit=50&offset=10")]

    assert [len(each["entries"]) for each in (first, second)] == [10, 2]
    assert (first["total"], second["total"]) == (12, 12)
    assert [each["changeTime"] for each in second["entries"]] == ["07:10:00", "07:11:00"]
    for wrong in ("?limit=0", "?limit=51", "?offset=-1", "?organization=x"):
        assert (await by_ada.get(WEEKLY + wrong)).status_code == 400
    for number in range(12, MOST):
        await made(by_ada, WEEKLY, {**MONDAY, "changeTime": f"{8 + number // 60:02}:{number % 60:02}:00"})
    assert refusal(await by_ada.post(WEEKLY, MONDAY)) == (400, "too many availability changes")
    assert refusal(await by_ada.post(PLANNED, once(days=1))) == (400, "too many availability changes")


# changes that come once


async def test_a_planned_change_is_added_listed_and_deleted(by_ada: Wire, ada: Any):
    later, sooner = once(days=2), once(days=1)
    numbers = [await made(by_ada, PLANNED, each) for each in (later, {**sooner, "userID": ada.number})]

    found = (await by_ada.get(PLANNED)).json()

    assert found == {
        "entries": [
            {**sooner, "id": numbers[1], "userID": ada.number},
            {**later, "id": numbers[0], "userID": ada.number},
        ],
        "total": 2,
    }
    assert (await by_ada.get(f"{PLANNED}?limit=1&offset=1")).json() == {"entries": found["entries"][1:], "total": 2}
    assert (await by_ada.get(f"{PLANNED}?limit=51")).status_code == 400
    assert refusal(await by_ada.post(PLANNED, {**sooner, "changeStatus": "available"})) == COLLIDES
    assert done(await by_ada.delete(f"{PLANNED}/{numbers[0]}")) == "MSG_ENTRY_DELETED_SUCCESSFULLY"
    assert refusal(await by_ada.delete(f"{PLANNED}/{numbers[0]}")) == NOT_FOUND


@pytest.mark.parametrize(
    "changed", [{"changeStatus": ""}, {"changeTime": soon(hours=-1)}, {"changeTime": "2999-01-01T00:00:00Z"}]
)
async def test_what_is_no_planned_change_is_refused(by_ada: Wire, changed: dict[str, Any]):
    assert (await by_ada.post(PLANNED, {**once(days=1), **changed})).status_code == 400


async def test_changes_of_others_and_of_the_other_kind_are_not_there(by_ada: Wire, world: World):
    weekly, planned = await made(by_ada, WEEKLY, MONDAY), await made(by_ada, PLANNED, once(days=1))

    for answer in (
        await world.by_founder.delete(f"{WEEKLY}/{weekly}"),
        await world.by_founder.put(f"{WEEKLY}/{weekly}", MONDAY),
        await world.by_founder.delete(f"{PLANNED}/{planned}"),
        await by_ada.delete(f"{WEEKLY}/{planned}"),
        await by_ada.put(f"{WEEKLY}/{planned}", {**MONDAY, "changeDay": 2}),
        await by_ada.delete(f"{PLANNED}/{weekly}"),
    ):
        assert refusal(answer) == NOT_FOUND, answer.request.url
    for path in (WEEKLY, PLANNED):
        assert (await by_ada.get(path)).json()["total"] == 1
        assert (await by_ada.delete(f"{path}/x")).status_code in (400, 404)
        assert (await by_ada.delete(f"{path}/{10**19}")).status_code in (400, 404)


async def test_sending_oneself_back_says_nothing_anew(world: World, runtime: Runtime, realm: Realm):
    """Else saving a profile would outdo a planned change whose time has just come."""
    by = world.by_participant
    user = (await by.get("/user")).json()

    assert done(await by.put("/user", {"user": user}))

    async with runtime.lease() as tx:
        assert await tx.value("SELECT count(*) FROM availabilities WHERE realm_id = $1", realm.id) == 0


# how many


async def test_members_and_programs_count_who_can_be_called_on(world: World, wire: Wire, by_ada: Wire):
    org = world.org.number
    below = (await world.by_founder.post("/organization", {"name": "North", "parentID": org})).json()["id"]
    path = f"/organization/{org}/availability"
    await world.by_participant.put(NOW, {"preference": False})
    sent = {"organizationID": org, "name": "gateway"}
    by_org = wire.by(api=(await world.by_administrator.post("/rbac/token", sent)).json()["token"])
    await world.by_founder.put(NOW, {"preference": False, "organizationID": org})

    for by in (world.by_founder, world.by_participant, by_org):
        assert (await by.get(path)).json() == {
            "countInRoot": {"countAvailable": 1, "countInEvent": 0, "countNotAvailable": 2},
            "countTotal": {"countAvailable": 2, "countInEvent": 0, "countNotAvailable": 1},
        }
    assert refusal(await by_ada.get(path)) == (404, "org not found")
    assert refusal(await by_org.get(f"/organization/{below}/availability")) == (404, "org not found")
    assert (await by_ada.get("/organization/x/availability")).status_code in (400, 404)


async def test_an_organisation_is_available_to_nobody(world: World, wire: Wire):
    """Section 3: 400 where the contract has it, 403 at the two operations without it."""
    sent = {"organizationID": world.org.number, "name": "gateway"}
    by_org = wire.by(api=(await world.by_administrator.post("/rbac/token", sent)).json()["token"])

    for path in (NOW, HERE):
        assert refusal(await by_org.get(path)) == (403, "missing user id in auth token")
    for answer in (
        await by_org.put(NOW, {"preference": True}),
        await by_org.delete(f"{NOW}?organization_id={world.org.number}"),
        await by_org.get(ABSENCE),
        await by_org.post(ABSENCE, {"duration": 60, "start_time": soon(hours=1)}),
        await by_org.get(WEEKLY),
        await by_org.post(WEEKLY, MONDAY),
        await by_org.put(f"{WEEKLY}/1", MONDAY),
        await by_org.delete(f"{WEEKLY}/1"),
        await by_org.get(PLANNED),
        await by_org.post(PLANNED, once(days=1)),
        await by_org.delete(f"{PLANNED}/1"),
    ):
        assert refusal(answer) == (400, "missing user id in auth token"), answer.request.url
