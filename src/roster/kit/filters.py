"""The one query language of the directory: a tree of conditions over a registry of fields.

Every dialect parses its own syntax into this tree; `check` decides whether the caller may ask it and gives the values
their types; `storage/sql/` turns the result into SQL. Nothing here reads or writes anything.

The logic has two values. A value is missing when it is NULL or absent (in a custom field also JSON null): `exists`
tests for that, every other comparison with a missing value is false, and `Not` turns false into true. So `ne` holds
for a missing value. Empty text is a value; an empty list has no element and therefore does not exist.

A list field holds a value when one of its elements does: `eq`, `in` and `contains` ask for elements. Of a field that is
a list of rows, `Some` asks whether one row fulfils all that it says.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

import msgspec

from roster.kit import documents, patterns, values
from roster.kit.documents import Test
from roster.kit.fields import (
    ORDER,
    PARTS,
    Attribute,
    Attributes,
    Field,
    Fields,
    InvalidFilter,
    Op,
    PrivateField,
    Visibility,
    problem,
)
from roster.kit.values import Kind, Scalar, WrongValue

__all__ = [
    "EVERYTHING",
    "LIMITS",
    "All",
    "AnyOf",
    "Attribute",
    "Attributes",
    "Compare",
    "Field",
    "Fields",
    "Filter",
    "Holds",
    "InvalidFilter",
    "Kind",
    "Limits",
    "Not",
    "Op",
    "PrivateField",
    "Some",
    "Sort",
    "Visibility",
    "check",
    "check_sorts",
    "has_pattern",
    "names",
    "problem",
]


class All(msgspec.Struct, frozen=True, tag="all"):
    """Every part holds; without parts, always true."""

    parts: "tuple[Filter, ...]"


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """At least one part holds; without parts, never true."""

    parts: "tuple[Filter, ...]"


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The part does not hold."""

    part: "Filter"


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """One field compared with one value: a list for `in`, a boolean for `exists`, else a text or a typed value.

    `matches` takes a regular expression in the syntax of `kit.patterns`, unanchored; it is never run by Python.
    """

    field: str
    op: Op
    value: object


class Some(msgspec.Struct, frozen=True, tag="some"):
    """At least one row of the field fulfils the part, which speaks of that row's own fields."""

    field: str
    part: "Filter"


class Holds(msgspec.Struct, frozen=True, tag="holds"):
    """What a field has in it, as JSON, fulfils a condition of its own; one on a custom field begins at its members."""

    field: str
    test: Test


Filter: TypeAlias = All | AnyOf | Not | Compare | Some | Holds

EVERYTHING = All(())


def has_pattern(where: Filter) -> bool:
    """Whether an expression of the caller is run somewhere in the filter."""
    match where:
        case Compare():
            return where.op is Op.MATCHES
        case Holds():
            return documents.has_pattern(where.test)
        case Not() | Some():
            return has_pattern(where.part)
        case All() | AnyOf():
            return any(map(has_pattern, where.parts))


def names(where: Filter) -> frozenset[str]:
    """The fields that the filter asks about."""
    match where:
        case Not():
            return names(where.part)
        case All() | AnyOf():
            return frozenset[str]().union(*map(names, where.parts))
        case _:
            return frozenset({where.field})


class Sort(msgspec.Struct, frozen=True):
    """One key of an order. Missing values come last, and first when descending."""

    field: str
    descending: bool = False


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one search may ask for."""

    depth: int = 8  # nested conditions, the comparison included
    terms: int = 100  # comparisons, and groups without parts
    choices: int = 1000  # values of one `in`
    text: int = 1024  # characters of one value
    sorts: int = 5
    only_indexed_sorts: bool = False  # for listings that must stay quick at any size


LIMITS = Limits()


def check(where: Filter | None, fields: Fields, may_see_private: bool, limits: Limits = LIMITS) -> Filter:
    """The same filter with values of their field's kind, if this caller may ask it; None asks for everything.

    Raises InvalidFilter, and PrivateField when a private field stands anywhere in it and `may_see_private` is false.
    """
    return EVERYTHING if where is None else _Check(fields, may_see_private, limits).node(where, 1)


def check_sorts(
    sorts: Iterable[Sort], fields: Fields, may_see_private: bool, limits: Limits = LIMITS
) -> tuple[Sort, ...]:
    """The sort keys, if this caller may use them; of a field named twice the first counts. Raises as `check` does."""
    first: dict[str, Sort] = {}
    for sort in sorts:
        first.setdefault(sort.field, sort)
        field = fields.seen(sort.field, may_see_private=may_see_private)
        if not field.sortable or (limits.only_indexed_sorts and not field.indexed):
            raise problem(sort.field, "not_sortable", "This field cannot be sorted by.")
        if len(first) > limits.sorts:
            raise problem(sort.field, "too_many", f"At most {limits.sorts} fields can be sorted by.")
    return tuple(first.values())


class _Check:
    """One pass over a filter; counts its terms. Depth is checked on the way down, so no input can use up the stack."""

    def __init__(self, fields: Fields, may_see_private: bool, limits: Limits) -> None:
        self._fields = fields
        self._may_see_private = may_see_private
        self._limits = limits
        self._terms = 0

    def node(self, where: Filter, depth: int) -> Filter:
        if depth > self._limits.depth:
            raise problem("", "too_deep", f"A filter is nested at most {self._limits.depth} levels deep.")
        match where:
            case Compare():
                return self._compare(where)
            case Not():
                return Not(self.node(where.part, depth + 1))
            case All() | AnyOf():
                return type(where)(self._parts(where.parts, depth + 1))
            case Some():
                return Some(where.field, self._row(where, depth + 1))
            case Holds():
                self._count(documents.terms(where.test))
                self._seen(where.field)
                return where

    def _row(self, where: Some, depth: int) -> Filter:
        """The part as it is about one row; terms are counted together."""
        self._count()
        rows = self._fields.seen(where.field, may_see_private=self._may_see_private).rows
        if rows is None:
            raise problem(where.field, "wrong_operator", "This field cannot be compared so.")
        outer, self._fields = self._fields, rows
        try:
            return self.node(where.part, depth)
        finally:
            self._fields = outer

    def _parts(self, parts: tuple[Filter, ...], depth: int) -> tuple[Filter, ...]:
        if not parts:
            self._count()
        return tuple(self.node(part, depth) for part in parts)

    def _count(self, terms: int = 1) -> None:
        self._terms += terms
        if self._terms > self._limits.terms:
            raise problem("", "too_many", f"A filter has at most {self._limits.terms} comparisons.")

    def _compare(self, where: Compare) -> Compare:
        self._count()
        field = self._seen(where.field)
        if not field.takes(where.op):
            raise problem(where.field, "wrong_operator", "This field cannot be compared so.")
        try:
            return Compare(where.field, where.op, self._value(field, where.op, where.value))
        except WrongValue as error:
            raise problem(where.field, "wrong_value", str(error)) from None

    def _seen(self, name: str) -> Field:
        field = self._fields.seen(name, may_see_private=self._may_see_private)
        if not field.filterable:
            raise problem(name, "not_filterable", "This field cannot be filtered by.")
        return field

    def _value(self, field: Field, op: Op, value: object) -> object:
        if op is Op.EXISTS:
            return values.typed(Kind.BOOLEAN, value)
        if op is Op.IN:
            return self._choices(field, value)
        self._bound(field, value, patterns.LONGEST if op is Op.MATCHES else self._limits.text)
        if op in PARTS:
            text = str(values.typed(Kind.TEXT, value))
            if op is Op.MATCHES:
                patterns.read(text, folded=field.key is not None)
            return text
        found = values.typed(field.kind, value)
        if op in ORDER and isinstance(found, bool):
            raise WrongValue("True and false have no order.")
        return found

    def _choices(self, field: Field, value: object) -> tuple[Scalar, ...]:
        if not isinstance(value, list | tuple):
            raise WrongValue("The value must be a list.")
        choices = cast("Sequence[object]", value)
        if len(choices) > self._limits.choices:
            raise problem(field.name, "too_many", f"A list has at most {self._limits.choices} values.")
        for choice in choices:
            self._bound(field, choice, self._limits.text)
        return tuple(values.typed(field.kind, choice) for choice in choices)

    def _bound(self, field: Field, value: object, longest: int) -> None:
        if isinstance(value, str) and len(value) > longest:
            raise problem(field.name, "too_long", f"The text has at most {longest} characters.")
