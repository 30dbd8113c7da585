"""Conditions on one JSON value, and what they mean.

A path goes into objects by name; a list on the way stands for each of its elements, once, and a number may name one of
them. Where a path ends at a list, a comparison asks for the list's elements; `Same` asks for the list too. Comparisons
are between values of one type: 1 is neither "1" nor true. A value that is not there is found by `Absent` only, and by
`Equals` with null among its choices.

`holds` says it in Python, `storage.sql.jsonpath` to PostgreSQL; a property test compares them.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias, cast

import msgspec

Json: TypeAlias = object
Plain: TypeAlias = str | int | float | Decimal | bool | None
Path: TypeAlias = tuple[str, ...]
Sign: TypeAlias = Literal["<", "<=", ">", ">="]
TYPES = ("number", "integer", "fraction", "string", "object", "array", "boolean", "null")


class Equals(msgspec.Struct, frozen=True, tag="equals"):
    """One of these plain values, of which null is also what is not there."""

    path: Path
    choices: tuple[Any, ...]  # of Plain, which msgspec cannot tell apart when it reads a filter


class Same(msgspec.Struct, frozen=True, tag="same"):
    """This object or list as a whole, or a list with it as an element."""

    path: Path
    value: Json


class Ordered(msgspec.Struct, frozen=True, tag="ordered"):
    """A number, or a text by its code points, on one side of another."""

    path: Path
    sign: Sign
    value: Any  # a text or a number


class Like(msgspec.Struct, frozen=True, tag="like"):
    """A text that the expression finds: `sql` is one of `kit.patterns`; flags are i (case), m (lines), s (dots)."""

    path: Path
    sql: str
    flags: str = ""


class Present(msgspec.Struct, frozen=True, tag="present"):
    """Something is there, be it null."""

    path: Path


class OfType(msgspec.Struct, frozen=True, tag="type"):
    """Of one of these types (TYPES); of a list its elements count too."""

    path: Path
    types: tuple[str, ...]


class Sized(msgspec.Struct, frozen=True, tag="sized"):
    """A list of so many elements."""

    path: Path
    size: int


class Element(msgspec.Struct, frozen=True, tag="element"):
    """A list of which one element fulfils the part."""

    path: Path
    part: "Test"


class Every(msgspec.Struct, frozen=True, tag="every"):
    """All parts hold."""

    parts: "tuple[Test, ...]"


class Either(msgspec.Struct, frozen=True, tag="either"):
    """One part holds."""

    parts: "tuple[Test, ...]"


class Opposite(msgspec.Struct, frozen=True, tag="opposite"):
    """The part does not hold."""

    part: "Test"


Test: TypeAlias = Equals | Same | Ordered | Like | Present | OfType | Sized | Element | Every | Either | Opposite


class Unanswerable(ValueError):
    """Python runs no expressions of callers."""


def terms(test: Test) -> int:
    """How many comparisons a condition has."""
    match test:
        case Every() | Either():
            return sum(map(terms, test.parts))
        case Opposite() | Element():
            return 1 + terms(test.part)
        case _:
            return 1


def has_pattern(test: Test) -> bool:
    """Whether an expression of the caller is run."""
    match test:
        case Every() | Either():
            return any(map(has_pattern, test.parts))
        case Opposite() | Element():
            return has_pattern(test.part)
        case _:
            return isinstance(test, Like)


def certain(test: Test, before: Path = ()) -> Iterator[tuple[Path, tuple[Plain, ...]]]:
    """Paths of names, and values of which whatever fulfils the condition has one there, in lists or not."""
    match test:
        case Equals() if None not in test.choices and not any(map(is_index, test.path)):
            yield (*before, *test.path), test.choices
        case Every():
            for part in test.parts:
                yield from certain(part, before)
        case Element() if not any(map(is_index, test.path)):
            yield from certain(test.part, (*before, *test.path))
        case _:
            return


def under(test: Test, before: Path) -> Test:
    """The same condition about what stands at the end of another path."""
    match test:
        case Every() | Either():
            return type(test)(tuple(under(part, before) for part in test.parts))
        case Opposite():
            return Opposite(under(test.part, before))
        case _:
            return msgspec.structs.replace(test, path=(*before, *test.path))


def is_index(step: str) -> bool:
    """Whether a step of a path may name an element of a list."""
    return step.isascii() and step.isdigit() and len(step) <= 6


def holds(test: Test, value: Json) -> bool:
    """Whether the value fulfils the condition. Raises Unanswerable for expressions."""
    match test:
        case Every():
            return all(holds(part, value) for part in test.parts)
        case Either():
            return any(holds(part, value) for part in test.parts)
        case Opposite():
            return not holds(test.part, value)
        case Element():
            return any(holds(test.part, each) for found in _lists(value, test.path) for each in _flat(found))
        case _:
            return _compared(test, value)


def _compared(test: Test, value: Json) -> bool:
    match test:
        case Equals():
            return _equals(test, value)
        case Same():
            return any(equal(each, test.value) for found in reach(value, test.path) for each in (found, *_in(found)))
        case Ordered():
            return any(_is_beside(each, test) for each in _candidates(value, test.path))
        case Present():
            return any(True for _ in reach(value, test.path))
        case OfType():
            return _is_of_type(test, value)
        case Sized():
            return any(len(each) == test.size for each in _lists(value, test.path))
        case _:
            raise Unanswerable


def reach(value: Json, path: Path) -> Iterator[Json]:
    """Everything at the end of a path."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if is_index(step):
        elements = _elements(value)
        if int(step) < len(elements):
            yield from reach(elements[int(step)], rest)
    for each in _elements(value):
        if isinstance(each, Mapping) and step in each:
            yield from reach(cast("Mapping[str, Json]", each)[step], rest)


def equal(left: Json, right: Json) -> bool:
    """Equality of JSON: numbers by value, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        first, second = cast("Mapping[str, Json]", left), cast("Mapping[str, Json]", right)
        return first.keys() == second.keys() and all(equal(first[name], second[name]) for name in first)
    if isinstance(left, list) and isinstance(right, list):
        ones, others = cast("list[Json]", left), cast("list[Json]", right)
        return len(ones) == len(others) and all(map(equal, ones, others))
    return _plainly(left, right)


def _plainly(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return number(left) == number(right)
    return type(left) is type(right) and left == right


def number(value: Any) -> Decimal:
    """The value of a JSON number as it is written."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def type_of(value: Json) -> str:
    """One of TYPES; integers and fractions are numbers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if _is_number(value):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _equals(test: Equals, value: Json) -> bool:
    found = list(_candidates(value, test.path))
    if None in test.choices and not any(True for _ in reach(value, test.path)):
        return True
    return any(equal(each, choice) for each in found for choice in test.choices)


def _is_beside(value: Json, test: Ordered) -> bool:
    if isinstance(value, str) and isinstance(test.value, str):
        left: Any = value
        right: Any = test.value
    elif _is_number(value) and _is_number(test.value):
        left, right = number(value), number(test.value)
    else:
        return False
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[test.sign]


def _is_of_type(test: OfType, value: Json) -> bool:
    if "array" in test.types and any(True for _ in _lists(value, test.path)):
        return True
    return any(_has_type(each, test.types) for each in _candidates(value, test.path))


def _has_type(value: Json, types: Sequence[str]) -> bool:
    kind = type_of(value)
    if kind == "array":
        return False
    if kind != "number" or "number" in types:
        return kind in types
    return ("integer" if number(value) == int(number(value)) else "fraction") in types


def _candidates(value: Json, path: Path) -> Iterator[Json]:
    """What a comparison at the end of the path looks at."""
    for found in reach(value, path):
        yield from _elements(found)


def _lists(value: Json, path: Path) -> Iterator[Sequence[Json]]:
    for found in reach(value, path):
        if isinstance(found, list):
            yield cast("Sequence[Json]", found)


def _flat(found: Sequence[Json]) -> Iterator[Json]:
    """The elements, and of those that are lists their elements."""
    for each in found:
        yield from _elements(each)


def _elements(found: Json) -> Sequence[Json]:
    """Of a list; else what it is."""
    return cast("Sequence[Json]", found) if isinstance(found, list) else (found,)


def _in(found: Json) -> Sequence[Json]:
    return cast("Sequence[Json]", found) if isinstance(found, list) else ()


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
