"""Fields as SQL expressions, custom fields included, which are members of a jsonb column."""

from collections.abc import Mapping
from typing import LiteralString

from roster.kit.filters import Field
from roster.kit.values import Kind
from roster.storage.sql.parameters import Parameters

TYPES: Mapping[Kind, LiteralString] = {
    Kind.TEXT: "text",
    Kind.FOLDED: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "numeric",
    Kind.BOOLEAN: "boolean",
    Kind.INSTANT: "timestamptz",
    Kind.UUID: "uuid",
}
# Years that, in another time zone, could be ones that Python has no dates for, are left out.
_INSTANT: LiteralString = r"^(?!000[01]|9999)\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"
_UUID: LiteralString = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"


def comparable(field: Field, parameters: Parameters) -> LiteralString:
    """The expression that a field is compared and sorted by; NULL when the value is missing or of another type."""
    if not field.member:
        return field.key or field.column
    return typed(member(field, parameters), field.kind)


def type_of(field: Field) -> LiteralString:
    """The SQL type of `comparable`."""
    return "numeric" if field.member and field.kind is Kind.INTEGER else TYPES[field.kind]


def member(field: Field, parameters: Parameters) -> LiteralString:
    """The JSON value of a custom field; NULL when it is absent."""
    return "(" + " -> ".join([field.column, *(parameters.add(name, "text") for name in field.member)]) + ")"


def typed(found: LiteralString, kind: Kind) -> LiteralString:
    """A JSON value as an SQL value, NULL unless it has the right type: custom fields may hold anything."""
    content = "(" + found + " #>> '{}')"
    match kind:
        case Kind.INTEGER | Kind.NUMBER:
            return _guarded(found, "number", "TRUE", found + "::numeric")
        case Kind.BOOLEAN:
            return _guarded(found, "boolean", "TRUE", found + "::boolean")
        case Kind.INSTANT:
            valid = content + " ~ '" + _INSTANT + "' AND pg_input_is_valid(" + content + ", 'timestamptz')"
            return _guarded(found, "string", valid, content + "::timestamptz")
        case Kind.UUID:
            return _guarded(found, "string", content + " ~ '" + _UUID + "'", content + "::uuid")
        case _:
            return _guarded(found, "string", "TRUE", content) + ' COLLATE "C"'


def _guarded(found: LiteralString, type_: LiteralString, valid: LiteralString, value: LiteralString) -> LiteralString:
    return "(CASE WHEN jsonb_typeof(" + found + ") = '" + type_ + "' AND " + valid + " THEN " + value + " END)"
