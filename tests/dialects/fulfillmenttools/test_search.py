"""Searching users: what is found, in which order, page by page in both directions, and that no expression can hurt."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from roster.core.attributes import service as attributes
from roster.core.attributes.models import DefinitionDraft
from roster.core.credentials import identities
from roster.core.credentials.models import Identity
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.kit.ids import UserId, uuid7
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools.conftest import Wire
from tests.dialects.fulfillmenttools.test_users import at, changed, made, person_of, role

FACILITY = "fac-muc-01"


async def search(wire: Wire, by: Person, query: dict[str, Any] | None = None, **members: Any) -> Any:
    answer = await wire.post("/api/users/search", {"query": query or {}, **members}, by=by)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(wire: Wire, by: Person, query: dict[str, Any] | None = None, **members: Any) -> list[str]:
    """First names of the people who are found; everybody else has none."""
    found = await search(wire, by, query, **members)
    return [user["firstname"] for user in found["users"] if user["firstname"]]


@pytest.fixture
async def crew(wire: Wire, admin: Person) -> dict[str, dict[str, Any]]:
    """Three people who differ in everything."""
    mira = await made(
        wire, admin, "mira", firstname="Mira", lastname="Okafor", customAttributes={"level": 3, "shift": "late"}
    )
    jan = await made(
        wire,
        admin,
        "jan",
        firstname="Jan",
        lastname="Müller",
        assignedRoles=[role("SUPERVISOR", FACILITY, "fac-ber-02"), role("FULFILLER", "fac-ham-03")],
        customAttributes={"level": 5, "on": True, "hired": "2026-01-01T00:00:00.000Z"},
    )
    ada = await made(wire, admin, "ada", firstname="Ada", lastname="Maier", assignedRoles=[role("ADMINISTRATOR")])
    return {"Mira": mira, "Jan": jan, "Ada": ada}


CONTEXT = {"type": {"eq": "FACILITY"}, "values": {"contains": {"eq": FACILITY}}}


@pytest.mark.usefixtures("crew")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Mira", "Jan", "Ada"]),
        ({"username": {"eq": "MIRA"}}, ["Mira"]),
        ({"firstname": {"notIn": ["jan", "ada"]}}, ["Mira"]),
        ({"lastname": {"like": "^(mü|ma)"}}, ["Jan", "Ada"]),
        ({"lastname": {"like": "ok.*r$"}}, ["Mira"]),
        ({"lastname": {"eq": ""}}, []),
        ({"or": [{"username": {"eq": "jan"}}, {"username": {"eq": "ada"}}]}, ["Jan", "Ada"]),
        ({"and": [{"username": {"like": "a"}}, {"or": [{"lastname": {"like": "M"}}]}]}, ["Jan", "Ada"]),
        ({"lastModified": {"after": "-PT1H"}, "username": {"in": ["jan", "mira"]}}, ["Mira", "Jan"]),
        ({"lastModified": {"before": "\u2013P1D"}}, []),
        ({"auth": {"type": {"eq": "EMAIL_PASSWORD"}}}, ["Mira", "Jan", "Ada"]),
        ({"auth": {"type": {"in": ["OIDC", "SUPPORT_ACCESS"]}}}, []),
        ({"assignedRoles": {"contains": {"ref": {"eq": "FULFILLER"}}}}, ["Mira", "Jan"]),
        ({"assignedRoles": {"contains": {"ref": {"eq": "FULFILLER"}, "context": {"contains": CONTEXT}}}}, ["Mira"]),
        ({"assignedRoles": {"contains": {"context": {"exists": False}}}}, ["Ada"]),
        ({"assignedFacilities": {"contains": {"facilityRef": {"in": ["fac-ham-03", "x"]}}}}, ["Jan"]),
        ({"assignedFacilities": {"exists": False}}, ["Ada"]),
        ({"facilityLimitations": {"contains": {"eq": FACILITY}}}, ["Mira", "Jan"]),
        ({"facilityLimitations": {"contains": {"notEq": FACILITY}}}, ["Jan"]),
        ({"facilityLimitations": {"exists": False}}, ["Ada"]),
        ({"customClaims": {"roles": {"contains": {"name": {"eq": "SUPERVISOR"}}}}}, ["Jan"]),
        (
            {
                "customClaims": {
                    "roles": {"contains": {"name": {"eq": "FULFILLER"}, "facilities": {"contains": {"eq": FACILITY}}}}
                }
            },
            ["Mira"],
        ),
        ({"customAttributes": {"level": {"gt": 3}}}, ["Jan"]),
        ({"customAttributes": {"level": {"lte": 3}, "shift": {"eq": "late"}}}, ["Mira"]),
        ({"customAttributes": {"on": {"eq": True}}}, ["Jan"]),
        ({"customAttributes": {"on": {"notEq": True}}}, ["Mira", "Ada"]),
        ({"customAttributes": {"hired": {"before": "P10Y", "gte": "2026-01-01T00:00:00.000Z"}}}, ["Jan"]),
    ],
)
async def test_a_query_finds_those_for_whom_all_of_it_holds(
    wire: Wire, admin: Person, query: dict[str, Any], found: list[str]
):
    assert sorted(await names(wire, admin, query)) == sorted(found)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ({"username": "ASC"}, ["Ada", "Jan", "Mira"]),
        ({"firstname": "DESC"}, ["Mira", "Jan", "Ada"]),
        ({"lastname": "ASC"}, ["Ada", "Jan", "Mira"]),
        ({"lastLogin": "ASC"}, ["Jan", "Mira", "Ada"]),
        ({"assignedRoles": {"ref": "DESC"}}, ["Jan", "Mira", "Ada"]),
        ({"authenticationProvider": {"type": "ASC"}}, ["Mira", "Jan", "Ada"]),
    ],
)
async def test_one_key_sorts_what_is_found(
    wire: Wire,
    admin: Person,
    crew: dict[str, dict[str, Any]],
    runtime: Runtime,
    realm: Realm,
    sort: dict[str, Any],
    found: list[str],
):
    await person_of(runtime, realm, crew["Jan"])
    if "lastLogin" in sort:
        await person_of(runtime, realm, crew["Mira"])
        await person_of(runtime, realm, crew["Ada"])
    if "assignedRoles" in sort:
        await changed(wire, admin, crew["Jan"], {"assignedRoles": [role("SUPERVISOR", "f")]})
    assert await names(wire, admin, sort=[sort]) == found


async def test_who_never_signed_in_comes_after_all_who_did_last_of_all(
    wire: Wire, admin: Person, crew: dict[str, dict[str, Any]], runtime: Runtime, realm: Realm
):
    await person_of(runtime, realm, crew["Jan"])
    await person_of(runtime, realm, crew["Ada"])
    for direction, order in (("DESC", ["Ada", "Jan", "Mira"]), ("ASC", ["Mira", "Jan", "Ada"])):
        sort: dict[str, Any] = {"sort": [{"lastLogin": direction}], "size": 1}
        found: list[str] = []
        while True:
            page = await search(wire, admin, **sort)
            found += [user["firstname"] for user in page["users"] if user["firstname"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            sort["after"] = page["pageInfo"]["endCursor"]
        assert found == order


async def test_a_defined_attribute_sorts_and_a_hidden_one_is_neither_found_nor_lost(
    wire: Wire, admin: Person, crew: dict[str, dict[str, Any]], runtime: Runtime, realm: Realm
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await attributes.define(tx, "level", DefinitionDraft(kind="integer"))
        await attributes.define(tx, "shift", DefinitionDraft(kind="text", visibility="hidden"))
    for direction, found in (("ASC", ["Mira", "Jan", "Ada"]), ("DESC", ["Ada", "Jan", "Mira"])):
        assert (
            await names(wire, admin, {"firstname": {"notEq": ""}}, sort=[{"customAttributes": {"level": direction}}])
            == found
        )
    hidden = {"query": {"customAttributes": {"shift": {"eq": "late"}}}}
    assert (await wire.post("/api/users/search", hidden, by=admin)).status_code == 400
    after = (await changed(wire, admin, crew["Mira"], {"customAttributes": {"level": 4}})).json()
    assert after["customAttributes"] == {"level": 4}
    async with runtime.read(factories.roster_in(realm)) as tx:
        stored = await users.get(tx, UserId(UUID(after["id"])))
    assert stored.attributes == {"level": 4, "shift": "late"}


async def test_people_with_an_external_identity_are_shown_and_found_with_it(
    wire: Wire, admin: Person, crew: dict[str, dict[str, Any]], runtime: Runtime, realm: Realm
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await identities.replace(tx, UserId(UUID(crew["Jan"]["id"])), [Identity("corp", "4711")])
    found = await search(wire, admin, {"auth": {"type": {"eq": "OIDC"}}})
    assert [user["authenticationProvider"] for user in found["users"]] == [{"type": "OIDC", "id": "corp"}]
    assert sorted(await names(wire, admin, {"auth": {"type": {"notEq": "OIDC"}}})) == ["Ada", "Mira"]
    assert (await names(wire, admin, sort=[{"authenticationProvider": {"type": "DESC"}}]))[0] == "Jan"


async def test_the_total_comes_on_request_only(wire: Wire, admin: Person, crew: dict[str, dict[str, Any]]):
    assert "total" not in await search(wire, admin, size=1)
    assert (await search(wire, admin, size=1, options={"withTotal": True}))["total"] == len(crew) + 1
    assert "total" not in await search(wire, admin, options={"withTotal": False})


async def test_an_empty_page_has_empty_cursors(wire: Wire, admin: Person):
    found = await search(wire, admin, {"username": {"eq": "nobody"}})
    nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "", "endCursor": ""}
    assert found == {"users": [], "pageInfo": nothing}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": None},
        {"query": []},
        {"query": {}, "size": 0},
        {"query": {}, "size": 251},
        {"query": {}, "last": 251},
        {"query": {}, "size": 1, "last": 1},
        {"query": {}, "after": "x", "before": "x"},
        {"query": {}, "after": "x", "last": 1},
        {"query": {}, "before": "x", "size": 1},
        {"query": {}, "after": "x"},
        {"query": {}, "startAfterId": "x"},
        {"query": {}, "startAfterId": str(uuid7())},
        {"query": {}, "sort": []},
        {"query": {}, "sort": [{"lastname": "ASC"}, {"firstname": "ASC"}]},
        {"query": {}, "sort": [{"lastname": "ASC", "firstname": "ASC"}]},
        {"query": {}, "sort": [{"email": "ASC"}]},
        {"query": {}, "sort": [{"customAttributes": {"level": "ASC"}}]},
        {"query": {"email": {"eq": "a"}}},
        {"query": {"username": {"like": "("}}},
        {"query": {"username": {"eq": "\0"}}},
        {"query": {"facilityLimitations": {"contains": {"eq": "f\0"}}}},
        {"query": {"assignedRoles": {"contains": {"ref": {"in": ["a", "r\0"]}}}}},
        {"query": {"or": [{"or": [{"username": {"eq": "a"}}] * 500}] * 3}},
    ],
)
async def test_a_wrong_search_is_a_400(wire: Wire, admin: Person, body: dict[str, Any]):
    assert (await wire.post("/api/users/search", body, by=admin)).status_code == 400


async def test_a_cursor_is_good_for_its_own_question_and_tenant_only(
    wire: Wire, admin: Person, crew: dict[str, dict[str, Any]], runtime: Runtime
):
    cursor = (await search(wire, admin, size=1))["pageInfo"]["endCursor"]
    assert len((await search(wire, admin, after=cursor))["users"]) == len(crew)
    other = {"query": {"username": {"like": "a"}}, "after": cursor}
    assert (await wire.post("/api/users/search", other, by=admin)).status_code == 400
    sorted_ = {"query": {}, "sort": [{"lastname": "ASC"}], "after": cursor}
    assert (await wire.post("/api/users/search", sorted_, by=admin)).status_code == 400


# pages


async def some_people(runtime: Runtime, realm: Realm, family_names: Sequence[str]) -> None:
    """People who differ by nothing but their ids and usernames, made in one go."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await tx.run(
            "INSERT INTO users (realm_id, id, username, username_key, family_name, family_key, created_at, updated_at)"
            " SELECT $1, t.id, t.id::text, t.id::text, t.name, t.key, now(), now()"
            " FROM unnest($2::uuid[], $3::text[], $4::text[]) AS t (id, name, key)",
            realm.id,
            [uuid7() for _ in family_names],
            list(family_names),
            [fold(name) for name in family_names],
        )


SAME = {"lastname": {"eq": "Same"}}


async def ids(wire: Wire, by: Person, **members: Any) -> tuple[list[str], dict[str, Any]]:
    found = await search(wire, by, SAME, sort=[{"lastname": "DESC"}], **members)
    return [user["id"] for user in found["users"]], found["pageInfo"]


async def test_three_hundred_people_of_one_name_are_walked_through_forwards_and_backwards(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
):
    await some_people(runtime, realm, ["Same"] * 300)
    everybody, info = await ids(wire, admin, size=250)
    rest, info = await ids(wire, admin, size=250, after=info["endCursor"])
    everybody += rest
    assert len(set(everybody)) == 300
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (False, True)

    forwards, info = await ids(wire, admin, size=70)
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)
    while info["hasNextPage"]:
        page, info = await ids(wire, admin, size=70, after=info["endCursor"])
        forwards += page
    assert forwards == everybody

    backwards, info = await ids(wire, admin, last=70)
    while info["hasPreviousPage"]:
        page, info = await ids(wire, admin, last=70, before=info["startCursor"])
        backwards = page + backwards
    assert backwards == everybody
    assert await ids(wire, admin, last=70, before=info["startCursor"]) == (
        [],
        {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "", "endCursor": ""},
    )

    page, info = await ids(wire, admin, size=10, startAfterId=everybody[99])
    assert page == everybody[100:110]


async def test_who_joins_during_a_walk_moves_nobody(wire: Wire, admin: Person, runtime: Runtime, realm: Realm):
    await some_people(runtime, realm, ["Same"] * 40)
    everybody, _ = await ids(wire, admin, size=40)
    for way, back, cursor in (("size", "after", "endCursor"), ("last", "before", "startCursor")):
        seen: list[str] = []
        more: dict[str, Any] = {}
        for _ in range(5):
            page, info = await ids(wire, admin, **{way: 10}, **more)
            seen = seen + page if way == "size" else page + seen
            await some_people(runtime, realm, ["Same", "Sam", "Saml"])
            more = {back: info[cursor]}
        assert [each for each in seen if each in everybody] == everybody
        assert len(set(seen)) == len(seen)


# who is seen


async def test_people_limited_to_facilities_find_people_in_them_only(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm, crew: dict[str, dict[str, Any]]
):
    boss = await made(wire, admin, firstname="Boss", assignedRoles=[role("SUPERVISOR", "fac-ber-02", "fac-ham-03")])
    await made(wire, admin, firstname="Far", assignedRoles=[role("FULFILLER", "fac-xyz-09")])
    supervisor = await person_of(runtime, realm, boss)
    assert sorted(await names(wire, supervisor)) == ["Boss", "Jan"]
    found = await search(wire, supervisor, options={"withTotal": True}, size=1)
    assert found["total"] == 2
    for query in ({"assignedRoles": {"exists": True}}, {"or": [{"username": {"like": ""}}, {}]}):
        assert sorted(await names(wire, supervisor, query)) == ["Boss", "Jan"]
    cursor = {"query": {}, "after": (await search(wire, admin, size=1))["pageInfo"]["endCursor"]}
    assert (await wire.post("/api/users/search", cursor, by=supervisor)).status_code == 400
    unseen = {"query": {}, "startAfterId": crew["Ada"]["id"]}
    assert (await wire.post("/api/users/search", unseen, by=supervisor)).status_code == 400


async def test_facilities_of_groups_and_ceilings_are_found_as_they_are_shown(wire: Wire, admin: Person):
    ceiling = {"name": "HAMBURG", "permissions": ["PICKJOB_READ"], "context": at("fac-ham-03")}
    assert (await wire.post("/api/roles", ceiling, by=admin)).status_code == 201
    group = {
        "name": "NORTH",
        "permissions": ["PICKJOB_READ"],
        "context": [{"type": "FACILITY_GROUP", "values": ["north"]}],
    }
    assert (await wire.post("/api/roles", group, by=admin)).status_code == 201
    answer = await wire.http.put(
        f"/realms/{wire.slug}/api/v1/places/facility_group/north",
        json={"members": ["fac-kie-04"]},
        headers=admin.bearer,
    )
    assert answer.is_success, answer.text
    ham = await made(wire, admin, firstname="Ham", assignedRoles=[role("HAMBURG")])
    kiel = await made(wire, admin, firstname="Kiel", assignedRoles=[role("NORTH")])
    assert (ham["facilityLimitations"], kiel["facilityLimitations"]) == (["fac-ham-03"], ["fac-kie-04"])
    for user in (ham, kiel):
        query = {"facilityLimitations": {"contains": {"eq": user["facilityLimitations"][0]}}}
        assert await names(wire, admin, query) == [user["firstname"]]
        nested = {"and": [{"username": {"like": ""}}, query]}
        assert await names(wire, admin, nested) == [user["firstname"]]
        assert (await search(wire, admin, query, options={"withTotal": True}))["total"] == 1


# expressions


CATASTROPHES = [
    "^(a+)+$",
    "(a|a)*b",
    "(a*)*c",
    "([a-z]+)*!",
    "(.*)(.*)(.*)(.*)(.*)x",
    "(a|b)*a(a|b){20}",
    "(.*a){25}",
    "(.*a){12}",
    "([a-z]|[b-j]){100}",
    "(a?){100}a{100}",
    "((a?){20}){20}",
    "(x+x+)+y",
    r"(\b.*){50}",
    r"(\w+\s?)*$",
    "(.{1,100}a|.{1,100}b)c",
    "(a{10}){10}b",
    "(" * 100,
    "a" * 256,
    r"(a+)\1",
    "(?=(a+))a*b",
]


@pytest.fixture
async def ten_thousand(runtime: Runtime, realm: Realm) -> None:
    """People whose names are what such expressions are made for."""
    await some_people(runtime, realm, ["a" * (at_ % 190 + 10) + "!" for at_ in range(10_000)])


@pytest.mark.usefixtures("ten_thousand")
async def test_no_expression_can_hurt(wire: Wire, admin: Person):
    """Each is answered, refused, or broken off by the database; a hang would be broken off after a minute, with 429."""
    for expression in CATASTROPHES:
        body = {"query": {"lastname": {"like": expression}}, "size": 1}
        answer = await wire.post("/api/users/search", body, by=admin)
        assert answer.status_code in (200, 400), (expression, answer.text)


@pytest.mark.usefixtures("ten_thousand")
async def test_a_search_that_takes_too_long_is_broken_off_with_a_400(wire: Wire, admin: Person):
    """Expressions within the limits, so many that they take longer than the time-out."""
    slow = [{"lastname": {"like": f"(.{{1,100}}b|.{{1,{count % 90 + 1}}}c{count})d"}} for count in range(400)]
    body = {"query": {"or": slow}}
    answer = await wire.post("/api/users/search", body, by=admin)
    assert answer.status_code == 400
    assert "too long" in answer.text
    assert len(await names(wire, admin, {"lastname": {"like": "!$"}}, size=1)) == 0
