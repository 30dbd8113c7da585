"""Criteria, order and page over the wire (notes, section 4)."""

from typing import Any
from urllib.parse import quote

import pytest

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.acceleratxr.conftest import Wire, refusal, uid
from tests.dialects.conftest import Person, SignIn

Known = dict[str, Any]
ANN: Known = {"username": "ann", "email": "ann@example.org", "given_name": "Ann", "family_name": "Doe"}
BOB: Known = {"username": "bob", "email": "bob@example.com", "given_name": "Bob", "family_name": "Doe-Smith"}
CARL: Known = {"username": "2019", "email": "carl@example.com", "given_name": "Carl", "phone": "100"}


@pytest.fixture
async def reader(sign_in: SignIn, runtime: Runtime, realm: Realm) -> Person:
    """An administrator called zoe, and three more users: ann, bob and 2019, made in this order a day apart."""
    admin = await sign_in(roles=("admin",), username="zoe", email="zoe@example.org", family_name="Ames")
    await factories.a_role(runtime, realm, "editors")
    await factories.a_person(runtime, realm, roles=("editors",), **ANN)
    await factories.a_person(runtime, realm, roles=(), **BOB)
    await factories.a_person(runtime, realm, roles=(), **CARL)
    for day, name in enumerate(("zoe", "ann", "bob", "2019"), start=1):
        await people.execute(
            runtime,
            "UPDATE users SET created_at = make_timestamptz(2026, 1, $3, 8, 30, 0, 'UTC')"
            " WHERE realm_id = $1 AND username = $2",
            realm.id,
            name,
            day,
        )
    return admin


async def names(wire: Wire, by: Person, query: str) -> list[str]:
    answer = await wire.get(f"/users?{query}", by=by)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["zoe", "ann", "bob", "2019"]),
        ("name=ann", ["ann"]),
        ("name=ANN", ["ann"]),
        ("name=eq(ann)", ["ann"]),
        ("name=EQ(ann)", ["ann"]),
        ("name=ne(ann)", ["zoe", "bob", "2019"]),
        ("name=not(ann)", ["zoe", "bob", "2019"]),
        ("name=2019", ["2019"]),
        ("name=gt(ann)", ["zoe", "bob"]),
        ("name=gte(ann)", ["zoe", "ann", "bob"]),
        ("name=lt(bob)", ["ann", "2019"]),
        ("name=lte(bob)", ["ann", "bob", "2019"]),
        ("name=in(ann,bob)", ["ann", "bob"]),
        ("name=nin(ann,bob)", ["zoe", "2019"]),
        ("name=range(ann,bob)", ["ann", "bob"]),
        ("lastName=like(doe)", ["ann", "bob"]),
        ("lastName=like(DOE-)", ["bob"]),
        ("email=like(%25)", []),
        ("email=like(_)", []),
        ("lastName=", ["2019"]),
        ("lastName=ne()", ["zoe", "ann", "bob"]),
        ("lastName=in(,Doe)", ["ann", "2019"]),
        ("lastName=lt(B)", ["zoe", "2019"]),
        ("lastName=gte()", ["zoe", "ann", "bob", "2019"]),
        ("lastName=gt()", ["zoe", "ann", "bob"]),
        ("lastName=lte()", ["2019"]),
        ("lastName=lt()", []),
        ("lastName=range(,Doe)", ["zoe", "ann", "2019"]),
        ("lastName=ne(Doe)", ["zoe", "bob", "2019"]),
        ("lastName=like()", ["zoe", "ann", "bob", "2019"]),
        ("verified=true", []),
        ("verified=false&name=ann", ["ann"]),
        ("verified=in(true,false)", ["zoe", "ann", "bob", "2019"]),
        ("version=0&name=in(ann,bob)", ["ann", "bob"]),
        ("version=gt(0)", []),
        ("roles=editors", ["ann"]),
        ("roles=in(editors,admin)", ["zoe", "ann"]),
        ("roles=ne(editors)", ["zoe", "bob", "2019"]),
        ("dateCreated=gte(2026-01-03T08:30:00.000Z)", ["bob", "2019"]),
        ("dateCreated=range(2026-01-02,2026-01-03)", ["ann"]),
        ("dateCreated=2026-01-03T09:30:00%2B01:00", ["bob"]),
        ("name=ann&name=bob", ["ann", "bob"]),
        ("name=ann&name=bob&lastName=Doe&lastName=Doe", ["ann"]),
        ("name=ann&name=bob&lastName=Doe&lastName=Doe-Smith", ["ann", "bob"]),
        ("name=ann&name=bob&lastName=Doe", ["ann"]),
        ("name=ann&lastName=x&lastName=Doe", ["ann"]),
        ("name=ann&name=bob&name=zoe&lastName=Doe&lastName=Doe", ["zoe", "ann"]),
        ("name=ann&jwt_x=1&oauth_y=2&JWT_Z=3", ["ann"]),
        ("sort=name", ["2019", "ann", "bob", "zoe"]),
        ('sort={"name":"DESC"}', ["zoe", "bob", "ann", "2019"]),
        ('sort={"name":"desc"}', ["zoe", "bob", "ann", "2019"]),
        ('sort={"dateCreated":"DESC"}&limit=2', ["2019", "bob"]),
        ('sort={"version":"ASC","name":"DESC"}&limit=1', ["zoe"]),
        ("sort={}", ["zoe", "ann", "bob", "2019"]),
        ("sort=", ["zoe", "ann", "bob", "2019"]),
        ("limit=2", ["zoe", "ann"]),
        ("limit=2&skip=1", ["ann", "bob"]),
        ("limit=2&page=1", ["bob", "2019"]),
        ("limit=2&page=1&skip=3", ["2019"]),
        ("limit=100000", ["zoe", "ann", "bob", "2019"]),
        ("skip=4", []),
    ],
)
async def test_the_list_is_what_the_criteria_ask_for(
    wire: Wire, reader: Person, query: str, expected: list[str]
) -> None:
    assert await names(wire, reader, query.replace("{", "%7B").replace("}", "%7D").replace('"', "%22")) == expected


async def test_the_count_is_that_of_the_same_criteria(wire: Wire, reader: Person) -> None:
    for query, expected in (("", 4), ("lastName=like(doe)", 2), ("limit=1&skip=2", 4), ("name=ann&name=bob", 2)):
        assert (await wire.get(f"/users/count?{query}", by=reader)).json() == {"count": expected}


async def test_identifiers_are_criteria_in_either_form(wire: Wire, reader: Person) -> None:
    users = (await wire.get("/users", by=reader)).json()
    first, second = users[0]["uid"], users[1]["uid"]

    assert await names(wire, reader, f"uid={first}") == ["zoe"]
    assert await names(wire, reader, f"uid={reader.user.id}") == ["zoe"]
    assert await names(wire, reader, f"uid=in({first},{second})") == ["zoe", "ann"]
    assert await names(wire, reader, f"uid=gt({first})&sort=uid") == ["ann", "bob", "2019"]
    assert first == uid(reader)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("shoe=1", "api-003"),
        ("password=x", "api-003"),
        ("NAME=ann", "api-003"),
        ("name=matches(a)", "api-003"),
        ("name=Smith(Jr)", "api-003"),
        ("uid=ann", "api-003"),
        ("uid=like(3)", "api-003"),
        ("version=one", "api-003"),
        ("version=like(1)", "api-003"),
        ("dateCreated=yesterday", "api-003"),
        ("verified=maybe", "api-003"),
        ("verified=gt(2020-01-01)", "api-003"),
        ("verified=like(t)", "api-003"),
        ("roles=gt(a)", "api-003"),
        ("roles=like(edit)", "api-003"),
        ("name=range(a)", "api-014"),
        ("name=range(a,b,c)", "api-014"),
        ("limit=0", "api-003"),
        ("limit=-1", "api-003"),
        ("limit=ten", "api-003"),
        ("limit=1&limit=2", "api-003"),
        ("skip=-1", "api-003"),
        ("skip=99999999999", "api-003"),
        ("page=999999999", "api-003"),
        ("sort=shoe", "api-003"),
        ("sort=roles", "api-003"),
        ("sort=verified", "api-003"),
        ('sort={"name":"UP"}', "api-003"),
        ('sort={"name":1}', "api-003"),
        ("sort={name:ASC}", "api-003"),
        ("sort={", "api-003"),
        ("name=%FF", "api-003"),
        ("name=%00", "api-003"),
        ("name=%", "api-003"),
        ("name=" + "x" * 2000, "api-003"),
        ("&".join(f"name=a{number}&lastName=b{number}" for number in range(200)), "api-003"),
    ],
)
async def test_what_cannot_be_asked_is_refused(wire: Wire, reader: Person, query: str, code: str) -> None:
    query = query.replace("{", "%7B").replace("}", "%7D").replace('"', "%22")

    assert refusal(await wire.get(f"/users?{query}", by=reader)) == (400, code)


@pytest.mark.parametrize("member", ["email", "firstName", "lastName", "phone", "roles", "externalIds", "verified"])
async def test_members_that_others_do_not_see_tell_them_nothing(
    wire: Wire, reader: Person, jane: Person, member: str
) -> None:
    """Not by filtering, nor by sorting, nor by counting, nor behind an or."""
    value = "true" if member == "verified" else "x"
    queries = [f"{member}={value}", f"{member}=ne({value})", f"name=ann&name=bob&{member}={value}"]
    if member not in ("roles", "externalIds", "verified"):
        queries += [f"sort={member}", "sort=" + quote(f'{{"name":"ASC","{member}":"ASC"}}')]

    for query in queries:
        assert refusal(await wire.get(f"/users?{query}", by=jane)) == (403, "api-102"), query
    for query in queries[:3]:
        assert refusal(await wire.get(f"/users/count?{query}", by=jane)) == (403, "api-102"), query


async def test_members_that_others_see_are_theirs_to_ask_for(wire: Wire, reader: Person, jane: Person) -> None:
    query = "name=like(o)&version=0&dateCreated=lt(2026-02-01)&sort=uid"

    assert await names(wire, jane, query) == ["zoe", "bob"]
