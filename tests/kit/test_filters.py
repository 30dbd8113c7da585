"""What may be asked: fields, who sees them, operators, values, limits."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from roster.kit import filters
from roster.kit.filters import (
    EVERYTHING,
    All,
    AnyOf,
    Attribute,
    Attributes,
    Compare,
    Field,
    Fields,
    Filter,
    InvalidFilter,
    Kind,
    Limits,
    Not,
    Op,
    PrivateField,
    Some,
    Sort,
    Visibility,
)

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", nullable=False, sortable=True, indexed=True),
        Field(name="name", kind=Kind.FOLDED, column="name", key="name_key", sortable=True, indexed=True, patterns=True),
        Field(name="age", kind=Kind.INTEGER, column="age", sortable=True),
        Field(name="active", kind=Kind.BOOLEAN, column="active"),
        Field(name="tags", kind=Kind.TEXT_LIST, column="tags"),
        Field(name="email", kind=Kind.TEXT, column="email", sortable=True, visibility=Visibility.PRIVATE),
        Field(name="hash", kind=Kind.TEXT, column="hash", sortable=True, visibility=Visibility.HIDDEN),
        Field(name="picture", kind=Kind.TEXT, column="picture", filterable=False),
        Field(
            name="posts",
            kind=Kind.ROWS,
            column="posts WHERE posts.person = people.id",
            rows=Fields(
                [
                    Field(name="title", kind=Kind.FOLDED, column="posts.title", key="posts.title_key", patterns=True),
                    Field(name="draft", kind=Kind.BOOLEAN, column="posts.draft", visibility=Visibility.PRIVATE),
                ]
            ),
        ),
    ],
    Attributes(
        column="attributes",
        defined={
            "size": Attribute(Kind.INTEGER),
            "salary": Attribute(Kind.INTEGER, Visibility.PRIVATE),
            "file": Attribute(Kind.JSON, Visibility.PRIVATE),
            "key": Attribute(Kind.JSON, Visibility.HIDDEN),
        },
        undefined=Attribute(Kind.JSON),
    ),
)
NESTINGS: list[Callable[[Filter], Filter]] = [
    lambda part: part,
    Not,
    lambda part: All((part,)),
    lambda part: AnyOf((Compare("age", Op.EQ, 1), Not(All((part,))))),
]


def check(where: Filter | None, *, may_see_private: bool = False, **limits: Any) -> Filter:
    return filters.check(where, FIELDS, may_see_private, Limits(**limits))


def code_of(where: Filter, **limits: Any) -> str:
    with pytest.raises(InvalidFilter) as caught:
        check(where, **limits)
    return caught.value.problems[0].code


@pytest.mark.parametrize("nested", NESTINGS)
@pytest.mark.parametrize("name", ["email", "attributes.salary", "attributes.file", "attributes.file.deeper.still"])
@pytest.mark.parametrize("op", [Op.EQ, Op.EXISTS, Op.CONTAINS, Op.IN])
def test_a_private_field_is_refused_at_any_depth(nested: Callable[[Filter], Filter], name: str, op: Op):
    with pytest.raises(PrivateField) as caught:
        check(nested(Compare(name, op, "x")))
    assert caught.value.details == {"field": name}


def test_a_private_field_may_be_asked_for_by_who_may_see_it():
    where = Not(Compare("email", Op.STARTS, "a"))
    assert check(where, may_see_private=True) == where
    assert filters.check_sorts([Sort("email")], FIELDS, may_see_private=True) == (Sort("email"),)
    with pytest.raises(PrivateField):
        filters.check_sorts([Sort("name"), Sort("email")], FIELDS, may_see_private=False)


@pytest.mark.parametrize("nested", NESTINGS)
@pytest.mark.parametrize("name", ["hash", "attributes.key", "attributes.key.part"])
def test_a_hidden_field_looks_like_an_unknown_one_to_everyone(nested: Callable[[Filter], Filter], name: str):
    def refusal(name: str) -> tuple[str, str]:
        with pytest.raises(InvalidFilter) as caught:
            check(nested(Compare(name, Op.EQ, "x")), may_see_private=True)
        return caught.value.problems[0].code, caught.value.problems[0].text

    assert refusal(name) == refusal("nothing")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Name",
        "name ",
        "name_key",
        "attributes",
        "attributes.",
        "attributes..a",
        "attributes.a.",
        "attributes.a\0",
        "attributes.\ud800",
        "attributes.size.deeper",
        "__class__",
        "\udcff\0",
        "x" * 5000,
    ],
)
def test_an_unknown_field_is_refused_with_a_name_that_can_be_printed(name: str):
    with pytest.raises(InvalidFilter) as caught:
        check(Compare(name, Op.EQ, "x"))
    (problem,) = caught.value.problems
    assert problem.code == "unknown_field"
    assert len(problem.field.encode()) <= 800
    with pytest.raises(InvalidFilter):
        filters.check_sorts([Sort(name)], FIELDS, may_see_private=True)


def test_custom_fields_without_definition_are_known_only_where_the_realm_allows_it():
    closed = FIELDS.with_attributes(Attributes(column="attributes", defined={"size": Attribute(Kind.INTEGER)}))
    assert closed["attributes.size"].member == ("size",)
    assert "attributes.other" not in closed
    assert FIELDS["attributes.other.part"].member == ("other", "part")
    assert "attributes.size" not in Fields(closed.values())


@pytest.mark.parametrize(
    ("where", "checked"),
    [
        (None, EVERYTHING),
        (Compare("age", Op.GT, "18"), Compare("age", Op.GT, 18)),
        (Compare("age", Op.IN, ["1", 2]), Compare("age", Op.IN, (1, 2))),
        (Compare("age", Op.EXISTS, "false"), Compare("age", Op.EXISTS, False)),
        (Compare("attributes.size", Op.LE, "7"), Compare("attributes.size", Op.LE, 7)),
        (Compare("attributes.other", Op.EQ, 7), Compare("attributes.other", Op.EQ, 7)),
        (Compare("tags", Op.CONTAINS, "x"), Compare("tags", Op.CONTAINS, "x")),
        (Not(AnyOf((Compare("id", Op.EQ, str(UUID(int=1))),))), Not(AnyOf((Compare("id", Op.EQ, UUID(int=1)),)))),
    ],
)
def test_values_get_the_type_of_their_field(where: Filter | None, checked: Filter):
    assert check(where) == checked


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (Compare("age", Op.CONTAINS, "1"), "wrong_operator"),
        (Compare("active", Op.LT, "true"), "wrong_operator"),
        (Compare("tags", Op.STARTS, "x"), "wrong_operator"),
        (Compare("attributes.other", Op.MATCHES, "x"), "wrong_operator"),
        (Compare("attributes.other", Op.LT, True), "wrong_value"),
        (Compare("attributes.other", Op.EQ, None), "wrong_value"),
        (Compare("picture", Op.EQ, "x"), "not_filterable"),
        (Compare("age", Op.EQ, None), "wrong_value"),
        (Compare("age", Op.EQ, [1]), "wrong_value"),
        (Compare("age", Op.IN, "1"), "wrong_value"),
        (Compare("age", Op.IN, [1, "x"]), "wrong_value"),
        (Compare("age", Op.EXISTS, 1), "wrong_value"),
        (Compare("name", Op.CONTAINS, 5), "wrong_value"),
        (Compare("name", Op.EQ, "a\0"), "wrong_value"),
        (Compare("name", Op.MATCHES, "\ud800"), "wrong_value"),
    ],
)
def test_what_makes_no_sense_is_refused(where: Filter, code: str):
    assert code_of(where) == code


def nested(depth: int) -> Filter:
    where: Filter = Compare("age", Op.EQ, 1)
    for _ in range(depth - 1):
        where = Not(where)
    return where


@pytest.mark.parametrize(
    ("just", "beyond", "code"),
    [
        (nested(8), nested(9), "too_deep"),
        (nested(8), nested(100_000), "too_deep"),
        (All((Compare("age", Op.EQ, 1),) * 100), All((Compare("age", Op.EQ, 1),) * 101), "too_many"),
        (AnyOf((EVERYTHING,) * 100), AnyOf((EVERYTHING,) * 101), "too_many"),
        (Compare("age", Op.IN, [1] * 1000), Compare("age", Op.IN, [1] * 1001), "too_many"),
        (Compare("name", Op.EQ, "x" * 1024), Compare("name", Op.EQ, "x" * 1025), "too_long"),
        (Compare("name", Op.IN, ["x" * 1024]), Compare("name", Op.IN, ["x" * 1025]), "too_long"),
        (Compare("name", Op.MATCHES, "x" * 256), Compare("name", Op.MATCHES, "x" * 257), "too_long"),
    ],
)
def test_a_filter_has_limits(just: Filter, beyond: Filter, code: str):
    assert check(just) == check(just)
    assert code_of(beyond) == code


def test_limits_can_be_set():
    assert code_of(nested(3), depth=2) == "too_deep"
    assert code_of(All((nested(1), nested(1))), terms=1) == "too_many"


@pytest.mark.parametrize("name", ["tags", "active", "picture", "attributes.other"])
def test_only_sortable_fields_can_be_sorted_by(name: str):
    with pytest.raises(InvalidFilter) as caught:
        filters.check_sorts([Sort(name)], FIELDS, may_see_private=True)
    assert caught.value.problems[0].code == "not_sortable"


def test_sorts_are_few_distinct_and_indexed_where_a_listing_wants_that():
    wanted = [Sort("age", descending=True), Sort("name"), Sort("age")]
    assert filters.check_sorts(wanted, FIELDS, may_see_private=False) == (Sort("age", descending=True), Sort("name"))
    with pytest.raises(InvalidFilter):
        filters.check_sorts(wanted, FIELDS, may_see_private=False, limits=Limits(sorts=1))
    with pytest.raises(InvalidFilter):
        filters.check_sorts(wanted, FIELDS, may_see_private=False, limits=Limits(only_indexed_sorts=True))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": Kind.FOLDED},
        {"kind": Kind.TEXT, "key": "x_key"},
        {"kind": Kind.TEXT, "grams": "grams"},
        {"kind": Kind.JSON},
        {"kind": Kind.TEXT, "member": ("x",), "nullable": False},
        {"kind": Kind.TEXT_LIST, "sortable": True},
    ],
)
def test_a_registry_that_contradicts_itself_does_not_start(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="x: "):
        Field(name="x", column="x", **wrong)


def test_rows_are_asked_about_their_own_fields_and_all_terms_count_together():
    titled = Compare("title", Op.EQ, "x")
    assert check(Some("posts", All((titled,)))) == Some("posts", All((titled,)))
    assert check(All((Some("posts", titled), Compare("age", Op.EQ, 1))))
    assert code_of(Some("posts", Compare("age", Op.EQ, 1))) == "unknown_field"
    assert code_of(Some("nothing", titled)) == "unknown_field"
    assert code_of(Some("tags", titled)) == "wrong_operator"
    assert code_of(Compare("posts", Op.EXISTS, value=True)) == "wrong_operator"
    assert code_of(Some("posts", AnyOf((titled, titled))), terms=2) == "too_many"
    assert code_of(Some("posts", Not(titled)), depth=2) == "too_deep"
    with pytest.raises(PrivateField):
        check(Some("posts", Compare("draft", Op.EQ, value=True)))


@pytest.mark.parametrize("text", ["(", r"(a)\1", "(?=a)", "((a{50}){50}){50}"])
def test_an_expression_that_cannot_be_run_quickly_is_a_wrong_value(text: str):
    assert code_of(Compare("name", Op.MATCHES, text)) == "wrong_value"
    assert code_of(Some("posts", Compare("title", Op.MATCHES, text))) == "wrong_value"
