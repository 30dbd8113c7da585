"""Kinds of values, and values of a kind from what a caller sent.

Dialects whose filters are text send everything as text; those with typed filters (JSON) send numbers and booleans too.
Text is always read by the field's kind, so that the user name `2019` stays a text; a value that has a type already must
have the right one.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from roster.kit import ids

Scalar: TypeAlias = str | int | Decimal | bool | datetime | UUID

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DATE.pattern + r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


class Kind(StrEnum):
    """What a field's values are."""

    TEXT = "text"
    FOLDED = "folded"  # text compared by its `kit.text.fold`, without regard to case
    INTEGER = "integer"  # 64 bit, signed
    NUMBER = "number"  # decimal
    BOOLEAN = "boolean"
    INSTANT = "instant"
    UUID = "uuid"
    TEXT_LIST = "text_list"
    JSON = "json"  # a custom field without definition: each value has the type it was stored with
    ROWS = "rows"  # rows of another table that belong to this one
    DOCUMENT = "document"  # JSON of our own making


class WrongValue(ValueError):
    """The value is not of the kind; the sentence may be shown to the caller."""


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def parse(kind: Kind, text: str) -> Scalar:
    """The value of this kind that the text spells. Raises WrongValue."""
    if not storable(text):
        raise WrongValue("The text has characters that cannot be stored.")
    return _PARSERS.get(kind, str)(text)


def typed(kind: Kind, value: object) -> Scalar:
    """A value of this kind from a text or from a value that has a type already. Raises WrongValue."""
    if isinstance(value, str):
        return parse(kind, value)
    if type(value) not in _TYPES.get(kind, ()):
        raise WrongValue(f"The value must be of the type {kind.value}.")
    return _bounded(value)


def of(value: Scalar) -> Kind:
    """The kind of a value found in a field of kind JSON."""
    if isinstance(value, bool):
        return Kind.BOOLEAN
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _bounded(value: object) -> Scalar:
    match value:
        case bool() | UUID():
            return value
        case int():
            return _integer(value)
        case float() | Decimal():
            return _finite(Decimal(repr(value)) if isinstance(value, float) else value)
        case datetime():
            return _aware(value)
        case _:
            raise WrongValue("The value has a type that cannot be compared.")


def _integer(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise WrongValue("The number is too large.")
    return value


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value.adjusted()) > 1000:
        raise WrongValue("The number is too large.")
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise WrongValue("The time needs its distance from UTC.")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise WrongValue("The time is out of range.") from None


def _parse_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise WrongValue("The value must be a whole number.")
    return _integer(int(text))


def _parse_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise WrongValue("The value must be a number.")
    return _finite(Decimal(text))


def _parse_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise WrongValue("The value must be true or false.")
    return text.lower() == "true"


def _parse_instant(text: str) -> datetime:
    """RFC 3339, section 5.6, or a date alone, which is its first moment in UTC; finer than microseconds is cut."""
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    if not _INSTANT.fullmatch(text):
        raise WrongValue("The value must be a date, or a time as in 2026-01-31T12:00:00Z.")
    try:
        return _aware(datetime.fromisoformat(text.upper()))
    except WrongValue:
        raise
    except ValueError:
        raise WrongValue("There is no such date or time.") from None


def _parse_uuid(text: str) -> UUID:
    found = ids.parse(text)
    if found is None:
        raise WrongValue("The value must be a UUID.")
    return found


_PARSERS: Mapping[Kind, Callable[[str], Scalar]] = {
    Kind.INTEGER: _parse_integer,
    Kind.NUMBER: _parse_number,
    Kind.BOOLEAN: _parse_boolean,
    Kind.INSTANT: _parse_instant,
    Kind.UUID: _parse_uuid,
}
_TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.INTEGER: (int,),
    Kind.NUMBER: (int, float, Decimal),
    Kind.BOOLEAN: (bool,),
    Kind.INSTANT: (datetime,),
    Kind.UUID: (UUID,),
    Kind.JSON: (int, float, Decimal, bool),
}
