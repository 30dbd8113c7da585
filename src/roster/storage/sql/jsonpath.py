"""Conditions of `kit.documents` in PostgreSQL's path language (jsonpath, lax mode).

Every part is spelled so that it is true or false, never unknown: comparisons stand inside of `exists`. What comes from
a caller is a literal inside of the path, which itself is a parameter of the statement.
"""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product

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
    Sized,
    Test,
    is_index,
)

_KINDS = {
    "number": '@.type() == "number"',
    "integer": '(@.type() == "number" && @ == @.floor())',
    "fraction": '(@.type() == "number" && @ != @.floor())',
    "string": '@.type() == "string"',
    "object": '@.type() == "object"',
    "boolean": '@.type() == "boolean"',
    "null": "@ == null",
}


def spelled(test: Test, root: str = "$") -> str:
    """The condition as a predicate about what `root` is. Raises TypeError for `Same`, which is SQL."""
    match test:
        case Every():
            return _joined([spelled(each, root) for each in test.parts], "&&")
        case Either():
            return _joined([spelled(each, root) for each in test.parts], "||")
        case Opposite():
            return f"(!{spelled(test.part, root)})"
        case Element():
            return _element(test, root)
        case _:
            return _comparison(test, root)


def _comparison(test: Test, root: str) -> str:
    match test:
        case Equals():
            return _equals(test, root)
        case Ordered():
            return _some(test.path, root, f"@ {test.sign} {literal(test.value)}")
        case Like():
            flags = f" flag {literal(test.flags)}" if test.flags else ""
            return _some(test.path, root, f"@ like_regex {literal(test.sql)}{flags}")
        case Present():
            return _joined([f"exists ({each})" for each in places(test.path, root)], "||")
        case OfType():
            return _of_type(test, root)
        case Sized():
            return _of_lists(test.path, root, f".size() == {test.size:d}")
        case _:
            raise TypeError("a whole value is compared in SQL")


def places(path: Path, root: str) -> Iterator[str]:
    """All that the path can mean: a number is a name or an element."""
    for steps in product(*map(_accessors, path)):
        yield root + "".join(steps)


def literal(value: Plain) -> str:
    """A plain value as the path language writes it, which is as JSON does."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False)


def named(step: str) -> str:
    """The step to a member of this name."""
    return "." + json.dumps(step, ensure_ascii=False)


def _accessors(step: str) -> list[str]:
    name = named(step)
    return [name, f"[{int(step)}]"] if is_index(step) else [name]


def _equals(test: Equals, root: str) -> str:
    found = _some(test.path, root, " || ".join([f"@ == {literal(each)}" for each in test.choices] or ["1 == 0"]))
    if None not in test.choices:
        return found
    return f"(!{spelled(Present(test.path), root)} || {found})"


def _of_type(test: OfType, root: str) -> str:
    plain = [_KINDS[each] for each in test.types if each != "array"]
    found = [_some(test.path, root, " || ".join(plain))] if plain else []
    if "array" in test.types:
        found.append(_of_lists(test.path, root, ".size() >= 0"))
    return _joined(found, "||")


def _of_lists(path: Path, root: str, said: str) -> str:
    """A statement about lists as wholes: they are looked at from outside, where nothing takes them apart."""
    if not path:
        return f'({root}.type() == "array" && {root}{said})'
    found = [
        f'exists ({outside} ? (@{last}.type() == "array" && @{last}{said}))'
        for outside in places(path[:-1], root)
        for last in _accessors(path[-1])
    ]
    return _joined(found, "||")


def _element(test: Element, root: str) -> str:
    part = spelled(test.part, "@")
    if not test.path:
        return f'({root}.type() == "array" && exists ({root}[*] ? ({part})))'
    found = [
        f'exists ({outside} ? (@{last}.type() == "array"){last}[*] ? ({part}))'
        for outside in places(test.path[:-1], root)
        for last in _accessors(test.path[-1])
    ]
    return _joined(found, "||")


def _some(path: Path, root: str, said: str) -> str:
    return _joined([f"exists ({each} ? ({said}))" for each in places(path, root)], "||")


def _joined(parts: Sequence[str], sign: str) -> str:
    if not parts:
        return "(1 == 1)" if sign == "&&" else "(1 == 0)"
    return "(" + f" {sign} ".join(parts) + ")"
