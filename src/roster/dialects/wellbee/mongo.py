"""The query language of MongoDB, as far as it is taken, as conditions on JSON (notes, section 18).

By an allow-list: an operator that does not stand here is refused, and so is every name of a private field, wherever it
stands. Nothing of a query is run by Python, and an expression only in the subset of `kit.patterns`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from roster.dialects.wellbee.refusals import InvalidQuery, Malformed
from roster.dialects.wellbee.shapes import Shape
from roster.kit import patterns
from roster.kit.documents import (
    Either,
    Element,
    Equals,
    Every,
    Like,
    OfType,
    Opposite,
    Ordered,
    Path,
    Plain,
    Present,
    Same,
    Sign,
    Sized,
    Test,
    under,
)
from roster.kit.values import WrongValue, storable

Query: TypeAlias = Mapping[str, object]

DEEPEST: Final = 6
MOST_CONDITIONS: Final = 100
MOST_VALUES: Final = 1000
LONGEST_EXPRESSION: Final = 200
LONGEST_TEXT: Final = 1000
_SIGNS: Final[Mapping[str, Sign]] = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
_GROUPS: Final = frozenset({"$and", "$or", "$nor"})
_COMPARISONS: Final = frozenset(
    {*_SIGNS, "$eq", "$ne", "$in", "$nin", "$exists", "$regex", "$options", "$not", "$all", "$size", "$elemMatch"}
) | {"$type"}
_COMMENT: Final = "$comment"
_TYPES: Final[Mapping[object, str]] = {
    "double": "fraction",
    "string": "string",
    "object": "object",
    "array": "array",
    "bool": "boolean",
    "null": "null",
    "int": "integer",
    "long": "integer",
    "number": "number",
    1: "fraction",
    2: "string",
    3: "object",
    4: "array",
    8: "boolean",
    10: "null",
    16: "integer",
    18: "integer",
}
_OTHER_TYPES: Final = frozenset(
    {"binData", "objectId", "date", "regex", "javascript", "timestamp", "decimal", "minKey", "maxKey"}
)


class Words(msgspec.Struct, frozen=True):
    """How values are meant: with `spoken`, texts may be numbers and booleans too, as in the query of an address."""

    shape: Shape
    spoken: bool = False


def screen(query: object, shape: Shape) -> None:
    """Refuse what nobody may ask, wherever it stands. Raises InvalidQuery."""
    _Screen(shape).value(query, 0)


def condition(query: Query, words: Words) -> Test:
    """The condition on a whole document that a screened query is. Raises Malformed, InvalidQuery."""
    return Every(tuple(_part(name, value, words) for name, value in query.items() if name != _COMMENT))


def comparisons(value: object, words: Words) -> Test:
    """The condition on one field. Raises Malformed, InvalidQuery."""
    if not _is_operators(value):
        return _equality(value, words)
    operators = cast("Query", value)
    if "$options" in operators and "$regex" not in operators:
        raise Malformed(text="$options needs a $regex.")
    parts = [
        _operator(name, wanted, operators, words)
        for name, wanted in operators.items()
        if name not in ("$options", _COMMENT)
    ]
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def group(name: str, value: object) -> Sequence[Query]:
    """The queries of `$and`, `$or` or `$nor`. Raises Malformed."""
    queries = cast("Sequence[object]", value) if isinstance(value, list) else ()
    if not queries or not all(isinstance(each, Mapping) for each in queries):
        raise Malformed(text=f"{name} needs a list of queries.")
    return cast("Sequence[Query]", queries)


def is_group(name: str) -> bool:
    """Whether a member of a query stands for several queries."""
    return name in _GROUPS


def path_of(name: str) -> Path:
    """The steps of a dotted path. Raises Malformed."""
    steps = tuple(name.split("."))
    if not all(each and len(each) <= 200 and storable(each) for each in steps) or len(steps) > 10:
        raise Malformed(text=f"{name[:100]} is not a path.")
    return steps


class _Screen:
    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._conditions = 0

    def value(self, value: object, depth: int) -> None:
        if isinstance(value, Mapping):
            if depth >= DEEPEST:
                raise InvalidQuery(text=f"A query is nested at most {DEEPEST} levels deep.")
            for name, member in cast("Query", value).items():
                self._member(name, member, depth + 1)
        elif isinstance(value, list):
            elements = cast("list[object]", value)
            if len(elements) > MOST_VALUES:
                raise InvalidQuery(text=f"A list has at most {MOST_VALUES} values.")
            for each in elements:
                self.value(each, depth)

    def _member(self, name: str, value: object, depth: int) -> None:
        if name == _COMMENT:
            return
        if name.startswith("$") and name not in _COMPARISONS | _GROUPS:
            raise InvalidQuery(text=f"{name[:100]} is not supported.")
        if self._shape.is_private(name):
            raise InvalidQuery(text=f"Cannot query {name[:100]}")
        self._conditions += name in _COMPARISONS or (not name.startswith("$") and not _has_operators(value))
        if self._conditions > MOST_CONDITIONS:
            raise InvalidQuery(text=f"A query has at most {MOST_CONDITIONS} conditions.")
        self.value(value, depth)


def _part(name: str, value: object, words: Words) -> Test:
    if is_group(name):
        parts = tuple(condition(each, words) for each in group(name, value))
        return {"$and": Every(parts), "$or": Either(parts), "$nor": Opposite(Either(parts))}[name]
    if name.startswith("$"):
        raise Malformed(text=f"{name} does not stand beside fields.")
    return under(comparisons(value, words), path_of(name))


def _has_operators(value: object) -> bool:
    return isinstance(value, Mapping) and any(name.startswith("$") for name in cast("Query", value))


def _is_operators(value: object) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    names = [name.startswith("$") for name in cast("Query", value)]
    if any(names) and not all(names):
        raise Malformed(text="Operators and fields stand beside each other.")
    return all(names)


def _operator(name: str, wanted: object, beside: Query, words: Words) -> Test:
    if name in _SIGNS:
        return _ordered(name, wanted, words)
    if name == "$regex":
        return _expression(wanted, beside.get("$options", ""))
    known = _OPERATORS.get(name)
    if known is None:
        raise Malformed(text=f"{name} does not compare a field.")
    return known(wanted, words)


def _equality(value: object, words: Words) -> Test:
    if isinstance(value, Mapping | list):
        return Same((), value)  # pyright: ignore[reportUnknownArgumentType]
    return Equals((), _meanings(_plain(value), words))


def _plain(value: object) -> Plain:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise InvalidQuery(text=f"A text has at most {LONGEST_TEXT} characters.")
        if not storable(value):
            raise Malformed(text="The text has characters that cannot be stored.")
    return cast("Plain", value)


def _meanings(value: Plain, words: Words) -> tuple[Plain, ...]:
    """What a value stands for: in an address everything is text, and the field decides what is meant."""
    if not words.spoken or not isinstance(value, str):
        return (value,)
    if value in ("true", "false"):
        return (value, value == "true")
    number = _number(value)
    return (value,) if number is None else (value, number)


def _number(text: str) -> int | float | None:
    try:
        found = msgspec.json.decode(text.encode(), type=int | float) if len(text) <= 40 else None
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return found


def _among(value: object, words: Words) -> Test:
    if not isinstance(value, list):
        raise Malformed(text="$in and $nin need a list.")
    given = cast("list[object]", value)
    if any(_is_operators(each) for each in given):
        raise Malformed(text="A list of values holds no operators.")
    plain = [_plain(each) for each in given if not isinstance(each, Mapping | list)]
    choices = tuple(meant for each in plain for meant in _meanings(each, words))
    whole = [Same((), each) for each in given if isinstance(each, Mapping | list)]  # pyright: ignore[reportUnknownArgumentType]
    return Equals((), choices) if not whole else Either((Equals((), choices), *whole))


def _ordered(name: str, wanted: object, words: Words) -> Test:
    if wanted is None and name in ("$gte", "$lte"):
        return Equals((), (None,))
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        raise Malformed(text=f"{name} needs a number or a text.")
    parts = [
        Ordered((), _SIGNS[name], each)
        for each in _meanings(_plain(wanted), words)
        if isinstance(each, str | int | float) and not isinstance(each, bool)
    ]
    return parts[0] if len(parts) == 1 else Either(tuple(parts))


def _expression(wanted: object, options: object) -> Test:
    if not isinstance(wanted, str) or not isinstance(options, str):
        raise Malformed(text="$regex and $options are texts.")
    if len(wanted) > LONGEST_EXPRESSION or set(options) - set("ims"):
        raise InvalidQuery(text=f"An expression has at most {LONGEST_EXPRESSION} characters, and options i, m and s.")
    flags = set(options) | ({"i"} if wanted.startswith("(?i)") else set[str]())
    try:
        return Like((), patterns.read(wanted, folded=False).sql, "".join(sorted(flags)))
    except WrongValue as error:
        raise InvalidQuery(text=str(error)) from None


def _opposite(wanted: object, words: Words) -> Test:
    if not _is_operators(wanted):
        raise Malformed(text="$not needs operators.")
    return Opposite(comparisons(wanted, words))


def _all(wanted: object, words: Words) -> Test:
    if not isinstance(wanted, list):
        raise Malformed(text="$all needs a list.")
    parts = tuple(comparisons(each, words) for each in cast("list[object]", wanted))
    return Every(parts) if parts else Either(())


def _element(wanted: object, words: Words) -> Test:
    if not isinstance(wanted, Mapping) or not wanted:
        raise Malformed(text="$elemMatch needs conditions.")
    query = cast("Query", wanted)
    part = (
        comparisons(query, words) if _is_operators(query) and not any(map(is_group, query)) else condition(query, words)
    )
    _refuse_whole(part)
    return Element((), part)


def _refuse_whole(test: Test) -> None:
    """Inside of lists, whole objects are not compared."""
    match test:
        case Every() | Either():
            for part in test.parts:
                _refuse_whole(part)
        case Opposite() | Element():
            _refuse_whole(test.part)
        case Same():
            raise Malformed(text="Inside of $elemMatch only plain values are compared.")
        case _:
            return


def _size(wanted: object, words: Words) -> Test:
    size = _number(wanted) if words.spoken and isinstance(wanted, str) else wanted
    if isinstance(size, bool) or not isinstance(size, int | float) or size != int(size) or not 0 <= size < 1_000_000:
        raise Malformed(text="$size needs a whole number.")
    return Sized((), int(size))


def _type(wanted: object, words: Words) -> Test:
    names = cast("list[object]", wanted) if isinstance(wanted, list) else [wanted]
    found: list[str] = []
    for each in names:
        name = _number(each) or each if words.spoken and isinstance(each, str) else each
        if isinstance(name, str | int) and name in _TYPES:
            found.append(_TYPES[name])
        elif name not in _OTHER_TYPES:
            raise Malformed(text="$type needs the name or the number of a type.")
    return OfType((), tuple(found))


def _exists(wanted: object, words: Words) -> Test:
    is_wanted = wanted not in ("false", "0", "") if words.spoken else bool(wanted)
    return Present(()) if is_wanted else Opposite(Present(()))


_OPERATORS: Final[Mapping[str, Callable[[object, Words], Test]]] = {
    "$eq": _equality,
    "$ne": lambda wanted, words: Opposite(_equality(wanted, words)),
    "$in": _among,
    "$nin": lambda wanted, words: Opposite(_among(wanted, words)),
    "$exists": _exists,
    "$not": _opposite,
    "$all": _all,
    "$size": _size,
    "$elemMatch": _element,
    "$type": _type,
}
