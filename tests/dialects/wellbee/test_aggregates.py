"""Aggregations over users: the stages that are taken, those that are not, and their bounds."""

from typing import Any

import pytest

from roster.core.users import documents
from roster.dialects.wellbee import aggregates
from roster.storage.runtime import Runtime
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import Answer, Reset, Wire

PEOPLE: list[dict[str, Any]] = [
    {"firstName": "Anna", "city": "Lund", "age": 30, "tags": ["red", "blue"], "home": {"zip": 1, "door": "A"}},
    {"firstName": "Bo", "city": "Lund", "age": 20.5, "tags": [], "pets": [{"name": "x"}, {"name": "y"}]},
    {"firstName": "Cia", "city": "Malmö", "tags": ["red"]},
]
BY_AGGREGATE = "user-service.get-by-aggregate"
USERS = "user-service.get-users-by-aggregate"
KEEP = {"$project": {"firstName": 1, "_id": 0}}


@pytest.fixture
async def people(wire: Wire, configured: Reset) -> list[dict[str, Any]]:
    configured(require_password=False)
    found = [
        await wire.ask(
            "user-service.create-user",
            {**each, "email": f"{each['firstName']}@example.org", "lastName": "x", "roles": ["user"]},
        )
        for each in PEOPLE
    ]
    return [each.data for each in found]


async def run(wire: Wire, *stages: Any, subject: str = BY_AGGREGATE) -> Answer:
    return await wire.ask(subject, {"aggregate": list(stages)})


async def test_users_go_through_the_stages_in_order(wire: Wire, people: list[dict[str, Any]]):
    assert (await run(wire, {"$match": {"city": "Lund"}})).data == people[:2]
    found = await run(wire, {"$match": {"city": "Lund"}}, {"$sort": {"age": 1}}, {"$limit": 1}, KEEP)
    assert found.data == [{"firstName": "Bo"}]
    found = await run(wire, {"$sort": {"firstName": -1}}, {"$skip": 1}, {"$match": {"age": {"$gt": 25}}}, KEEP)
    assert found.data == [{"firstName": "Anna"}]
    assert (await run(wire, {"$match": {"city": "Lund"}}, subject=USERS)).data == {"users": people[:2]}


async def test_users_are_counted(wire: Wire, people: list[dict[str, Any]]):
    assert (await run(wire, {"$match": {"city": "Lund"}}, {"$count": "found"})).data == [{"found": 2}]
    assert (await run(wire, {"$count": "found"}, {"$addFields": {"more": "$found"}})).data == [{"found": 3, "more": 3}]
    assert (await run(wire, {"$limit": 2}, {"$count": "found"})).data == [{"found": 2}]
    assert (await run(wire, {"$match": {"city": "Rom"}}, {"$count": "found"})).data == []


GROUP = {
    "_id": "$city",
    "number": {"$sum": 1},
    "counted": {"$count": {}},
    "ages": {"$sum": "$age"},
    "average": {"$avg": "$age"},
    "least": {"$min": "$firstName"},
    "greatest": {"$max": "$age"},
    "first": {"$first": "$firstName"},
    "last": {"$last": "$missing"},
    "tags": {"$push": "$tags"},
    "doors": {"$addToSet": "$home.door"},
}


async def test_users_are_grouped(wire: Wire, people: list[dict[str, Any]]):
    lund, malmo = (await run(wire, {"$group": GROUP})).data
    assert lund == {
        "_id": "Lund",
        "number": 2,
        "counted": 2,
        "ages": 50.5,
        "average": 25.25,
        "least": "Anna",
        "greatest": 30,
        "first": "Anna",
        "last": None,
        "tags": [["red", "blue"], []],
        "doors": ["A"],
    }
    assert (malmo["_id"], malmo["ages"], malmo["average"], malmo["greatest"]) == ("Malmö", 0, None, None)
    (all_of_them,) = (await run(wire, {"$group": {"_id": None, "cities": {"$addToSet": {"at": "$city"}}}})).data
    assert all_of_them == {"_id": None, "cities": [{"at": "Lund"}, {"at": "Malmö"}]}
    found = await run(wire, {"$group": {"_id": {"city": "$city"}}}, {"$match": {"_id.city": "Lund"}})
    assert found.data == [{"_id": {"city": "Lund"}}]
    assert (await run(wire, {"$group": {"_id": "$city"}}, subject=USERS)).data == {"users": [{}, {}]}


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ({"$project": {"city": 1, "home.zip": 1}}, {"city": "Lund", "home": {"zip": 1}}),
        ({"$project": {"city": 1, "home": {"zip": True}}}, {"city": "Lund", "home": {"zip": 1}}),
        ({"$project": {"name": "$firstName", "door": "$home.door"}}, {"name": "Anna", "door": "A"}),
        ({"$project": {"both": {"a": "$age", "b": ["$city", "$missing"]}}}, {"both": {"a": 30, "b": ["Lund", None]}}),
        ({"$project": {"word": {"$literal": "$age"}}}, {"word": "$age"}),
    ],
)
async def test_documents_are_made_anew(wire: Wire, people: list[Any], stage: dict[str, Any], expected: dict[str, Any]):
    assert (await run(wire, {"$limit": 1}, stage)).data == [expected]


async def test_fields_are_added_and_taken_away(wire: Wire, people: list[dict[str, Any]]):
    names = ["home.zip", "tags", "roles"]
    (found,) = (await run(wire, {"$limit": 1}, {"$unset": names}, {"$set": {"home.roof": "$age", "x.y": 1}})).data
    assert (found["home"], found["x"]) == ({"door": "A", "roof": 30}, {"y": 1})
    assert not {"tags", "roles"} & found.keys()
    (found,) = (await run(wire, {"$limit": 1}, {"$project": {"home": 0, "metadata": 0}}, {"$unset": "tags"})).data
    assert found.keys() == people[0].keys() - {"home", "metadata", "tags"}


async def test_lists_are_unwound(wire: Wire, people: list[dict[str, Any]]):
    shown = {"$project": {"firstName": 1, "tags": 1, "at": 1}}
    found = await run(wire, {"$unwind": "$tags"}, shown)
    assert [(each["firstName"], each["tags"]) for each in found.data] == [
        ("Anna", "red"),
        ("Anna", "blue"),
        ("Cia", "red"),
    ]
    options = {"path": "$tags", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "at"}
    found = await run(wire, {"$unwind": options}, shown)
    assert [each.get("tags") for each in found.data] == ["red", "blue", None, "red"]
    assert [each.get("at") for each in found.data] == [0, 1, None, 0]
    found = await run(wire, {"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"n": -1}})
    assert found.data == [{"_id": "red", "n": 2}, {"_id": "blue", "n": 1}]


async def test_profiles_are_looked_up_by_id(wire: Wire, configured: Reset):
    configured(require_password=False, user_fields=("userName",))
    for each in PEOPLE:
        sent = {**each, "email": f"{each['firstName']}@example.org", "lastName": "x"}
        await wire.ask("user-service.create-user", sent)
    lookup = {"from": "profiles", "localField": "id", "foreignField": "id", "as": "profile"}
    found = await run(wire, {"$lookup": lookup}, {"$unwind": "$profile"}, {"$match": {"profile.city": "Lund"}})
    assert [each["profile"]["firstName"] for each in found.data] == ["Anna", "Bo"]
    assert "city" not in found.data[0]


REFUSED = (
    *("$out", "$merge", "$unionWith", "$graphLookup", "$facet", "$collStats", "$indexStats", "$currentOp", "$search"),
    *("$changeStream", "$replaceRoot", "$sample", "$bucket", "$where", "$nonsense"),
)


@pytest.mark.parametrize("stage", REFUSED)
@pytest.mark.parametrize("subject", [BY_AGGREGATE, USERS])
async def test_other_stages_are_refused(wire: Wire, stage: str, subject: str):
    for stages in ([{stage: {}}], [{"$match": {"city": "x"}}, {stage: "x"}]):
        found = await run(wire, *stages, subject=subject)
        assert (found.status, found.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "field", ["password", "salt", "hashDate", "emailVerificationToken", "setPasswordToken", "secret"]
)
@pytest.mark.parametrize(
    "stage",
    [
        lambda name: {"$match": {name: "x"}},
        lambda name: {"$match": {"$or": [{"a": {"$elemMatch": {name: 1}}}]}},
        lambda name: {"$project": {name: 1}},
        lambda name: {"$project": {"x": f"$home.{name}"}},
        lambda name: {"$addFields": {"x": {"y": [f"${name}"]}}},
        lambda name: {"$addFields": {name: 1}},
        lambda name: {"$sort": {name: 1}},
        lambda name: {"$unset": f"${name}"},
        lambda name: {"$unwind": f"${name}"},
        lambda name: {"$group": {"_id": f"${name}"}},
        lambda name: {"$group": {"_id": None, "x": {"$push": f"$$ROOT.{name}"}}},
    ],
)
@pytest.mark.parametrize("before", [[], [{"$unwind": "$tags"}]], ids=["first", "later"])
async def test_private_fields_are_not_exposed(wire: Wire, configured: Reset, field: str, stage: Any, before: list[Any]):
    configured(private_properties=("secret",))
    for subject in (BY_AGGREGATE, USERS):
        found = await run(wire, *before, stage(field), subject=subject)
        assert (found.status, found.code, found.error["title"]) == (400, "BAD_REQUEST", "Bad request")


@pytest.mark.parametrize(
    "stages",
    [
        [{}],
        [{"$match": {"a": 1}, "$limit": 1}],
        [{"$match": 1}],
        [{"$match": {"a": {"$in": 1}}}],
        [{"$match": {"a": {"$where": 1}}}],
        [{"$unwind": "$a"}, {"$match": {"a": {"$regex": "x"}}}],
        [{"$unwind": "$a"}, {"$match": {"a": {"$where": 1}}}],
        [{"$project": {}}],
        [{"$project": {"a": 1, "b": 0}}],
        [{"$project": {"a": {"$concat": ["$a"]}}}],
        [{"$project": {"a": "$$ROOT"}}],
        [{"$addFields": {"a": {"$function": {"body": "x"}}}}],
        [{"$addFields": {"$a": 1}}],
        [{"$unset": []}],
        [{"$unset": [1]}],
        [{"$sort": {}}],
        [{"$sort": {"a": 2}}],
        [{"$unwind": "$a"}, {"$sort": {"a": True}}],
        [{"$skip": -1}],
        [{"$skip": "1"}],
        [{"$limit": 0}],
        [{"$limit": True}],
        [{"$limit": 1.5}],
        [{"$count": ""}],
        [{"$count": "$a"}],
        [{"$count": "a.b"}],
        [{"$unwind": "a"}],
        [{"$unwind": {"path": 1}}],
        [{"$group": {}}],
        [{"$group": {"n": {"$sum": 1}}}],
        [{"$group": {"_id": 1, "n": 1}}],
        [{"$group": {"_id": 1, "n": {"$sum": 1, "$avg": 1}}}],
        [{"$group": {"_id": 1, "n": {"$stdDevPop": 1}}}],
        [{"$group": {"_id": 1, "n": {"$accumulator": {}}}}],
        [{"$lookup": {"from": "users", "localField": "id", "foreignField": "id", "as": "x"}}],
        [{"$lookup": {"from": "profiles", "localField": "email", "foreignField": "id", "as": "x"}}],
        [{"$lookup": {"from": "profiles", "pipeline": [], "as": "x"}}],
        [{"$limit": 1}] * 21,
        [{"$project": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": "$a"}}}}}}}}}}}],
    ],
    ids=lambda stages: repr(stages)[:60],
)
async def test_what_makes_no_sense_is_a_bad_request(wire: Wire, people: list[Any], stages: list[Any]):
    found = await run(wire, *stages)
    assert (found.status, found.code) == (400, "BAD_REQUEST")


async def test_an_aggregation_has_stages(wire: Wire):
    for body in ({}, {"aggregate": []}, {"aggregate": {}}, {"aggregate": [1]}):
        for subject in (BY_AGGREGATE, USERS):
            assert (await wire.ask(subject, body)).code == "BAD_REQUEST"


async def test_no_stage_makes_documents_without_end(wire: Wire, people: list[Any]):
    doubled = [{"$addFields": {"tags": ["$tags", "$tags"]}}] * 19
    assert (await run(wire, {"$unwind": "$tags"}, *doubled)).code == "BAD_REQUEST"
    sent = {"id": people[0]["id"], "tags": list(range(2000))}
    await wire.ask("user-service.update-user", sent)
    unwound = [{"$addFields": {"again": "$tags"}}, {"$unwind": "$tags"}, {"$unwind": "$again"}]
    assert (await run(wire, *unwound)).code == "BAD_REQUEST"


async def test_more_people_than_are_gathered_are_only_counted(
    wire: Wire, people: list[Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(aggregates, "MOST", 2)
    monkeypatch.setattr(documents, "MOST", 2)
    assert (await run(wire, {"$match": {"id": {"$exists": True}}})).code == "BAD_REQUEST"
    assert (await run(wire, {"$match": {"city": "Lund"}})).status == 200
    assert (await run(wire, {"$count": "all"})).data == [{"all": 3}]
    assert len((await run(wire, {"$limit": 2})).data) == 2


async def test_people_of_another_realm_are_in_no_aggregation(
    wire: Wire, people: list[Any], stranger: Person, runtime: Runtime
):
    theirs = Wire(wire.http, runtime, stranger.realm.slug, stranger.bearer)
    assert [each["id"] for each in (await run(theirs, {"$match": {}})).data] == [str(stranger.user.id)]
    assert (await run(theirs, {"$match": {"city": "Lund"}})).data == []
