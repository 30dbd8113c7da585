"""The query parser alone, and against a model of what the notes say (section 4)."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.dialects.acceleratxr import mapping, query
from roster.dialects.acceleratxr.errors import RangeArity
from roster.kit import filters
from roster.kit.errors import InvalidInput
from roster.kit.filters import All, AnyOf, Compare, Filter, Holds, InvalidFilter, Not, Op, Some, Sort
from roster.kit.ids import uuid7
from roster.web.query import Query


def asked(text: str) -> Query:
    return Query(text.encode())


def parsed(text: str) -> Filter | None:
    return query.criteria(asked(text), query.USER)


def test_without_parameters_everything_is_asked_for_oldest_first() -> None:
    found = query.listing(asked(""), query.USER)

    assert found.where is None
    assert found.sorts == (Sort("created_at"),)
    assert (found.page.limit, found.page.offset) == (100, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name=jdoe", Compare("username", Op.EQ, "jdoe")),
        ("name=a(b", Compare("username", Op.EQ, "a(b")),
        ("name=a b(c)", Compare("username", Op.EQ, "a b(c)")),
        ("name=eq(a(b))", Compare("username", Op.EQ, "a(b)")),
        ("name=in(a,b)", Compare("username", Op.IN, ["a", "b"])),
        ("name=nin(a,b)", Not(Compare("username", Op.IN, ["a", "b"]))),
        ("version=range(1,2)", All((Compare("version", Op.GE, "1"), Compare("version", Op.LE, "2")))),
        ("email=", AnyOf((Compare("email", Op.EXISTS, value=False), Compare("email", Op.EQ, "")))),
        ("verified=not(true)", Not(AnyOf((Compare("email_verified_at", Op.EXISTS, "true"),)))),
        ("a=1", None),
    ],
)
def test_each_form_means_what_the_notes_say(text: str, expected: Filter | None) -> None:
    if expected is None:
        with pytest.raises(InvalidFilter):
            parsed(text)
    else:
        assert parsed(text) == expected


def test_identifiers_are_translated_wherever_they_stand() -> None:
    one, two = uuid7(), uuid7()
    shown = [mapping.uid(each) for each in (one, two)]

    assert parsed(f"uid={shown[0]}") == Compare("id", Op.EQ, str(one))
    assert parsed(f"uid=in({shown[0]},{shown[1]})") == Compare("id", Op.IN, [str(one), str(two)])


def test_a_range_tells_how_many_values_it_got() -> None:
    with pytest.raises(RangeArity, match="not 3"):
        parsed("version=range(1,2,3)")


MEMBERS = st.sampled_from(["name", "firstName", "lastName", "email"])
VALUES = st.sampled_from(["", "a", "b", "ab", "B", "Ä", "x,y", "(", "eq"])
SIMPLE = ("eq", "ne", "not", "gt", "gte", "lt", "lte", "like")
People = list[dict[str, str]]
PEOPLE = st.lists(st.fixed_dictionaries(dict.fromkeys(("name", "firstName", "lastName", "email"), VALUES)), max_size=6)


def model(operator: str, stored: str, value: str) -> bool:
    """What an operator means, on texts as the wire shows them."""
    left, right = stored.casefold(), value.casefold()
    return {
        "eq": left == right,
        "ne": left != right,
        "not": left != right,
        "gt": left > right,
        "gte": left >= right,
        "lt": left < right,
        "lte": left <= right,
        "like": right in left,
    }[operator]


def holds(where: Filter, person: dict[str, str]) -> bool:
    """The two-valued logic of `kit.filters`, on the directory's side: an empty optional text is a missing value."""
    match where:
        case All(parts):
            return all(holds(part, person) for part in parts)
        case AnyOf(parts):
            return any(holds(part, person) for part in parts)
        case Not(part):
            return not holds(part, person)
        case Compare():
            return _compare(where, person)
        case Some() | Holds():
            raise AssertionError("this syntax has no rows and no documents")


FIELDS = {"username": "name", "given_name": "firstName", "family_name": "lastName", "email": "email"}


def _compare(where: Compare, person: dict[str, str]) -> bool:
    stored: str | None = person[FIELDS[where.field]]
    if where.field != "username":
        stored = stored or None
    if where.op is Op.EXISTS:
        return (stored is not None) == where.value
    if stored is None:
        return False
    if where.op is Op.IN:
        return stored.casefold() in [str(each).casefold() for each in where.value]  # type: ignore[attr-defined]
    left, right = stored.casefold(), str(where.value).casefold()
    return {
        Op.EQ: left == right,
        Op.GT: left > right,
        Op.GE: left >= right,
        Op.LT: left < right,
        Op.LE: left <= right,
        Op.CONTAINS: right in left,
    }[where.op]


@given(member=MEMBERS, operator=st.sampled_from(SIMPLE), value=VALUES, people=PEOPLE)
def test_every_operator_picks_whom_the_model_picks(member: str, operator: str, value: str, people: People) -> None:
    where = parsed(f"{member}={operator}({quote(value)})")
    assert where is not None

    assert [each for each in people if holds(where, each)] == [
        each for each in people if model(operator, each[member], value)
    ]


@given(
    parameters=st.lists(st.tuples(MEMBERS, st.sampled_from(SIMPLE), VALUES), min_size=1, max_size=8),
    people=PEOPLE,
)
def test_repeated_members_pick_whom_the_model_picks(parameters: list[tuple[str, str, str]], people: People) -> None:
    where = parsed("&".join(f"{member}={operator}({quote(value)})" for member, operator, value in parameters))
    assert where is not None
    by_member: dict[str, list[tuple[str, str]]] = {}
    for member, operator, value in parameters:
        by_member.setdefault(member, []).append((operator, value))
    width = max(len(each) for each in by_member.values())

    def wanted(person: dict[str, str]) -> bool:
        return any(
            all(
                model(operator, person[member], value)
                for member, given_here in by_member.items()
                for operator, value in (given_here if len(given_here) == 1 else given_here[at : at + 1])
            )
            for at in range(width)
        )

    assert [each for each in people if holds(where, each)] == [each for each in people if wanted(each)]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.text(max_size=6), st.sampled_from([*query.USER, "limit", "skip", "page", "sort"])),
            st.one_of(st.text(max_size=12), st.from_regex(r"[a-z]{2,5}\(.{0,8}\)", fullmatch=True)),
        ),
        max_size=5,
    )
)
def test_no_query_brings_anything_but_a_question_or_a_refusal(pairs: list[tuple[str, str]]) -> None:
    text = "&".join(f"{quote(name, errors='ignore')}={quote(value, errors='ignore')}" for name, value in pairs)
    try:
        found = query.listing(asked(text), query.USER)
        filters.check_sorts(found.sorts, _every_field(), may_see_private=True)
    except InvalidInput:
        return
    assert 1 <= found.page.limit <= 1000


def _every_field() -> filters.Fields:
    from roster.core.users.fields import FIELDS as USERS

    return USERS
