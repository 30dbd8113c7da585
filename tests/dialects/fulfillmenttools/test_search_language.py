"""The search language by itself: what is read, what is refused, and that nothing else can happen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.users.fields import FIELDS as FIXED
from roster.core.users.fields import custom
from roster.dialects.fulfillmenttools import pages, query
from roster.dialects.fulfillmenttools.users import MEMBERS, SORTS
from roster.dialects.fulfillmenttools.wire.search import SearchPayload
from roster.kit import filters
from roster.kit.errors import InvalidInput
from roster.kit.filters import All, AnyOf, Compare, Filter, InvalidFilter, Not, Op, Some, Sort

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FIELDS = FIXED.with_attributes(custom({}))
HERE = Compare("value", Op.EQ, "f1")


def read(given_: object) -> Filter:
    return query.query(given_, MEMBERS, NOW)


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        ({}, All(())),
        ({"and": []}, All(())),
        ({"username": {"eq": "a"}}, Compare("username", Op.EQ, "a")),
        ({"username": {"notEq": "a"}}, Not(Compare("username", Op.EQ, "a"))),
        ({"username": {"in": ["a", "b"]}}, Compare("username", Op.IN, ("a", "b"))),
        ({"username": {"in": []}}, Compare("username", Op.IN, ())),
        ({"lastname": {"like": "^Oka"}}, Compare("family_name", Op.STARTS, "Oka")),
        ({"lastname": {"like": "ß"}}, Compare("family_name", Op.CONTAINS, "ß")),
        ({"lastname": {"like": "^O.a"}}, Compare("family_name", Op.MATCHES, "^O.a")),
        ({"lastname": {"like": "^"}}, Compare("family_name", Op.MATCHES, "^")),
        ({"lastname": {"like": "o\u0308"}}, Compare("family_name", Op.MATCHES, "o\u0308")),
        (
            {"lastname": {"eq": ""}},
            AnyOf((Compare("family_name", Op.EXISTS, False), Compare("family_name", Op.EQ, ""))),
        ),
        (
            {"username": {"eq": "a", "like": "b"}},
            All((Compare("username", Op.EQ, "a"), Compare("username", Op.CONTAINS, "b"))),
        ),
        (
            {"or": [{"username": {"eq": "a"}}, {}], "and": [{}]},
            All((AnyOf((Compare("username", Op.EQ, "a"), All(()))), All((All(()),)))),
        ),
        ({"facilityLimitations": {"contains": {"eq": "f1"}}}, Some("facilities", HERE)),
        ({"facilityLimitations": {"exists": False}}, Not(Compare("is_limited", Op.EQ, True))),
        (
            {"assignedFacilities": {"contains": {"facilityRef": {"eq": "f1"}}}},
            Some("assignments", Some("facilities", HERE)),
        ),
        (
            {
                "assignedRoles": {
                    "contains": {
                        "ref": {"eq": "X"},
                        "context": {"contains": {"type": {"eq": "FACILITY"}, "values": {"contains": {"eq": "f1"}}}},
                    }
                }
            },
            Some(
                "assignments",
                All(
                    (
                        Compare("role", Op.EQ, "X"),
                        Some("contexts", All((Compare("kind", Op.EQ, "facility"), Some("values", HERE)))),
                    )
                ),
            ),
        ),
        ({"auth": {"type": {"eq": "SUPPORT_ACCESS"}}}, AnyOf(())),
        ({"customAttributes": {"level": {"gte": 3}}}, Compare("attributes.level", Op.GE, 3)),
        ({"customAttributes": {"on": {"notEq": True}}}, Not(Compare("attributes.on", Op.EQ, True))),
    ],
)
def test_a_query_means_a_filter(given_: object, meant: Filter):
    assert read(given_) == meant


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("P1W", NOW + timedelta(weeks=1)),
        ("-P1D", NOW - timedelta(days=1)),
        ("\u2013P1D", NOW - timedelta(days=1)),
        ("-PT1H30M", NOW - timedelta(minutes=90)),
        ("-PT0.5S", NOW - timedelta(milliseconds=500)),
        ("-P1M", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("+P1Y1M", datetime(2027, 4, 30, 12, tzinfo=UTC)),
    ],
)
def test_durations_count_from_now(text: str, at: datetime):
    wanted = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert read({"lastModified": {"after": text}}) == Compare("updated_at", Op.GT, wanted)
    assert read({"lastModified": {"before": text}}) == Compare("updated_at", Op.LT, wanted)


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"and": [found]}
    return found


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"email": {"eq": "a"}}, "unknown_field"),
        ({"id": {"eq": "a"}}, "unknown_field"),
        ({"and": [{"or": [{"x": {}}]}]}, "unknown_field"),
        ({"username": {"equals": "a"}}, "wrong_operator"),
        ({"lastModified": {"like": "a"}}, "wrong_operator"),
        ({"assignedRoles": {"contains": {"name": {"eq": "a"}}}}, "wrong_operator"),
        ({"assignedRoles": {"contains": {"ref": {"like": "a"}}}}, "wrong_operator"),
        ({"facilityLimitations": {"contains": {"in": ["a"]}}}, "wrong_operator"),
        ({"auth": {"type": {"notIn": ["OIDC"]}}}, "wrong_operator"),
        ({"username": {}}, "empty_filter"),
        ({"assignedRoles": {"contains": {}}}, "empty_filter"),
        ({"customAttributes": {}}, "empty_filter"),
        ({"username": "a"}, "wrong_value"),
        ({"username": {"eq": None}}, "wrong_value"),
        ({"username": {"eq": 1}}, "wrong_value"),
        ({"username": {"in": "a"}}, "wrong_value"),
        ({"and": {}}, "wrong_value"),
        ({"or": []}, "wrong_value"),
        ({"auth": {"type": {"eq": "X"}}}, "wrong_value"),
        ({"facilityLimitations": {"exists": "true"}}, "wrong_value"),
        ({"lastModified": {"after": "P"}}, "wrong_value"),
        ({"lastModified": {"after": "P999999Y"}}, "wrong_value"),
        ({"lastModified": {"after": "1 day"}}, "wrong_value"),
        ({"customAttributes": {"a.b": {"eq": 1}}}, "invalid_name"),
        ({"customAttributes": {"$a": {"eq": 1}}}, "invalid_name"),
        ({"username": {"eq": "a" * 257}}, "too_long"),
        ({"username": {"in": ["a"] * 26}}, "too_many"),
        ({"or": [{}] * 501}, "too_many"),
        (nested(16), "too_deep"),
        ([], "wrong_value"),
    ],
)
def test_what_is_not_understood_is_refused(given_: object, code: str):
    with pytest.raises(InvalidFilter) as caught:
        read(given_)
    assert caught.value.problems[0].code == code


def test_the_documented_limits_are_within_reach():
    assert read({"or": [{"username": {"eq": "a"}}] * 500, **nested(15)})
    assert read({"username": {"in": ["a" * 256] * 25}})


WORDS = "and or eq notEq in notIn like contains exists type ref context values facilityRef roles name facilities gt lte"
NAMES = st.sampled_from([*MEMBERS, *WORDS.split(), "after", "before", "x", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["P1D", "OIDC", "("]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_whatever_is_asked_is_read_or_refused_with_the_documented_error(given_: object):
    try:
        found = read(given_)
        filters.check(found, FIELDS, may_see_private=True, limits=query.LIMITS)
    except InvalidFilter:
        return


@given(st.none() | st.lists(st.dictionaries(st.sampled_from([*SORTS, "ref", "x"]), VALUES, max_size=2), max_size=2))
def test_whatever_is_sorted_by_is_read_or_refused_with_the_documented_error(given_: list[dict[str, Any]] | None):
    try:
        found = query.sorts(given_, SORTS)
    except InvalidFilter:
        return
    assert len(found) == (0 if given_ is None else 1)


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        ({"lastname": "ASC"}, Sort("family_name")),
        ({"lastLogin": "DESC"}, Sort("activity", descending=True)),
        ({"assignedRoles": {"ref": "ASC"}}, Sort("first_role")),
        ({"authenticationProvider": {"type": "DESC"}}, Sort("is_external", descending=True)),
        ({"customAttributes": {"level": "ASC"}}, Sort("attributes.level")),
    ],
)
def test_a_sort_names_one_member(given_: dict[str, Any], meant: Sort):
    assert query.sorts([given_], SORTS) == (meant,)


@pytest.mark.parametrize(
    "given_",
    [
        [],
        [{}],
        [{"lastname": "ASC"}, {"firstname": "ASC"}],
        [{"lastname": "ASC", "firstname": "ASC"}],
        [{"lastname": "up"}],
        [{"lastname": {"x": "ASC"}}],
        [{"email": "ASC"}],
        [{"assignedRoles": "ASC"}],
        [{"customAttributes": {"a.b": "ASC"}}],
    ],
)
def test_any_other_sort_is_refused(given_: list[dict[str, Any]]):
    with pytest.raises(InvalidFilter):
        query.sorts(given_, SORTS)


@pytest.mark.parametrize(
    "both",
    [
        {"after": "x", "before": "x"},
        {"after": "x", "last": 1},
        {"before": "x", "size": 1},
        {"size": 1, "last": 1},
        {"start_after_id": "x", "after": "x"},
        {"start_after_id": "x", "last": 1},
    ],
)
def test_nobody_goes_both_ways_at_once(both: dict[str, Any]):
    with pytest.raises(InvalidInput):
        pages.page(SearchPayload(query={}, **both))


def test_a_page_has_twenty_entries_unless_told_otherwise():
    assert pages.page(SearchPayload(query={})).limit == 20
    assert pages.page(SearchPayload(query={}, size=7)).limit == 7
    backwards = pages.page(SearchPayload(query={}, before="x"))
    assert (backwards.limit, backwards.backwards, backwards.cursor) == (20, True, "x")
    assert pages.page(SearchPayload(query={}, last=3)).backwards
