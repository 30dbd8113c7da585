"""What can be asked for: the registry of a feature's fields, and the custom fields of a realm."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import LiteralString

import msgspec

from roster.kit import values
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.values import Kind


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


class Visibility(StrEnum):
    """Who may search by a field; hidden fields look like unknown ones to everyone."""

    BASIC = "basic"
    PRIVATE = "private"
    HIDDEN = "hidden"


_SAME = frozenset({Op.EQ, Op.NE, Op.IN, Op.EXISTS})
ORDER = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
PARTS = frozenset({Op.CONTAINS, Op.STARTS, Op.ENDS, Op.MATCHES})
_OPERATORS: Mapping[Kind, frozenset[Op]] = {
    Kind.TEXT: _SAME | ORDER | PARTS,
    Kind.FOLDED: _SAME | ORDER | PARTS,
    Kind.INTEGER: _SAME | ORDER,
    Kind.NUMBER: _SAME | ORDER,
    Kind.BOOLEAN: _SAME,
    Kind.INSTANT: _SAME | ORDER,
    Kind.UUID: _SAME | ORDER,
    Kind.TEXT_LIST: _SAME | {Op.CONTAINS},
    Kind.JSON: _SAME | ORDER | PARTS,
    Kind.ROWS: frozenset(),
    Kind.DOCUMENT: frozenset(),
}
_UNSORTABLE = frozenset({Kind.TEXT_LIST, Kind.JSON, Kind.ROWS, Kind.DOCUMENT})


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
    pairs: LiteralString | None = None  # the column with hashes of what is in custom fields, see `kit.text.pairs`
    sketch: LiteralString | None = None  # a column that holds this text among others, or NULL; see `storage.sql.glance`
    beginnings: LiteralString | None = None  # how the folded text begins, which the index of the trigrams knows too
    begun: bool = False  # an index finds whom a listing gathers by how this text begins
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
    pairs: LiteralString | None = None

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
            pairs=self.pairs,
            visibility=attribute.visibility,
        )


class Fields(Mapping[str, Field]):
    """An immutable registry: public name → field. Iterates over the fixed fields; custom ones are found by name."""

    def __init__(self, fields: Iterable[Field], attributes: Attributes | None = None) -> None:
        self._fixed: Mapping[str, Field] = {field.name: field for field in fields}
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
        both = Fields((), attributes)
        both._fixed = self._fixed
        return both

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
