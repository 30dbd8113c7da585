"""What stages of aggregations make of documents. Values are literals, paths as `$a.b`, objects and lists of these."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import msgspec

from roster.dialects.wellbee import finding, mongo
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.refusals import Malformed
from roster.kit import documents as conditions
from roster.kit.documents import Path

Rows: TypeAlias = list[Document]

ABSENT: Final = object()
"""What an expression is that leads nowhere."""
_RANKS: Final = {"null": 1, "number": 2, "string": 3, "object": 4, "array": 5, "boolean": 6}


def value_of(expression: object, row: Document) -> object:
    """The value of an expression for one document. Raises Malformed for operators."""
    if isinstance(expression, str):
        return _at(expression, row) if expression.startswith("$") else expression
    if isinstance(expression, Mapping):
        members = cast("Mapping[str, object]", expression)
        if any(name.startswith("$") for name in members):
            return _literal(members)
        found = {name: value_of(each, row) for name, each in members.items()}
        return {name: each for name, each in found.items() if each is not ABSENT}
    if isinstance(expression, list):
        values = (value_of(each, row) for each in cast("list[object]", expression))
        return [None if each is ABSENT else each for each in values]
    return expression


def _literal(members: Mapping[str, object]) -> object:
    if list(members) != ["$literal"]:
        raise Malformed(text=f"{next(iter(members))[:100]} is not supported.")
    return members["$literal"]


def _at(path: str, row: Document) -> object:
    if path.startswith("$$"):
        raise Malformed(text=f"{path[:100]} is not supported.")
    steps = mongo.path_of(path[1:])
    found = list(conditions.reach(row, steps))
    if len(found) > 1 or any(isinstance(each, list) for each in _on_the_way(row, steps)):
        return found
    return found[0] if found else ABSENT


def _on_the_way(row: Document, steps: Path) -> Sequence[object]:
    return [each for end in range(1, len(steps)) for each in conditions.reach(row, steps[:end])]


def added(row: Document, steps: Path, value: object) -> Document:
    """The document with a value at a path, and without one when the value is ABSENT."""
    first, rest = steps[0], steps[1:]
    if rest:
        below = row.get(first)
        value = added(cast("Document", below) if isinstance(below, dict) else {}, rest, value)
    if value is ABSENT:
        return {name: each for name, each in row.items() if name != first}
    return {**row, first: value}


def with_fields(rows: Rows, wanted: object) -> Rows:
    """`$addFields` and `$set`."""
    fields = [(mongo.path_of(name), each) for name, each in _members(wanted).items()]
    found: Rows = []
    for row in rows:
        changed = row
        for steps, expression in fields:
            if (value := value_of(expression, row)) is not ABSENT:
                changed = added(changed, steps, value)
        found.append(changed)
    return found


def unset(rows: Rows, wanted: object) -> Rows:
    """`$unset`."""
    names = cast("list[object]", wanted) if isinstance(wanted, list) else [wanted]
    if not names or not all(isinstance(each, str) and each for each in names):
        raise Malformed(text="$unset needs names.")
    tree = finding.tree_of(cast("list[str]", names))
    return [cast("Document", finding.project(row, tree, included=False)) for row in rows]


def projected(rows: Rows, wanted: object) -> Rows:
    """`$project`: some fields, all but some, or new ones made by expressions."""
    members = _flat(_members(wanted))
    flags = {name: bool(each) for name, each in members.items() if isinstance(each, bool | int | float)}
    made = {name: each for name, each in members.items() if name not in flags}
    kinds = {shown for name, shown in flags.items() if name != "_id"}
    if len(kinds) > 1 or (made and False in kinds):
        raise Malformed(text="A projection is all 1 or all 0.")
    if False in kinds or (not made and not kinds):
        tree = finding.tree_of(list(flags))
        return [cast("Document", finding.project(row, tree, included=False)) for row in rows]
    shown = [name for name, is_shown in flags.items() if is_shown]
    tree = finding.tree_of([*shown, *(() if "_id" in flags else ("_id",))])
    new = [(mongo.path_of(name), each) for name, each in made.items()]
    return [_with(cast("Document", finding.project(row, tree, included=True)), row, new) for row in rows]


def _flat(members: Mapping[str, object], before: str = "") -> Mapping[str, object]:
    """Fields of fields as paths."""
    found: dict[str, object] = {}
    for name, each in members.items():
        inside: Mapping[str, object] = cast("Mapping[str, object]", each) if isinstance(each, Mapping) else {}
        if inside and not any(below.startswith("$") for below in inside):
            found |= _flat(inside, f"{before}{name}.")
        else:
            found[before + name] = each
    return found


def _with(kept: Document, row: Document, new: Sequence[tuple[Path, object]]) -> Document:
    for steps, expression in new:
        value = value_of(expression, row)
        if value is not ABSENT:
            kept = added(kept, steps, value)
    return kept


def ordered(rows: Rows, wanted: Mapping[str, object]) -> Rows:
    """`$sort` of what is not people any more: missing first, then numbers, texts, objects, lists and booleans."""
    for name, direction in reversed(list(wanted.items())):
        if isinstance(direction, bool) or direction not in (1, -1):
            raise Malformed(text="A sort is 1 or -1.")
        steps = mongo.path_of(name)
        rows = sorted(rows, key=lambda row, steps=steps: _key(row, steps), reverse=direction == -1)
    return rows


def _key(row: Document, steps: Path) -> tuple[int, Any]:
    value = next(conditions.reach(row, steps), ABSENT)
    if value is ABSENT:
        return 0, 0
    kind = conditions.type_of(value)
    comparable: Any = value
    if kind == "number":
        comparable = conditions.number(value)
    elif kind not in ("string", "boolean"):
        comparable = msgspec.json.encode(value)
    return _RANKS[kind], comparable


def grouped(rows: Rows, wanted: object) -> Rows:
    """`$group`, in the order in which groups appear."""
    members = dict(_members(wanted))
    if "_id" not in members:
        raise Malformed(text="$group needs an _id.")
    key = members.pop("_id")
    makers = {name: _accumulator(name, each) for name, each in members.items()}
    groups: dict[bytes, tuple[object, Rows]] = {}
    for row in rows:
        found = value_of(key, row)
        plain = None if found is ABSENT else found
        groups.setdefault(_same(plain), (plain, []))[1].append(row)
    return [
        {"_id": plain, **{name: make(inside) for name, make in makers.items()}} for plain, inside in groups.values()
    ]


def _accumulator(name: str, wanted: object) -> Callable[[Rows], object]:
    if not isinstance(wanted, Mapping) or len(cast("Mapping[str, object]", wanted)) != 1 or "." in name:
        raise Malformed(text=f"{name[:100]} needs one accumulator.")
    ((sign, expression),) = cast("Mapping[str, object]", wanted).items()
    fold = _ACCUMULATORS.get(sign)
    if fold is None:
        raise Malformed(text=f"{sign[:100]} is not supported.")
    if sign == "$count":
        return len
    return lambda rows: fold([value_of(expression, row) for row in rows])


def _numbers(values: Sequence[object]) -> list[Decimal]:
    return [conditions.number(each) for each in values if each is not ABSENT and conditions.type_of(each) == "number"]


def _sum(values: Sequence[object]) -> object:
    return _shown(sum(_numbers(values), Decimal(0)))


def _average(values: Sequence[object]) -> object:
    numbers = _numbers(values)
    return _shown(sum(numbers, Decimal(0)) / len(numbers)) if numbers else None


def _shown(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() and abs(number) < 2**63 else float(number)


def _there(values: Sequence[object]) -> list[object]:
    return [each for each in values if each is not ABSENT and each is not None]


def _least(values: Sequence[object]) -> object:
    return min(_there(values), key=lambda each: _key({"": each}, ("",)), default=None)


def _greatest(values: Sequence[object]) -> object:
    return max(_there(values), key=lambda each: _key({"": each}, ("",)), default=None)


def _plain(value: object) -> object:
    return None if value is ABSENT else value


def _distinct(values: Sequence[object]) -> object:
    return list({_same(each): each for each in values if each is not ABSENT}.values())


def _same(value: object) -> bytes:
    """Equal for equal values: numbers by value, members in any order."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, object]", value)
        return b"{" + b",".join(name.encode() + b":" + _same(members[name]) for name in sorted(members)) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(_same(each) for each in cast("list[object]", value)) + b"]"
    if conditions.type_of(value) == "number":
        return str(conditions.number(value).normalize() + 0).encode()
    return msgspec.json.encode(value)


def _members(wanted: object) -> Mapping[str, object]:
    if not isinstance(wanted, Mapping) or not wanted:
        raise Malformed(text="A stage needs members.")
    members = cast("Mapping[str, object]", wanted)
    if len(members) > mongo.MOST_CONDITIONS or any(name.startswith("$") for name in members):
        raise Malformed(text="A stage has members that are no fields, or too many.")
    return members


_ACCUMULATORS: Final[Mapping[str, Callable[[Sequence[object]], object]]] = {
    "$sum": _sum,
    "$avg": _average,
    "$min": _least,
    "$max": _greatest,
    "$first": lambda values: _plain(values[0]),
    "$last": lambda values: _plain(values[-1]),
    "$push": lambda values: [each for each in values if each is not ABSENT],
    "$addToSet": _distinct,
    "$count": len,
}
