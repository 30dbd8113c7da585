"""Filters and sorts of the native API as text."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.dialects.native import query
from roster.kit.filters import All, AnyOf, Compare, Filter, Holds, InvalidFilter, Not, Op, Some, Sort


def test_a_filter_becomes_a_tree_in_which_and_binds_tighter_than_or():
    text = 'status eq "active" and email ew "@example.com" or not (tags eq "vip")'

    found = query.parse_filter(text)

    assert found == AnyOf(
        (
            All((Compare("status", Op.EQ, "active"), Compare("email", Op.ENDS, "@example.com"))),
            Not(Compare("tags", Op.EQ, "vip")),
        )
    )


def test_parentheses_bind_tightest():
    found = query.parse_filter("a eq 1 and (b eq true or c eq -2.5)")

    assert found == All((Compare("a", Op.EQ, 1), AnyOf((Compare("b", Op.EQ, value=True), Compare("c", Op.EQ, -2.5)))))


@pytest.mark.parametrize(
    ("word", "op"),
    [
        ("eq", Op.EQ),
        ("NE", Op.NE),
        ("gt", Op.GT),
        ("ge", Op.GE),
        ("lt", Op.LT),
        ("Le", Op.LE),
        ("co", Op.CONTAINS),
        ("contains", Op.CONTAINS),
        ("sw", Op.STARTS),
        ("starts", Op.STARTS),
        ("ew", Op.ENDS),
        ("ends", Op.ENDS),
        ("matches", Op.MATCHES),
    ],
)
def test_every_operator_has_its_word_in_any_letter_case(word: str, op: Op):
    assert query.parse_filter(f'name {word} "x"') == Compare("name", op, "x")


def test_presence_and_null_ask_whether_there_is_a_value():
    assert query.parse_filter("phone pr") == Compare("phone", Op.EXISTS, value=True)
    assert query.parse_filter("phone exists") == Compare("phone", Op.EXISTS, value=True)
    assert query.parse_filter("phone eq null") == Compare("phone", Op.EXISTS, value=False)
    assert query.parse_filter("phone ne null") == Compare("phone", Op.EXISTS, value=True)


def test_in_takes_a_list():
    assert query.parse_filter('status in ("active", "pending")') == Compare("status", Op.IN, ["active", "pending"])


def test_custom_fields_and_keywords_as_values_are_read():
    found = query.parse_filter('attributes.shoe-size eq 43 and attributes.not eq "and (or"')

    assert found == All((Compare("attributes.shoe-size", Op.EQ, 43), Compare("attributes.not", Op.EQ, "and (or")))


def test_double_negation_cancels():
    assert query.parse_filter("not not a pr") == Compare("a", Op.EXISTS, value=True)


@pytest.mark.parametrize("nothing", [None, "", "  \t"])
def test_no_text_is_no_filter_and_no_order(nothing: str | None):
    assert query.parse_filter(nothing) is None
    assert query.parse_sort(nothing) == ()
    assert query.matching(nothing, ("a",)) is None


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a eq",
        'a eq "x',
        "(a pr",
        "a pr)",
        "a pr b pr",
        "a gt null",
        "a in (null)",
        "a in ()",
        "a in 1",
        "a eq 1x",
        "a eq 01",
        "a eq 99999999999999999999",
        "a xx 1",
        '"a" eq 1',
        "and",
        "not",
        "a pr or",
        'a eq "\\ud800"',
        'a eq "\n"',
        "a eq {}",
        "a eq 'x'",
        "é pr",
        "(" * 17 + "a pr" + ")" * 17,
        "a pr and " * 250 + "a pr",
    ],
)
def test_what_is_no_filter_is_refused(text: str):
    with pytest.raises(InvalidFilter) as caught:
        query.parse_filter(text)

    assert caught.value.problems[0].field == "filter"


def test_nesting_is_bounded_but_not_length_of_a_chain():
    deep = "(" * 16 + "a pr" + ")" * 16
    long = " or ".join(["a pr"] * 200)

    assert query.parse_filter(deep) == Compare("a", Op.EXISTS, value=True)
    assert isinstance(query.parse_filter(long), AnyOf)


def test_a_sort_is_a_list_of_names_descending_after_a_hyphen():
    assert query.parse_sort("-created_at, username") == (Sort("created_at", descending=True), Sort("username"))


@pytest.mark.parametrize("text", [",", "a,", "-", "a,,b"])
def test_what_is_no_sort_is_refused(text: str):
    with pytest.raises(InvalidFilter):
        query.parse_sort(text)


def test_every_word_of_a_simple_search_must_occur_somewhere():
    found = query.matching("eva berg", ("a", "b"))

    assert found == All(
        (
            AnyOf((Compare("a", Op.CONTAINS, "eva"), Compare("b", Op.CONTAINS, "eva"))),
            AnyOf((Compare("a", Op.CONTAINS, "berg"), Compare("b", Op.CONTAINS, "berg"))),
        )
    )


NAMES = st.sampled_from(["username", "email", "attributes.shoe", "created_at"])
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.integers(-(10**17), 10**17),
    st.booleans(),
)
COMPARISONS = st.builds(
    Compare, NAMES, st.sampled_from([op for op in Op if op not in (Op.IN, Op.EXISTS)]), VALUES
) | st.builds(Compare, NAMES, st.just(Op.IN), st.lists(VALUES, min_size=1, max_size=3))


def _grown(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(AnyOf, several) | st.builds(Not, inner)


TREES: st.SearchStrategy[Filter] = st.recursive(COMPARISONS, _grown, max_leaves=8)


def _written(tree: Filter) -> str:
    match tree:
        case All():
            return "(" + " and ".join(_written(part) for part in tree.parts) + ")"
        case AnyOf():
            return "(" + " or ".join(_written(part) for part in tree.parts) + ")"
        case Not():
            return "not (" + _written(tree.part) + ")"
        case Compare():
            return f"{tree.field} {tree.op.value} {_value(tree.value)}"
        case Some() | Holds():
            raise AssertionError("this syntax has no rows and no documents")


def _value(value: object) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(map(_value, value)) + ")"
    return msgspec.json.encode(value).decode()


@given(TREES)
def test_what_was_written_is_read_back(tree: Filter):
    assert query.parse_filter(_written(tree)) == tree


@given(st.text(max_size=200))
def test_any_text_is_a_filter_or_refused(text: str):
    with suppress(InvalidFilter):
        query.parse_filter(text)
    with suppress(InvalidFilter):
        query.parse_sort(text)
