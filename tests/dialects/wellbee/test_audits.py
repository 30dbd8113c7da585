"""The audit trail, as Wellbee shows it and other services write it."""

from datetime import timedelta
from typing import Any

import pytest

from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit import clock, ids
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import signed_in
from tests.dialects.wellbee.conftest import Wire

SENT = {"action": "MESSAGE_SEND", "message": "A message was sent.", "payload": {"to": ["7"], "length": 12}}


@pytest.fixture
async def reader(runtime: Runtime, realm: Realm, wire: Wire) -> Wire:
    """Somebody who may read the trail."""
    await factories.a_role(runtime, realm, "auditor", "wellbee:audit.get")
    person = await factories.a_person(runtime, realm, roles=("auditor",))
    return wire.by((await signed_in(runtime, realm, person)).access_token)


async def test_entries_of_services_stand_among_the_directorys_own_newest_first(
    runtime: Runtime, realm: Realm, wire: Wire, reader: Wire
):
    person = await factories.a_person(runtime, realm, email="before@example.org")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, person.id, UserChange(email="after@example.org"))
    made = await wire.ask("audit-service.create-audit", {"userId": str(person.id), **SENT})
    assert made.status == 201

    found = await reader.call("GET", f"/audit/{person.id}")

    assert found.data["totalCount"] == 3
    assert found.data["audits"][0] == made.data
    assert [each["action"] for each in found.data["audits"]] == ["MESSAGE_SEND", "user.changed", "user.created"]
    assert {each["userId"] for each in found.data["audits"]} == {str(person.id)}
    assert found.data["audits"][1]["payload"] == {"fields": ["email"]}
    assert "example.org" not in str(found.data)


async def test_an_entry_says_what_the_contract_says(runtime: Runtime, realm: Realm, wire: Wire):
    person = await factories.a_person(runtime, realm)
    at = clock.now() - timedelta(days=2)

    made = await wire.ask(
        "audit-service.create-audit",
        {"userId": str(person.id), **SENT, "timestamp": clock.instant(at)},
    )

    assert made.data == {
        "id": made.data["id"],
        "userId": str(person.id),
        **SENT,
        "timestamp": clock.instant(at),
    }


async def test_lists_come_in_parts(runtime: Runtime, realm: Realm, wire: Wire, reader: Wire):
    person = await factories.a_person(runtime, realm)
    for number in range(3):
        await wire.ask("audit-service.create-audit", {"userId": str(person.id), "action": f"STEP_{number}"})

    found = await reader.call("GET", f"/audit/{person.id}?start=1&limit=2")

    assert found.data["totalCount"] == 4
    assert [each["action"] for each in found.data["audits"]] == ["STEP_1", "STEP_0"]
    assert (await reader.call("GET", f"/audit/{person.id}?limit=5000")).status == 200
    for wrong in ("start=-1", "limit=0", "limit=many"):
        refused = await reader.call("GET", f"/audit/{person.id}?{wrong}")
        assert (refused.status, refused.code) == (400, "BAD_REQUEST")


async def test_nobody_is_in_the_trail_who_is_not(reader: Wire):
    for unknown in (ids.uuid4(), "nobody"):
        found = await reader.call("GET", f"/audit/{unknown}")
        assert (found.status, found.data) == (200, {"totalCount": 0, "audits": []})


async def test_reading_takes_the_scope(runtime: Runtime, realm: Realm, wire: Wire):
    person = await factories.a_person(runtime, realm)
    own = wire.by((await signed_in(runtime, realm, person)).access_token)

    assert (await wire.call("GET", f"/audit/{person.id}")).code == "MUST_BE_LOGGED_IN"
    assert (await own.call("GET", f"/audit/{person.id}")).code == "PERMISSION_DENIED"


async def test_writing_is_for_services_alone(runtime: Runtime, realm: Realm, wire: Wire, reader: Wire):
    refused = await reader.call("POST", "/audit-service/create-audit", {"userId": str(ids.uuid4()), **SENT})

    assert refused.status == 404


async def test_what_is_called_a_secret_is_not_kept(runtime: Runtime, realm: Realm, wire: Wire):
    payload = {"password": "p4ss", "deep": [{"refreshToken": "t0ken", "fine": 1}], "headers": {"Authorization": "a"}}
    sent = {"userId": str(ids.uuid4()), "action": "CALL", "payload": payload}

    made = await wire.ask("audit-service.create-audit", sent)

    hidden = "********"
    assert made.data["payload"] == {
        "password": hidden,
        "deep": [{"refreshToken": hidden, "fine": 1}],
        "headers": {"Authorization": hidden},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "user.changed"},
        {"action": ""},
        {"action": "lower"},
        {"action": None},
        {"userId": "nobody"},
        {"message": "x" * 4001},
        {"message": 3},
        {"payload": {"text": "x" * 20_000}},
        {"payload": "text"},
        {"message": "nul \x00"},
        {"payload": {"deep": ["nul \x00"]}},
        {"payload": {"nul \x00": 1}},
        {"action": "NUL\x00"},
        {"timestamp": "yesterday"},
        {"timestamp": "2100-01-01T00:00:00Z"},
        {"timestamp": "2024-01-01T00:00:00"},
        {"more": 1},
    ],
)
async def test_entries_are_checked(wire: Wire, wrong: dict[str, Any]):
    refused = await wire.ask("audit-service.create-audit", {"userId": str(ids.uuid4()), **SENT, **wrong})

    assert (refused.status, refused.code) == (400, "BAD_REQUEST")


# queries of services


@pytest.fixture
async def trail(runtime: Runtime, realm: Realm, wire: Wire) -> dict[str, Any]:
    """Five entries about two people, a minute apart."""
    ann, bob = str(ids.uuid4()), str(ids.uuid4())
    begin = clock.now() - timedelta(hours=1)
    times = [clock.instant(begin + timedelta(minutes=each)) for each in range(5)]
    for number, at in enumerate(times):
        sent = {"userId": ann if number < 3 else bob, "action": f"STEP_{number}", "timestamp": at}
        assert (await wire.ask("audit-service.create-audit", sent)).status == 201
    return {"ann": ann, "bob": bob, "times": times}


async def steps(wire: Wire, query: object, **more: object) -> list[int]:
    found = await wire.ask("audit-service.get-audits-by-query", {"query": query, **more})
    assert found.status == 200, found
    named = [each["action"] for each in found.data["audits"]]
    return [int(each.removeprefix("STEP_")) for each in named if each.startswith("STEP_")]


async def test_services_find_entries_by_query(wire: Wire, trail: dict[str, Any]):
    ann, times = trail["ann"], trail["times"]

    assert await steps(wire, {"userId": ann}) == [2, 1, 0]
    assert await steps(wire, {"userId": ann, "action": "STEP_1"}) == [1]
    assert await steps(wire, {"action": {"$in": ["STEP_1", "STEP_4"]}}) == [4, 1]
    assert await steps(wire, {"$and": [{"userId": ann}, {"action": {"$nin": ["STEP_0"]}}]}) == [2, 1]
    assert await steps(wire, {"$or": [{"action": "STEP_0"}, {"timestamp": {"$gt": times[3]}}]}) == [4, 0]
    assert await steps(wire, {"timestamp": {"$gte": times[1], "$lte": times[3]}}) == [3, 2, 1]
    assert await steps(wire, {"timestamp": {"$lt": times[1]}}) == [0]
    assert await steps(wire, {"timestamp": times[2]}) == [2]
    assert await steps(wire, {"timestamp": {"$gt": times[0]}, "userId": {"$ne": ann}}) == [4, 3]
    assert await steps(wire, {"userId": ann, "$nor": [{"action": {"$not": {"$ne": "STEP_1"}}}]}) == [2, 0]
    assert await steps(wire, {"userId": {"$exists": False}}) == []
    assert await steps(wire, {"userId": None}) == []
    assert await steps(wire, {"userId": "nobody"}) == []
    assert await steps(wire, {"action": 3}) == []


async def test_queries_come_in_order_and_in_parts(wire: Wire, trail: dict[str, Any]):
    query = {"userId": trail["ann"]}

    assert await steps(wire, query, sort={"timestamp": 1}) == [0, 1, 2]
    assert await steps(wire, query, start=1, limit=1) == [1]
    found = await wire.ask("audit-service.get-audits-by-query", {"query": query, "limit": 1})
    assert found.data["totalCount"] == 3


async def test_entries_of_other_realms_are_not_found(runtime: Runtime, wire: Wire, trail: dict[str, Any]):
    elsewhere = Wire(wire.http, runtime, (await factories.a_realm(runtime)).slug)

    assert await steps(elsewhere, {"userId": trail["ann"]}) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": {}},
        {"query": []},
        {"query": {"payload.password": "x"}},
        {"query": {"password": "x"}},
        {"query": {"message": "x"}},
        {"query": {"$where": "1"}},
        {"query": {"action": {"$function": "x"}}},
        {"query": {"action": {"$gt": "A"}}},
        {"query": {"action": {"$regex": "a", "$options": "i"}}},
        {"query": {"action": {"$size": 1}}},
        {"query": {"action": {"a": 1}}},
        {"query": {"timestamp": {"$gt": "yesterday"}}},
        {"query": {"timestamp": {"$gt": 3}}},
        {"query": {"$or": []}},
        {"query": {"action": "X"}, "sort": {"action": 1}},
        {"query": {"action": "X"}, "sort": {"timestamp": 2}},
        {"query": {"action": "X"}, "sort": {"timestamp": True}},
        {"query": {"action": "X"}, "limit": 0},
        {"query": {"action": "X"}, "start": -1},
        {"query": {"action": "X"}, "more": 1},
    ],
)
async def test_what_cannot_be_asked_is_refused(wire: Wire, body: dict[str, Any]):
    refused = await wire.ask("audit-service.get-audits-by-query", body)

    assert (refused.status, refused.code) == (400, "BAD_REQUEST"), refused
