"""Queries in MongoDB's language: what they find, what nobody may ask, and what makes no sense."""

from typing import Any

import pytest

from roster.core.attributes import service as attributes
from roster.core.attributes.models import DefinitionDraft
from roster.core.realms.models import Realm
from roster.dialects.wellbee import mongo, shapes
from roster.dialects.wellbee.refusals import InvalidQuery
from roster.settings.wellbee import WellbeeDialect
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.people import counting
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import Reset, Wire

PEOPLE: list[dict[str, Any]] = [
    {
        "email": "anna@example.org",
        "firstName": "Anna",
        "lastName": "Öberg",
        "userName": "anna",
        "personalNumber": "19121212-1212",
        "roles": ["super-admin", "user"],
        "city": "Lund",
        "age": 30,
        "vip": True,
        "tags": ["red", "blue"],
        "home": {"street": "Storgatan 9", "zip": 22100},
        "visits": [{"at": "A", "count": 3}, {"at": "B", "count": 1}],
        "nothing": {"deep": None},
        "emailVerified": True,
    },
    {
        "email": "bo@example.org",
        "firstName": "Bo",
        "lastName": "Åberg",
        "roles": ["user"],
        "city": "lund",
        "age": "30",
        "vip": False,
        "tags": [],
        "home": {"street": "Storgatan 10"},
        "visits": [{"at": "A", "count": 1}],
        "emailVerified": False,
    },
    {
        "email": "cia@example.org",
        "firstName": "Cia",
        "lastName": "Zeta",
        "userName": "cia",
        "roles": ["admin"],
        "city": "Malmö",
        "age": 41.5,
        "tags": "red",
        "deactivated": True,
    },
]


@pytest.fixture
async def people(wire: Wire, configured: Reset) -> list[dict[str, Any]]:
    """Anna, Bo and Cia, as they were made, oldest first."""
    configured(require_password=False)
    made = [await wire.ask("user-service.create-user", each) for each in PEOPLE]
    assert {each.status for each in made} == {201}
    return [each.data for each in made]


async def ask(wire: Wire, query: Any, **more: Any) -> Any:
    return await wire.ask("user-service.get-users-by-query", {"query": query, **more})


async def names(wire: Wire, query: Any, **more: Any) -> list[str]:
    found = await ask(wire, query, **more)
    assert found.status == 200, found
    return [each.get("firstName") or each["profile"]["firstName"] for each in found.data["users"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"city": "Lund"}, "A"),
        ({"city": {"$eq": "lund"}}, "B"),
        ({"city": {"$ne": "Lund"}}, "BC"),
        ({"city": "Lund", "age": 30}, "A"),
        ({"city": "Lund", "age": "30"}, ""),
        ({"age": 30}, "A"),
        ({"age": {"$gt": 29}}, "AC"),
        ({"age": {"$gt": 30, "$lt": 42}}, "C"),
        ({"age": {"$gte": 30}}, "AC"),
        ({"age": {"$lte": "31"}}, "B"),
        ({"vip": True}, "A"),
        ({"vip": False}, "B"),
        ({"vip": None}, "C"),
        ({"vip": {"$ne": None}}, "AB"),
        ({"vip": {"$exists": False}}, "C"),
        ({"vip": {"$in": [True, None]}}, "AC"),
        ({"vip": {"$nin": [True, None]}}, "B"),
        ({"tags": "red"}, "AC"),
        ({"tags": ["red", "blue"]}, "A"),
        ({"tags": {"$all": ["red", "blue"]}}, "A"),
        ({"tags": {"$all": []}}, ""),
        ({"tags": {"$size": 0}}, "B"),
        ({"tags": {"$size": 2}}, "A"),
        ({"tags": {"$type": "array"}}, "AB"),
        ({"tags": {"$type": ["string"]}}, "AC"),
        ({"age": {"$type": "int"}}, "A"),
        ({"age": {"$type": 1}}, "C"),
        ({"age": {"$type": "date"}}, ""),
        ({"tags.0": "red"}, "AC"),
        ({"tags.1": "blue"}, "A"),
        ({"home.street": "Storgatan 9"}, "A"),
        ({"home": {"street": "Storgatan 10"}}, "B"),
        ({"home": {"$in": [{"street": "Storgatan 10"}, 5]}}, "B"),
        ({"home.zip": {"$exists": True}}, "A"),
        ({"nothing.deep": None}, "ABC"),
        ({"nothing.deep": {"$exists": True}}, "A"),
        ({"nothing.deep": {"$type": "null"}}, "A"),
        ({"visits.count": 3}, "A"),
        ({"visits.1.at": "B"}, "A"),
        ({"visits": {"$elemMatch": {"at": "A", "count": 1}}}, "B"),
        ({"visits": {"$elemMatch": {"$or": [{"count": {"$gt": 2}}, {"at": "C"}]}}}, "A"),
        ({"visits": {"$elemMatch": {"at": {"$not": {"$eq": "A"}}}}}, "A"),
        ({"tags": {"$elemMatch": {"$eq": "blue"}}}, "A"),
        ({"visits": {"$all": [{"$elemMatch": {"at": "A"}}, {"$elemMatch": {"count": 1}}]}}, "AB"),
        ({"city": {"$regex": "^L"}}, "A"),
        ({"city": {"$regex": "^l", "$options": "i"}}, "AB"),
        ({"city": {"$regex": "(?i)^MALMÖ$"}}, "C"),
        ({"city": {"$not": {"$regex": "und$"}}}, "C"),
        ({"city": {"$exists": True, "$nin": ["Lund", "lund"]}}, "C"),
        ({"$and": [{"city": "Lund"}, {"age": 30}]}, "A"),
        ({"$or": [{"city": "Malmö"}, {"age": "30"}]}, "BC"),
        ({"$nor": [{"city": "Malmö"}, {"age": "30"}]}, "A"),
        ({"$comment": "why", "city": "Lund"}, "A"),
        # fields that the directory has columns for
        ({"email": "anna@example.org"}, "A"),
        ({"email": {"$regex": "^(anna|bo)@"}}, "AB"),
        ({"email": {"$in": ["bo@example.org", "x"]}}, "B"),
        ({"email": None}, ""),
        ({"firstName": "Anna"}, "A"),
        ({"firstName": "anna"}, ""),
        ({"firstName": {"$in": ["Anna", None]}}, "A"),
        ({"firstName": {"$gt": "Anna"}}, "BC"),
        ({"firstName": 5}, ""),
        ({"firstName.deep": None}, "ABC"),
        ({"userName": "cia"}, "C"),
        ({"userName": "CIA"}, ""),
        ({"userName": None}, "B"),
        ({"userName": {"$exists": True}}, "AC"),
        ({"personalNumber": "19121212-1212"}, "A"),
        ({"personalNumber": {"$exists": False}}, "BC"),
        ({"roles": "super-admin"}, "A"),
        ({"roles": {"$in": ["admin", "user"]}}, "ABC"),
        ({"roles": {"$size": 2}}, "A"),
        ({"roles": {"$ne": "user"}}, "C"),
        ({"roles": ["user"]}, "B"),
        ({"roles": {"$all": ["user", "super-admin"]}}, "A"),
        ({"roles": {"$elemMatch": {"$eq": "admin"}}}, "C"),
        ({"emailVerified": True}, "A"),
        ({"emailVerified": False}, "B"),
        ({"emailVerified": {"$ne": True}}, "BC"),
        ({"emailVerified": None}, "C"),
        ({"emailVerified": {"$exists": True}}, "AB"),
        ({"deactivated": True}, "C"),
        ({"deactivated": {"$ne": True}}, "AB"),
        ({"metadata.created": {"$gt": "2020-01-01T00:00:00.000Z"}}, "ABC"),
        ({"metadata.updated": {"$lt": "2020-01-01"}}, ""),
        ({"metadata": {"$exists": True}}, "ABC"),
        ({"metadata.other": {"$exists": True}}, ""),
        ({"scopes": "*"}, ""),
        ({"scopes": {"$exists": False}}, "ABC"),
        ({"profile.firstName": "Anna"}, ""),
        ({"id": "nobody"}, ""),
        ({"id": {"$exists": True}}, "ABC"),
    ],
)
async def test_what_queries_find(wire: Wire, people: list[dict[str, Any]], query: dict[str, Any], expected: str):
    assert "".join(each[0] for each in await names(wire, query)) == expected
    assert (await ask(wire, query, count=True)).data == {"totalCount": len(expected), "users": []}


async def test_ids_and_times_are_compared_as_they_are_shown(wire: Wire, people: list[dict[str, Any]]):
    anna, bo, cia = people
    assert await names(wire, {"id": bo["id"].upper()}) == ["Bo"]
    assert await names(wire, {"id": {"$in": [cia["id"], anna["id"], "x"]}}) == ["Anna", "Cia"]
    at = anna["metadata"]["created"]
    assert (await names(wire, {"metadata.created": at}))[0] == "Anna"
    assert (await names(wire, {"metadata.created": {"$lte": at}}))[0] == "Anna"
    assert "Anna" not in await names(wire, {"metadata.created": {"$gt": at}})


REFUSED = (
    *("$where", "$expr", "$function", "$accumulator", "$jsonSchema", "$text", "$near", "$nearSphere", "$geoWithin"),
    *("$geoIntersects", "$bitsAllSet", "$bitsAnyClear", "$mod", "$slice", "$rand", "$new", "$"),
)


@pytest.mark.parametrize("operator", REFUSED)
@pytest.mark.parametrize(
    "place",
    [
        lambda name: {name: "1"},
        lambda name: {"city": {name: "1"}},
        lambda name: {"$or": [{"city": "x"}, {"city": {"$not": {name: 1}}}]},
        lambda name: {"visits": {"$elemMatch": {name: 1}}},
        lambda name: {"home": {"street": {name: 1}}},
    ],
)
async def test_other_operators_are_refused_wherever_they_stand(wire: Wire, operator: str, place: Any):
    for subject, body in (
        ("user-service.get-users-by-query", {"query": place(operator)}),
        ("user-service.get-user", place(operator)),
        ("user-service.delete-users-by-query", place(operator)),
    ):
        found = await wire.ask(subject, body)
        assert (found.status, found.code) == (400, "user-service.400.13"), subject


PRIVATE = ["password", "salt", "hashDate", "emailVerificationToken", "setPasswordToken", "_id", "secret"]


@pytest.mark.parametrize("field", PRIVATE)
@pytest.mark.parametrize(
    "place",
    [
        lambda name: {name: "x"},
        lambda name: {f"home.{name}": {"$exists": True}},
        lambda name: {f"{name}.deeper": None},
        lambda name: {f"profile.{name}": None},
        lambda name: {"$or": [{"city": "x"}, {"$and": [{name: {"$regex": "^a"}}]}]},
        lambda name: {"$nor": [{name: 1}]},
        lambda name: {"visits": {"$elemMatch": {name: 1}}},
        lambda name: {"visits": {"$not": {"$elemMatch": {"deep." + name: 1}}}},
        lambda name: {"home": {name: 1}},
        lambda name: {"home": {"$in": [{"deep": [{name: 1}]}]}},
    ],
)
async def test_private_fields_are_refused_at_any_depth(
    wire: Wire, admin: Person, configured: Reset, field: str, place: Any
):
    configured(private_properties=("secret",), user_fields=("userName",))
    query = place(field)
    for subject, body in (
        ("user-service.get-users-by-query", {"query": query, "expand": "true"}),
        ("user-service.get-users-by-query", {"query": query, "count": True}),
        ("user-service.get-user", query),
        ("user-service.get-profiles-by-query", {"query": query}),
        ("user-service.delete-users-by-query", query),
    ):
        assert (await wire.ask(subject, body)).code == "user-service.400.13", subject


@pytest.mark.parametrize("field", PRIVATE)
async def test_private_fields_are_neither_sorted_by_nor_shown_on_request(
    wire: Wire, admin: Person, configured: Reset, field: str
):
    configured(private_properties=("secret",))
    for more in (
        {"sort": {field: 1}},
        {"sort": {f"home.{field}": -1}},
        {"filter": {field: 1}},
        {"filter": {f"a.{field}": 0}},
    ):
        assert (await ask(wire, {"city": "Lund"}, **more)).code == "user-service.400.13"
    asked = wire.by(admin.access_token)
    for query in (f"{field}=1", f"home[{field}]=1", f"searchField={field}&searchValue=a"):
        assert (await asked.call("GET", f"/admin/user?{query}")).code == "user-service.400.13", query


async def test_a_field_that_the_realm_hides_cannot_be_asked_for(wire: Wire, runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await attributes.define(tx, "diagnosis", DefinitionDraft("text", visibility="hidden"))
    made = await wire.ask(
        "user-service.create-user", {**PEOPLE[0], "roles": [], "password": "Ab3defgh-safe", "diagnosis": "x"}
    )
    assert (made.status, "diagnosis" in made.data) == (201, False)
    everybody = (await wire.ask("user-service.get-by-aggregate", {"aggregate": [{"$match": {}}]})).data
    assert not any("diagnosis" in each for each in everybody)
    assert (await ask(wire, {"diagnosis": "x"})).code == "user-service.400.13"
    assert (await ask(wire, {"city": "x"}, sort={"diagnosis": 1})).code == "user-service.400.13"


@pytest.mark.parametrize(
    "query",
    [
        {"$or": []},
        {"$and": {}},
        {"$or": [1]},
        {"city": {"$in": "x"}},
        {"city": {"$gt": True}},
        {"city": {"$gt": {}}},
        {"city": {"$eq": 1, "deep": 2}},
        {"city": {"$options": "i"}},
        {"city": {"$regex": 1}},
        {"city": {"$not": 1}},
        {"city": {"$size": -1}},
        {"city": {"$size": 1.5}},
        {"city": {"$size": True}},
        {"city": {"$type": "nonsense"}},
        {"city": {"$all": 1}},
        {"city": {"$elemMatch": 1}},
        {"visits": {"$elemMatch": {"deep": {"a": 1}}}},
        {"city": {"$and": []}},
        {"a..b": 1},
        {".": 1},
        {"metadata.created": {"$gt": "yesterday"}},
        {"metadata.created": {"$gt": 5}},
        {"metadata.created": {"$regex": "^2"}},
        {"metadata.created": {"$lte": "9999-12-31T23:59:59.999Z"}},
        {"$eq": 1},
    ],
)
async def test_what_makes_no_sense_finds_nothing_and_deletes_nobody(
    wire: Wire, people: list[dict[str, Any]], query: dict[str, Any]
):
    assert (await ask(wire, query)).data in (
        {"totalCount": 0, "users": []},
        (await ask(wire, {"id": {"$exists": True}})).data,
    )
    if query != {"metadata.created": {"$lte": "9999-12-31T23:59:59.999Z"}}:
        assert (await ask(wire, query)).data["totalCount"] == 0
        assert (await wire.ask("user-service.get-user", query)).data == []
        found = await wire.ask("user-service.delete-users-by-query", query)
        assert (found.status, found.code) == (400, "BAD_REQUEST")
    assert len(await names(wire, {"id": {"$exists": True}})) == 3


def deep(levels: int) -> dict[str, Any]:
    query: dict[str, Any] = {"city": "x"}
    for _ in range(levels):
        query = {"$or": [query]}
    return query


@pytest.mark.parametrize(
    "query",
    [
        deep(6),
        deep(14),
        {f"a{number}": 1 for number in range(101)},
        {"$or": [{"a": {"$gt": 1, "$lt": 2}} for _ in range(51)]},
        {"a": {"$in": list(range(1001))}},
        {"a": {"$all": ["x"] * 1001}},
        {"a": "x" * 1001},
        {"a": {"$in": ["x" * 1001]}},
        {"a": {"$regex": "x" * 201}},
        {"a": {"$regex": "(a)\\1"}},
        {"a": {"$regex": "(?=a)"}},
        {"a": {"$regex": "(?<!a)b"}},
        {"a": {"$regex": "(a?){50}{50}"}},
        {"a": {"$regex": "("}},
        {"a": {"$regex": "a", "$options": "x"}},
    ],
    ids=lambda query: repr(query)[:40],
)
async def test_what_asks_for_too_much_is_refused(wire: Wire, query: dict[str, Any]):
    assert (await ask(wire, query)).code == "user-service.400.13"
    assert (await wire.ask("user-service.delete-users-by-query", query)).code == "user-service.400.13"


async def test_the_largest_queries_are_answered(wire: Wire, people: list[dict[str, Any]]):
    assert await names(wire, deep(5)) == []
    assert await names(wire, {f"a{number}": None for number in range(100)}) == ["Anna", "Bo", "Cia"]
    assert await names(wire, {"age": {"$in": list(range(1000))}}) == ["Anna"]


@pytest.mark.parametrize("expression", ["^(a+)+$", "(.*a){20}", "(a|aa)+$", "^([a-z]+)*@"])
async def test_expressions_that_stop_other_engines_are_answered(wire: Wire, configured: Reset, expression: str):
    configured(require_password=False)
    await wire.ask("user-service.create-user", {**PEOPLE[0], "long": "a" * 5000 + "!", "roles": []})
    found = await ask(wire, {"long": {"$regex": expression}})
    assert found.status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": {}},
        {"query": []},
        {"query": {"a": 1}, "filter": {}},
        {"query": {"a": 1}, "sort": {}},
        {"query": {"a": 1}, "start": -1},
        {"query": {"a": 1}, "limit": 0},
        {"query": {"a": 1}, "limit": "1"},
        {"query": {"a": 1}, "expand": True},
        {"query": {"a": 1}, "expand": "user"},
        {"query": {"a": 1}, "count": "yes"},
    ],
)
async def test_what_breaks_the_schema_is_a_bad_request(wire: Wire, body: dict[str, Any]):
    found = await wire.ask("user-service.get-users-by-query", body)
    assert (found.status, found.code) == (400, "BAD_REQUEST")


async def test_lists_are_given_in_parts_with_their_whole_number(wire: Wire, people: list[dict[str, Any]]):
    everybody = {"id": {"$exists": True}}
    assert (await ask(wire, everybody)).data["totalCount"] == 3
    part = (await ask(wire, everybody, limit=1, start=1)).data
    assert (part["totalCount"], [each["firstName"] for each in part["users"]]) == (3, ["Bo"])
    assert (await ask(wire, everybody, start=1)).data["totalCount"] == 2
    assert (await ask(wire, everybody, limit=5, start=3)).data == {"totalCount": 3, "users": []}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"lastName": 1}, "CBA"),
        ({"lastName": -1}, "ABC"),
        ({"home.street": 1}, "CAB"),
        ({"home.street": -1}, "BAC"),
        ({"age": 1}, "ACB"),
        ({"city": 1, "firstName": -1}, "BAC"),
        ({"email": -1}, "CBA"),
        ({"vip": 1, "firstName": 1}, "CBA"),
        ({"metadata.created": -1}, "CBA"),
        ({"nonsense": 1}, "ABC"),
    ],
)
async def test_lists_are_sorted_as_people_read(wire: Wire, people: list[Any], sort: dict[str, int], expected: str):
    assert "".join(each[0] for each in await names(wire, {"id": {"$exists": True}}, sort=sort)) == expected


async def test_a_sort_can_ignore_case(wire: Wire, configured: Reset):
    configured(require_password=False)
    for number, word in enumerate(["b", "A", "C", "a"]):
        person = {"email": f"p{number}@example.org", "firstName": f"{number}", "lastName": "x", "word": word}
        await wire.ask("user-service.create-user", person)
    sort = {"word": 1, "firstName": 1}
    found = await names(wire, {"word": {"$exists": True}}, sort=sort, caseInsensitiveSort=True)
    assert found == ["1", "3", "0", "2"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"email": 1}, {"email"}),
        ({"roles": 1, "home.zip": 1}, {"roles", "scopes", "home"}),
        ({"id": 1, "metadata.created": 1}, {"id", "metadata"}),
    ],
)
async def test_only_the_fields_asked_for_are_shown(
    wire: Wire, people: list[dict[str, Any]], wanted: dict[str, int], expected: set[str]
):
    (found,) = (await ask(wire, {"city": "Lund"}, filter=wanted)).data["users"]
    assert found.keys() == expected
    assert found.get("home", {"zip": 22100}) == {"zip": 22100}
    assert found.get("metadata", {"created": 0}).keys() == {"created"}


async def test_fields_can_be_left_out(wire: Wire, people: list[dict[str, Any]]):
    (found,) = (await ask(wire, {"city": "Lund"}, filter={"home.zip": 0, "visits.count": 0, "roles": 0})).data["users"]
    assert (found["home"], found["visits"]) == ({"street": "Storgatan 9"}, [{"at": "A"}, {"at": "B"}])
    assert not {"roles", "scopes"} & found.keys()
    mixed = (await ask(wire, {"city": "Lund"}, filter={"home": 0, "city": 1})).data
    assert mixed == {"totalCount": 0, "users": []}


# get-user, the list of administrators


async def test_the_old_look_up_takes_the_query_as_it_is(wire: Wire, people: list[dict[str, Any]], configured: Reset):
    found = await wire.ask("user-service.get-user", {"email": "bo@example.org"})
    assert found.data == [people[1]]
    assert (await wire.ask("user-service.get-user", {})).code == "user-service.400.13"
    configured(allow_get_all=True)
    assert len((await wire.ask("user-service.get-user", {})).data) == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("city=Lund", "A"),
        ("age=30", "AB"),
        ("age[$gt]=29", "ABC"),
        ("age[$gt]=29&age[$lt]=40", "AB"),
        ("vip=true", "A"),
        ("emailVerified=true", "A"),
        ("emailVerified=false", "B"),
        ("vip[$exists]=false", "C"),
        ("city[$in][]=Lund&city[$in][]=lund", "AB"),
        ("city[$in][0]=Lund&city[$in][1]=Malm%C3%B6", "AC"),
        ("home.street=Storgatan%209", "A"),
        ("home[street]=Storgatan%2010", "B"),
        ("tags=red&tags=blue", "A"),
        ("tags[$size]=2", "A"),
        ("expand=true", ""),
        ("searchField=city&searchValue=LUN", "AB"),
        ("searchField=home.street&searchValue=10$", "B"),
        ("searchField=city&searchValue=lund&age=30&vip=false", "B"),
        ("searchValue=lund", "ABC"),
        ("start=2&limit=1", "B"),
        ("metadata.created[$gt]=2020-01-01T00:00:00Z", "ABC"),
        ("roles=admin", "C"),
    ],
)
async def test_administrators_filter_by_the_address(
    wire: Wire, admin: Person, people: list[dict[str, Any]], query: str, expected: str
):
    found = await wire.by(admin.access_token).call("GET", f"/admin/user?{query}")
    assert found.status == 200, found
    assert "".join(each["firstName"][0] for each in found.data if "firstName" in each) == expected


async def test_a_list_without_a_total_is_not_counted(wire: Wire, admin: Person, people: list[dict[str, Any]]):
    with counting() as sent:
        assert len((await wire.by(admin.access_token).call("GET", "/admin/user?limit=2")).data) == 2
        pipeline = [{"$match": {"city": {"$exists": True}}}, {"$limit": 2}]
        assert len((await wire.ask("user-service.get-by-aggregate", {"aggregate": pipeline})).data) == 2
    assert not [each for each in sent if "count(*)" in each]

    with counting() as sent:
        assert (await ask(wire, {"city": {"$exists": True}}, limit=2)).data["totalCount"] == 3
    assert len([each for each in sent if "count(*)" in each]) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("start=x", "BAD_REQUEST"),
        ("limit=-1", "BAD_REQUEST"),
        ("a=1&a[b]=2", "BAD_REQUEST"),
        ("a[$where]=1", "user-service.400.13"),
        ("$where=1", "user-service.400.13"),
        ("a[b][c][d][e][f][g][h][i][j]=1", "user-service.400.13"),
        ("searchField=a&searchValue=(", "user-service.400.13"),
    ],
)
async def test_a_bad_address_is_refused(wire: Wire, admin: Person, query: str, code: str):
    assert (await wire.by(admin.access_token).call("GET", f"/admin/user?{query}")).code == code


# users and profiles


async def test_users_are_found_by_their_profiles_when_these_are_asked_for(wire: Wire, configured: Reset):
    configured(require_password=False, user_fields=("userName", "personalNumber"))
    for each in PEOPLE:
        await wire.ask("user-service.create-user", each)
    assert await names(wire, {"profile.city": "Lund"}, expand="profile") == ["Anna"]
    assert await names(wire, {"profile.id": {"$exists": True}}, expand="true", sort={"lastName": -1}) == [
        "Anna",
        "Bo",
        "Cia",
    ]
    assert (await ask(wire, {"profile.city": "Lund"})).data["totalCount"] == 0
    assert (await ask(wire, {"city": "Lund"}, expand="true")).data["totalCount"] == 0
    assert await names(wire, {"userName": "cia", "profile.userName": None}, expand="true") == ["Cia"]
    found = await wire.ask("user-service.get-profiles-by-query", {"query": {"city": "Lund"}, "limit": 5})
    assert found.data["totalCount"] == 1
    (profile,) = found.data["profiles"]
    assert profile["firstName"] == "Anna"
    assert not {"email", "userName", "roles", "scopes", "personalNumber"} & profile.keys()
    by_user = await wire.ask("user-service.get-profiles-by-query", {"query": {"email": {"$exists": True}}})
    assert by_user.data == {"totalCount": 0, "profiles": []}
    only = {"query": {"id": profile["id"]}, "filter": {"city": 1}, "sort": {"city": 1}, "caseInsensitiveSort": True}
    assert (await wire.ask("user-service.get-profiles-by-query", only)).data["profiles"] == [{"city": "Lund"}]


async def test_without_profiles_nobody_finds_them(wire: Wire):
    found = await wire.ask("user-service.get-profiles-by-query", {"query": {"a": 1}})
    assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")


# deleting


async def test_everybody_who_matches_is_deleted(wire: Wire, people: list[dict[str, Any]]):
    assert (await wire.ask("user-service.delete-users-by-query", {"city": {"$in": ["lund", "Malmö"]}})).status == 200
    assert await names(wire, {"id": {"$exists": True}}) == ["Anna"]


async def test_without_a_condition_nobody_is_deleted(wire: Wire, people: list[dict[str, Any]]):
    for body in ({}, {"$comment": "x"}):
        found = await wire.ask("user-service.delete-users-by-query", body)
        assert (found.status, found.code) == (400, "fruster-user-service.BAD_REQUEST")
    assert len(await names(wire, {"id": {"$exists": True}})) == 3


async def test_people_of_another_realm_are_not_found(
    wire: Wire, people: list[dict[str, Any]], stranger: Person, runtime: Runtime
):
    theirs = Wire(wire.http, runtime, stranger.realm.slug, stranger.bearer)
    for query in ({"city": "Lund"}, {"email": "anna@example.org"}, {"id": people[0]["id"]}, {"roles": "user"}):
        assert (await ask(theirs, query)).data["totalCount"] == 0
        assert (await wire.ask("user-service.get-users-by-query", {"query": query})).data["totalCount"] > 0
    assert (await theirs.call("GET", "/admin/user?city=Lund")).data == []
    await theirs.ask("user-service.delete-users-by-query", {"city": "Lund"})
    assert await names(wire, {"city": "Lund"}) == ["Anna"]


async def test_whoever_lacks_the_scope_lists_nobody(wire: Wire, person: Person):
    assert (await wire.by(person.access_token).call("GET", "/admin/user?city=Lund")).code == "PERMISSION_DENIED"


def test_a_query_is_refused_before_the_rest_of_it_is_read():
    with pytest.raises(InvalidQuery):
        mongo.screen({"$or": [{"a": 1}] * 1000}, shapes.of_settings(WellbeeDialect()))
