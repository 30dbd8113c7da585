"""The one query language of the directory: a tree of conditions over a registry of fields.

Every dialect parses its own syntax into this tree; `check` decides whether the caller may ask it and gives the values
their types; `storage/sql.py` turns the result into SQL. Nothing here reads or writes anything.

The logic has two values. A value is missing when it is NULL or absent (in a custom field also JSON null): `exists`
tests for that, every other comparison with a missing value is false, and `Not` turns false into true. So `ne` holds
for a missing value. Empty text is a value; an empty list has no element and therefore does not exist.

A list field holds a value when one of its elements does: `eq`, `in` and `contains` ask for elements. Of a field that is
a list of rows, `Some` asks whether one row fulfils all that it says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import LiteralString, TypeAlias, cast

import msgspec

from roster.kit import patterns, values
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.values import Kind, Scalar, WrongValue


class InvalidFilter(InvalidInput):
    """A filter or a sort that cannot be asked: unknown field, wrong operator or value, too much of something.

    Problem codes: unknown_field, not_filterable, not_sortable, wrong_operator, wrong_value, too_deep, too_many,
    too_long; a front door that parses text adds its own.
    """

    code = "invalid_filter"
    text = "The filter is not valid."


class PrivateField(Forbidden):
    """The field exists, but the caller may not search by it. Its name is in the details."""

    code = "private_field"
    text = "You may not filter or sort by this field."


class Op(StrEnum):
    """How a field is compared."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    EXISTS = "exists"
    MATCHES = "matches"


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


Filter: TypeAlias = All | AnyOf | Not | Compare | Some

EVERYTHING = All(())


def has_pattern(where: Filter) -> bool:
    """Whether an expression of the caller is run somewhere in the filter."""
    match where:
        case Compare():
            return where.op is Op.MATCHES
        case Not() | Some():
            return has_pattern(where.part)
        case All() | AnyOf():
            return any(map(has_pattern, where.parts))


class Sort(msgspec.Struct, frozen=True):
    """One key of an order. Missing values come last, and first when descending."""

    field: str
    descending: bool = False


class Visibility(StrEnum):
    """Who may search by a field; hidden fields look like unknown ones to everyone."""

    BASIC = "basic"
    PRIVATE = "private"
    HIDDEN = "hidden"


_SAME = frozenset({Op.EQ, Op.NE, Op.IN, Op.EXISTS})
_ORDER = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_PARTS = frozenset({Op.CONTAINS, Op.STARTS, Op.ENDS, Op.MATCHES})
_OPERATORS: Mapping[Kind, frozenset[Op]] = {
    Kind.TEXT: _SAME | _ORDER | _PARTS,
    Kind.FOLDED: _SAME | _ORDER | _PARTS,
    Kind.INTEGER: _SAME | _ORDER,
    Kind.NUMBER: _SAME | _ORDER,
    Kind.BOOLEAN: _SAME,
    Kind.INSTANT: _SAME | _ORDER,
    Kind.UUID: _SAME | _ORDER,
    Kind.TEXT_LIST: _SAME | {Op.CONTAINS},
    Kind.JSON: _SAME | _ORDER | _PARTS,
    Kind.ROWS: frozenset(),
}
_UNSORTABLE = frozenset({Kind.TEXT_LIST, Kind.JSON, Kind.ROWS})


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field that can be asked for. The SQL in it is written by us, never taken from input.

    Text columns should be declared `COLLATE "C"`: order is then that of the code points, on every system.
    Whoever allows `patterns` sets a statement time-out (`Tx.bounded`): an expression can cost much on many rows.
    """

    name: str
    kind: Kind
    column: LiteralString  # as displayed; of a custom field the jsonb column it lives in
    key: LiteralString | None = None  # the column with the folded text; folded fields have one, others do not
    member: tuple[str, ...] = ()  # the path inside `column`, for custom fields
    grams: LiteralString | None = None  # the column with the trigrams of the folded text, for substring search
    sketch: LiteralString | None = None  # a column that holds this text among others, or NULL; see `storage.sql.glance`
    filterable: bool = True
    sortable: bool = False
    indexed: bool = False  # an index yields the rows in this order
    walked: bool = False  # and that index holds the sketch
    unique: bool = False  # no two rows of a realm have the same value
    nullable: bool = True
    patterns: bool = False  # `matches` is allowed
    rows: "Fields | None" = None  # of a field of rows, whose `column` is what follows FROM, joined to the outer row
    visibility: Visibility = Visibility.BASIC

    def __post_init__(self) -> None:
        folded = self.kind is Kind.FOLDED
        if folded != (self.key is not None) or (self.grams is not None and not folded):
            raise ValueError(f"{self.name}: folded fields have a key column, and only they can have grams")
        if self.member and (folded or not self.nullable):
            raise ValueError(f"{self.name}: a custom field is nullable and cannot be folded")
        if self.kind is Kind.JSON and not self.member:
            raise ValueError(f"{self.name}: only a custom field has values of any type")
        if (self.kind is Kind.ROWS) != (self.rows is not None):
            raise ValueError(f"{self.name}: a field of rows says what they hold, and no other does")
        if self.sortable and self.kind in _UNSORTABLE:
            raise ValueError(f"{self.name}: values of this kind have no order")

    def takes(self, op: Op) -> bool:
        """Whether this field can be compared so."""
        return op in _OPERATORS[self.kind] and (op is not Op.MATCHES or self.patterns)


class Attribute(msgspec.Struct, frozen=True):
    """What a realm has laid down about one custom field."""

    kind: Kind
    visibility: Visibility = Visibility.BASIC


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """The custom fields of a realm: `prefix.name`, kept as members of a jsonb column.

    `undefined` says how names without a definition are treated; None refuses them. Only members without definition
    and those of kind JSON have members of their own (`prefix.name.deeper`), which are as visible as their parent.
    """

    column: LiteralString
    prefix: str = "attributes"
    defined: Mapping[str, Attribute] = MappingProxyType({})
    undefined: Attribute | None = None
    patterns: bool = False
    sketch: LiteralString | None = None

    def find(self, name: str) -> Field | None:
        """The field with this full public name, or None."""
        prefix, _, rest = name.partition(".")
        path = tuple(rest.split("."))
        attribute = self.defined.get(path[0], self.undefined)
        if prefix != self.prefix or attribute is None or not all(part and values.storable(part) for part in path):
            return None
        if len(path) > 1 and attribute.kind is not Kind.JSON:
            return None
        return Field(
            name=name,
            kind=attribute.kind,
            column=self.column,
            member=path,
            sortable=attribute.kind not in _UNSORTABLE,
            patterns=self.patterns,
            sketch=self.sketch,
            visibility=attribute.visibility,
        )


class Fields(Mapping[str, Field]):
    """An immutable registry: public name → field. Iterates over the fixed fields; custom ones are found by name."""

    def __init__(self, fields: Iterable[Field], attributes: Attributes | None = None) -> None:
        self._fixed = {field.name: field for field in fields}
        self._attributes = attributes

    def __getitem__(self, name: str) -> Field:
        field = self._fixed.get(name) or (self._attributes and self._attributes.find(name))
        if field is None:
            raise KeyError(name)
        return field

    def __iter__(self) -> Iterator[str]:
        return iter(self._fixed)

    def __len__(self) -> int:
        return len(self._fixed)

    def with_attributes(self, attributes: Attributes) -> "Fields":
        """The same fixed fields with the custom fields of a realm."""
        return Fields(self._fixed.values(), attributes)

    def seen(self, name: str, *, may_see_private: bool) -> Field:
        """The field, if this caller may search by it; raises InvalidFilter (unknown, hidden) or PrivateField."""
        field = self.get(name)
        if field is None or field.visibility is Visibility.HIDDEN:
            raise problem(name, "unknown_field", "There is no such field.")
        if field.visibility is Visibility.PRIVATE and not may_see_private:
            raise PrivateField(details={"field": name})
        return field


def problem(name: str, code: str, text: str) -> InvalidInput:
    """The error for one field; its name came from outside and is made printable."""
    return InvalidFilter.of(name[:200].encode(errors="replace").decode(), code, text)


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

    def _count(self) -> None:
        self._terms += 1
        if self._terms > self._limits.terms:
            raise problem("", "too_many", f"A filter has at most {self._limits.terms} comparisons.")

    def _compare(self, where: Compare) -> Compare:
        self._count()
        field = self._fields.seen(where.field, may_see_private=self._may_see_private)
        if not field.filterable:
            raise problem(where.field, "not_filterable", "This field cannot be filtered by.")
        if not field.takes(where.op):
            raise problem(where.field, "wrong_operator", "This field cannot be compared so.")
        try:
            return Compare(where.field, where.op, self._value(field, where.op, where.value))
        except WrongValue as error:
            raise problem(where.field, "wrong_value", str(error)) from None

    def _value(self, field: Field, op: Op, value: object) -> object:
        if op is Op.EXISTS:
            return values.typed(Kind.BOOLEAN, value)
        if op is Op.IN:
            return self._choices(field, value)
        self._bound(field, value, patterns.LONGEST if op is Op.MATCHES else self._limits.text)
        if op in _PARTS:
            text = str(values.typed(Kind.TEXT, value))
            if op is Op.MATCHES:
                patterns.read(text, folded=field.key is not None)
            return text
        found = values.typed(field.kind, value)
        if op in _ORDER and isinstance(found, bool):
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
