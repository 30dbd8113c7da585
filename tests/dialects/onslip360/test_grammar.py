"""The filter language: what it means, and that nothing but a documented error comes of any text."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.users.fields import FIELDS
from roster.dialects.onslip360 import grammar, query
from roster.dialects.onslip360.errors import BadQuery
from roster.kit import filters
from roster.kit.errors import InvalidInput
from roster.kit.filters import All, AnyOf, Compare, Filter, Holds, InvalidFilter, Not, Op, Some, Sort
from roster.web.query import Query

FIRST = datetime(2024, 5, 1, 0, 0, 0, 7000, tzinfo=UTC)
LAST = datetime(2024, 5, 1, 0, 0, 0, 7999, tzinfo=UTC)
THEN = All((Compare("updated_at", Op.GE, FIRST), Compare("updated_at", Op.LE, LAST)))


def listing(text: str, members: query.Members = query.USER) -> query.Listing:
    return query.listing(Query(text.encode(), ";&"), members)


def where(q: str) -> Filter | None:
    return grammar.parse(q, lambda *term: query._term(query.USER, *term))  # pyright: ignore[reportPrivateUsage]


ALIAS = Compare("username", Op.EQ, "asa")
MAIL = Compare("email", Op.CONTAINS, "x")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        ("  ", None),
        ("alias=asa", ALIAS),
        ('alias="asa"', ALIAS),
        ("alias = asa", ALIAS),
        ('alias= "asa"', ALIAS),
        (r"alias=a\sa", ALIAS),
        (r'alias="a\sa"', ALIAS),
        ("(alias=asa)", ALIAS),
        ("alias!=asa", Not(ALIAS)),
        ("NOT alias=asa", Not(ALIAS)),
        ("NOT NOT alias=asa", Not(Not(ALIAS))),
        ("alias=asa email:x", All((ALIAS, MAIL))),
        ("alias=asa AND email:x", All((ALIAS, MAIL))),
        ("alias=asa OR email:x", AnyOf((ALIAS, MAIL))),
        ("alias=asa OR email:x alias=asa", AnyOf((ALIAS, All((MAIL, ALIAS))))),
        ("(alias=asa OR email:x) alias=asa", All((AnyOf((ALIAS, MAIL)), ALIAS))),
        ("NOT (alias=asa email:x)", Not(All((ALIAS, MAIL)))),
        ("id:12", Compare("number", Op.EQ, "12")),
        ("id<=12", Compare("number", Op.LE, "12")),
        ("roles:3", Compare("role_numbers", Op.EQ, "3")),
        ("tags!=vip", Not(Compare("tags", Op.EQ, "vip"))),
        ("system-roles:cashier", Compare("roles", Op.EQ, "onslip360:cashier")),
        ("system-roles=admin", Compare("roles", Op.EQ, "admin")),
        ('updated>"2024-05-01T00:00:00.007Z"', Compare("updated_at", Op.GT, LAST)),
        ("updated>2024-05-01T00:00:00.007Z", Compare("updated_at", Op.GT, LAST)),
        (r'updated>="2024-05-01T00\:00\:00.007Z"', Compare("updated_at", Op.GE, FIRST)),
        ('updated<"2024-05-01T00:00:00.007Z"', Compare("updated_at", Op.LT, FIRST)),
        ('updated<="2024-05-01T00:00:00.007Z"', Compare("updated_at", Op.LE, LAST)),
        ('updated="2024-05-01T00:00:00.007Z"', THEN),
        ('updated!="2024-05-01T00:00:00.007Z"', Not(THEN)),
        (r"email:a\"b\\c\=d\:e\[f\]\<g\>", Compare("email", Op.CONTAINS, r'a"b\c=d:e[f]<g>')),
        ("email:a!b", Compare("email", Op.CONTAINS, "a!b")),
        ('email=""', Compare("email", Op.EQ, "")),
        ("identity-number=19121212-1212", Compare("personal_number", Op.EQ, "19121212-1212")),
    ],
)
def test_what_a_query_means(text: str, meant: Filter | None):
    assert where(text) == meant


def test_a_word_alone_is_looked_for_in_names_and_addresses():
    found = where("asa")

    assert isinstance(found, AnyOf)
    fields = {part.field for part in _comparisons(found)}
    assert {"username", "email", "display_name"} <= fields
    assert {part.op for part in _comparisons(found)} == {Op.CONTAINS, Op.EXISTS}


def test_a_name_is_also_looked_for_where_it_came_in_parts():
    found = where("name:berg")

    assert isinstance(found, AnyOf)
    assert {part.field for part in _comparisons(found)} == {"display_name", "username", "given_name", "family_name"}


def _comparisons(found: Filter) -> list[Compare]:
    if isinstance(found, Compare):
        return [found]
    assert not isinstance(found, Holds)
    parts = (found.part,) if isinstance(found, Not | Some) else found.parts
    return [each for part in parts for each in _comparisons(part)]


@pytest.mark.parametrize(
    "text",
    [
        "alias=",
        "=asa",
        "alias==asa",
        "(alias=asa",
        "alias=asa)",
        "()",
        "NOT",
        "AND alias=asa",
        "alias=asa AND",
        "alias=asa OR",
        "alias=asa OR AND email:x",
        'alias="asa',
        "alias=asa\\",
        "alias=[asa]",
        '"alias"=asa',
        "nothing=1",
        "pin=4711",
        "password:x",
        "demon:t",
        "_acme-ref=7",
        "attributes.secret=1",
        "username=asa",
        "system-roles:boss",
        "roles>3",
        "((((((((alias=asa))))))))",
        "NOT " * 20 + "alias=asa",
        "alias=asa " * 60,
        "x" * 5000,
        "alias=a\0b",
        "' OR 1=1 --",
    ],
)
def test_what_is_no_query_is_refused(text: str):
    with pytest.raises(BadQuery) as refused:
        where(text)

    assert refused.value.message


@given(st.one_of(st.text(), st.text(alphabet='aA =:!<>()"\\[]ORNTD.-19', max_size=60)))
def test_no_text_brings_anything_but_a_condition_or_the_documented_error(text: str):
    try:
        found = where(text)
    except BadQuery:
        return
    try:
        filters.check(found, FIELDS, may_see_private=True)
    except InvalidFilter:
        return


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50))
def test_what_is_escaped_as_clients_do_it_is_found_as_it_was(text: str):
    escaped = "".join("\\" + each if each in '\\"=:[]<>' else each for each in text)

    assert where(f'alias="{escaped}"') == Compare("username", Op.EQ, text)


@pytest.mark.parametrize(
    ("text", "count", "offset", "deleted"),
    [
        ("", 1000, 0, False),
        ("c=50;o=100", 50, 100, False),
        ("c=-1;d=t", 1000, 0, True),
        ("c=5000&d=f", 1000, 0, False),
        ("q=;s=;ql=sv;c=1000", 1000, 0, False),
    ],
)
def test_pages(text: str, count: int, offset: int, deleted: bool):
    found = listing(text)

    assert (found.page.limit, found.page.offset, found.deleted) == (count, offset, deleted)
    assert found.page.total
    assert found.sorts == (Sort("created_at"),)


def test_a_page_of_nothing_only_counts():
    assert listing("c=0").only_count


@pytest.mark.parametrize(
    "text", ["o=-1", "o=x", "c=x", "c=1.5", "d=true", "d=1", "q=a;q=b", "o=" + "9" * 30, "o=%C2%B2"]
)
def test_other_values_are_refused(text: str):
    with pytest.raises(InvalidInput):
        listing(text)


@pytest.mark.parametrize(
    ("text", "field", "descending"),
    [
        ("name", "display_name", False),
        ("-name", "display_name", True),
        ("-id", "number", True),
        ("alias", "username", False),
    ],
)
def test_sorting(text: str, field: str, descending: bool):
    assert listing(f"s={text}").sorts == (Sort(field, descending=descending),)


@pytest.mark.parametrize("text", ["pin", "-password", "nothing", "--name", "roles", "name,alias", "' OR 1", "name.x"])
def test_what_cannot_be_sorted_by_is_refused(text: str):
    with pytest.raises(BadQuery):
        listing(f"s={text}")


def test_every_member_stands_for_a_field_that_can_be_asked_for():
    for member in query.USER.values():
        for field in (member.field, *member.instead):
            assert FIELDS[field].filterable
        assert FIELDS[member.field].sortable or not member.sortable


def test_keys_are_no_members():
    names: Any = {name for members in (query.USER, query.ROLE) for name in members}

    assert names.isdisjoint({"pin", "password", "demon"})
