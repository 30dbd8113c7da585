"""Searching roles: what can be asked, in which order, and which part of the answer."""

from typing import Any

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools.conftest import Wire

LABELS = {"alpha": "Zebra", "beta": "Stock beta", "gamma": "stock gamma", "delta": "", "eps.1": "A+B"}


@pytest.fixture
async def roles(wire: Wire, chief: Person) -> None:
    """Five roles with labels that sort otherwise than their names."""
    for name, label in LABELS.items():
        more = {"displayName": label} if label else {}
        body = {"name": name, "permissions": [], "description": f"about {name}", **more}
        assert (await wire.post("/api/roles", body, by=chief)).status_code == 201


async def search(wire: Wire, by: Person, query: Any, **more: Any) -> httpx.Response:
    return await wire.post("/api/roles/search", {"query": query, **more}, by=by)


async def found(wire: Wire, by: Person, query: Any, **more: Any) -> list[str]:
    """Names of the roles found, without those that were there before."""
    answer = await search(wire, by, query, **more)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["roles"] if each["name"] in LABELS]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["alpha", "beta", "delta", "eps.1", "gamma"]),
        ({"name": {"eq": "beta"}}, ["beta"]),
        ({"name": {"notEq": "beta"}}, ["alpha", "delta", "eps.1", "gamma"]),
        ({"name": {"in": ["beta", "alpha", "none"]}}, ["alpha", "beta"]),
        ({"name": {"notIn": ["beta", "alpha"]}}, ["delta", "eps.1", "gamma"]),
        ({"displayName": {"eq": "Zebra"}}, ["alpha"]),
        ({"displayName": {"eq": "DELTA"}}, ["delta"]),
        ({"displayName": {"like": "^stock"}}, ["beta", "gamma"]),
        ({"displayName": {"like": "ta$"}}, ["beta", "delta"]),
        ({"displayName": {"like": "A\\+B"}}, ["eps.1"]),
        ({"displayName": {"like": "stock", "notEq": "Stock beta"}}, ["gamma"]),
        ({"description": {"in": ["about beta", "about gamma"]}}, ["beta", "gamma"]),
        ({"and": [{"displayName": {"like": "stock"}}, {"name": {"eq": "beta"}}]}, ["beta"]),
        ({"or": [{"displayName": {"eq": "Zebra"}}, {"name": {"eq": "beta"}}]}, ["alpha", "beta"]),
        ({"name": {"eq": "alpha"}, "or": [{"name": {"eq": "alpha"}}, {"name": {"eq": "beta"}}]}, ["alpha"]),
        ({"or": [{"and": [{"or": [{"name": {"eq": "delta"}}]}]}]}, ["delta"]),
    ],
    ids=str,
)
async def test_what_is_asked_for_is_found(
    wire: Wire, chief: Person, roles: None, query: Any, expected: list[str]
) -> None:
    assert await found(wire, chief, query, size=50) == expected


async def test_everything_can_be_sorted_by_the_label(wire: Wire, chief: Person, roles: None) -> None:
    up = await found(wire, chief, {}, sort=[{"displayName": "ASC"}])
    down = await found(wire, chief, {}, sort=[{"displayName": "DESC"}])

    assert up == ["eps.1", "delta", "beta", "gamma", "alpha"]
    assert down == up[::-1]


async def test_pages_go_forth_and_back(wire: Wire, chief: Person, roles: None) -> None:
    question: dict[str, Any] = {"sort": [{"displayName": "DESC"}], "options": {"withTotal": True}}
    query = {"name": {"in": list(LABELS)}}

    first = (await search(wire, chief, query, size=2, **question)).json()
    second = (await search(wire, chief, query, size=2, after=first["pageInfo"]["endCursor"], **question)).json()
    third = (await search(wire, chief, query, size=2, after=second["pageInfo"]["endCursor"], **question)).json()
    back = (await search(wire, chief, query, last=2, before=third["pageInfo"]["startCursor"], **question)).json()
    end = (await search(wire, chief, query, last=2, **question)).json()

    def names(page: dict[str, Any]) -> list[str]:
        return [each["name"] for each in page["roles"]]

    def more(page: dict[str, Any]) -> tuple[bool, bool]:
        return page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]

    assert [names(first), names(second), names(third)] == [["alpha", "gamma"], ["beta", "delta"], ["eps.1"]]
    assert [more(first), more(second), more(third)] == [(False, True), (True, True), (True, False)]
    assert (names(back), more(back)) == (names(second), (True, True))
    assert (names(end), more(end)) == (["delta", "eps.1"], (True, False))
    assert {page["total"] for page in (first, second, third, back, end)} == {5}


async def test_a_total_is_told_only_when_asked_for(wire: Wire, chief: Person) -> None:
    for options in ({}, {"options": {}}, {"options": {"withTotal": False}}):
        assert "total" not in (await search(wire, chief, {}, **options)).json()


async def test_an_empty_page_has_empty_cursors(wire: Wire, chief: Person) -> None:
    page = (await search(wire, chief, {"name": {"eq": "nobody"}}, options={"withTotal": True})).json()

    empty = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "", "endCursor": ""}
    assert page == {"roles": [], "pageInfo": empty, "total": 0}


async def test_the_old_way_goes_on_behind_a_name(wire: Wire, chief: Person, roles: None) -> None:
    assert await found(wire, chief, {}, startAfterId="beta") == ["delta", "eps.1", "gamma"]
    assert await found(wire, chief, {}, startAfterId="beta", sort=[{"displayName": "ASC"}]) == [
        "gamma",
        "alpha",
    ]
    assert (await search(wire, chief, {}, startAfterId="nobody")).status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"after": "CURSOR", "before": "CURSOR"},
        {"after": "CURSOR", "last": 2},
        {"before": "CURSOR", "size": 2},
        {"size": 2, "last": 2},
        {"size": 0},
        {"size": 251},
        {"last": 0},
        {"last": 251},
        {"size": "2"},
        {"after": "made up"},
        {"before": ""},
        {"sort": []},
        {"sort": [{"displayName": "ASC"}, {"displayName": "DESC"}]},
        {"sort": [{"name": "ASC"}]},
        {"sort": [{"displayName": "asc"}]},
        {"sort": [{}]},
        {"options": {"withTotal": "yes"}},
    ],
    ids=str,
)
async def test_windows_and_orders_that_cannot_be_are_refused(wire: Wire, chief: Person, more: Any) -> None:
    cursor = (await search(wire, chief, {})).json()["pageInfo"]["endCursor"]
    more = {name: cursor if value == "CURSOR" else value for name, value in more.items()}

    assert (await search(wire, chief, {}, **more)).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        "name",
        {"permissions": {"eq": "STOCK_READ"}},
        {"name": {}},
        {"name": {"like": "x"}},
        {"name": {"eq": 1}},
        {"name": {"eq": None}},
        {"name": {"eq": "x" * 257}},
        {"name": {"in": ["x"] * 26}},
        {"name": "beta"},
        {"displayName": {"like": "("}},
        {"displayName": {"like": "x" * 257}},
        {"or": []},
        {"and": {}},
        {"and": [{}] * 501},
    ],
    ids=lambda query: str(query)[:40],
)
async def test_queries_that_cannot_be_are_refused(wire: Wire, chief: Person, query: Any) -> None:
    assert (await search(wire, chief, query)).status_code == 400


async def test_a_query_is_required(wire: Wire, chief: Person) -> None:
    answer = await wire.post("/api/roles/search", {"size": 2}, by=chief)

    assert (answer.status_code, answer.json()[0]["description"]) == (400, "query: This member is required.")


async def test_a_cursor_is_good_for_its_question_and_tenant_only(
    wire: Wire, runtime: Runtime, chief: Person, stranger: Person, roles: None
) -> None:
    cursor = (await search(wire, chief, {}, size=2)).json()["pageInfo"]["endCursor"]

    other_query = await search(wire, chief, {"name": {"notEq": "x"}}, after=cursor)
    other_order = await search(wire, chief, {}, after=cursor, sort=[{"displayName": "ASC"}])
    elsewhere = await search(Wire(wire.http, stranger.realm.slug), stranger, {}, after=cursor)

    assert [each.status_code for each in (other_query, other_order, elsewhere)] == [400, 400, 400]


async def test_nobody_finds_roles_of_another_tenant(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, roles: None
) -> None:
    await factories.a_role(runtime, realm, "here-only", "users.read")

    answer = (await search(Wire(wire.http, stranger.realm.slug), stranger, {}, size=250)).json()

    assert not {*LABELS, "here-only"} & {each["name"] for each in answer["roles"]}
