"""What filters and sorts mean, in plain Python: the property tests compare PostgreSQL with this."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from roster.kit import documents, text, values
from roster.kit.filters import All, AnyOf, Compare, Field, Fields, Filter, Holds, Not, Op, Some, Sort
from roster.kit.values import Kind

Row = Mapping[str, Any]
_FULL = re.compile(r"(?!000[01]|9999).{10}[Tt].{8}.*")  # see `columns.py` on the first and the last years


def holds(where: Filter, row: Row, fields: Fields) -> bool:
    match where:
        case All():
            return all(holds(part, row, fields) for part in where.parts)
        case AnyOf():
            return any(holds(part, row, fields) for part in where.parts)
        case Not():
            return not holds(where.part, row, fields)
        case Compare():
            return _compare(fields[where.field], where.op, where.value, row)
        case Holds():
            field = fields[where.field]
            inside = row[field.column] if field.member else {field.column: row[field.column]}
            known = {name: value for name, value in inside.items() if field.member or value is not None}
            return documents.holds(documents.under(where.test, field.member or (field.column,)), known)
        case Some():
            raise AssertionError("the table of these tests has no rows of others")


def in_order(rows: Sequence[Row], sorts: Sequence[Sort], fields: Fields) -> list[Row]:
    last = sorts[-1].descending if sorts else False
    ordered = sorted(rows, key=lambda row: row["id"], reverse=last)
    for sort in reversed(sorts):
        ordered.sort(key=lambda row: _greatest_when_missing(fields[sort.field], row), reverse=sort.descending)
    return ordered


def _greatest_when_missing(field: Field, row: Row) -> tuple[bool, Any]:
    value = _folded(field, _value(field, row))
    return value is None, 0 if value is None else value


def _compare(field: Field, op: Op, wanted: Any, row: Row) -> bool:
    stored = _stored(field, row)
    match op:
        case Op.EXISTS:
            return (stored is not None and stored != []) == wanted
        case Op.NE:
            return not _same(field, stored, wanted)
        case Op.EQ:
            return _same(field, stored, wanted)
        case Op.IN:
            return any(_same(field, stored, choice) for choice in wanted)
        case Op.CONTAINS if field.kind is Kind.TEXT_LIST:
            return _same(field, stored, wanted)
        case Op.CONTAINS | Op.STARTS | Op.ENDS:
            return _part(op, _folded(field, stored), _folded(field, wanted))
        case _:
            return _ordered(field, op, row, wanted)


def _same(field: Field, stored: object, wanted: object) -> bool:
    if field.kind in (Kind.TEXT_LIST, Kind.JSON) and isinstance(stored, list):
        return any(_equal(element, wanted) for element in stored)
    if field.kind is Kind.TEXT_LIST:
        return False
    if field.kind is not Kind.JSON:
        stored = _of_kind(field.kind, stored)
    return _equal(_folded(field, stored), _folded(field, wanted))


def _equal(left: object, right: object) -> bool:
    """Equality of JSON: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _part(op: Op, stored: object, needle: str) -> bool:
    if not isinstance(stored, str):
        return False
    return {
        Op.CONTAINS: needle in stored,
        Op.STARTS: stored.startswith(needle),
        Op.ENDS: stored.endswith(needle),
    }[op]


def _ordered(field: Field, op: Op, row: Row, wanted: Any) -> bool:
    kind = values.of(wanted) if field.kind is Kind.JSON else field.kind
    found, limit = _folded(field, _of_kind(kind, _stored(field, row))), _folded(field, wanted)
    if found is None:
        return False
    return {Op.LT: found < limit, Op.LE: found <= limit, Op.GT: found > limit, Op.GE: found >= limit}[op]


def _stored(field: Field, row: Row) -> Any:
    if not field.member:
        return row[field.column]
    found: Any = row[field.column]
    for name in field.member:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _value(field: Field, row: Row) -> Any:
    return _of_kind(field.kind, _stored(field, row))


def _of_kind(kind: Kind, stored: Any) -> Any:
    """The stored value if it is of the kind, else None: a custom field may hold anything."""
    match kind:
        case Kind.INTEGER | Kind.NUMBER:
            number = isinstance(stored, int | float | Decimal) and not isinstance(stored, bool)
            return Decimal(repr(stored)) if number and isinstance(stored, float) else stored if number else None
        case Kind.BOOLEAN:
            return stored if isinstance(stored, bool) else None
        case Kind.INSTANT | Kind.UUID:
            return stored if isinstance(stored, datetime | UUID) else _parsed(kind, stored)
        case _:
            return stored if isinstance(stored, str) else None


def _parsed(kind: Kind, stored: Any) -> Any:
    if not isinstance(stored, str) or (kind is Kind.INSTANT and not _FULL.fullmatch(stored)):
        return None
    try:
        return values.parse(kind, stored)
    except values.WrongValue:
        return None


def _folded(field: Field, value: Any) -> Any:
    return text.fold(value) if field.kind is Kind.FOLDED and isinstance(value, str) else value
