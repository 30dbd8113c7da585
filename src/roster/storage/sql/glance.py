"""What the sketch of a row must hold if the row is to match: the cheap question before the exact one.

A sketch is a column with the row's texts, kept in the indexes that lists are sorted by. Where it is NULL, or a filter
asks for something else, only the row itself tells.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

from roster.kit import text
from roster.kit.filters import All, AnyOf, Compare, Field, Fields, Filter, Op
from roster.kit.values import Kind
from roster.storage.sql.parameters import Parameters

Needles: TypeAlias = list[frozenset[str]]
"""Of each set the sketch holds at least one."""

_PARTS = frozenset({Op.CONTAINS, Op.STARTS, Op.ENDS})
_FEW = 8
_GRAM = 3
_BEGINNINGS = (1, 3, 5)  # letters of those that an index knows of every name that has so many
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789åäæöøüéèáàíóúçñł.-_@ "


def needles(where: Filter, fields: Fields) -> Needles:
    """What every row that matches has in its sketch; nothing when that cannot be said."""
    match where:
        case All():
            return [needle for part in where.parts for needle in needles(part, fields)]
        case AnyOf():
            found = [needles(part, fields) for part in where.parts]
            either = frozenset[str]().union(*(each[0] for each in found if each))
            return [either] if found and all(found) and len(either) <= _FEW else []
        case Compare():
            found = _texts(fields[where.field], where.op, where.value)
            return [frozenset(found)] if found and all(found) and len(found) <= _FEW else []
        case _:
            return []


def about(where: Filter, fields: Fields, realm_id: UUID, holding: Callable[[Sequence[int]], float]) -> float:
    """About how many rows match, at most; infinite where trigrams do not tell. `holding` says how many hold some."""
    match where:
        case All():
            return min((about(part, fields, realm_id, holding) for part in where.parts), default=inf)
        case AnyOf():  # mostly the same text in several fields
            return max((about(part, fields, realm_id, holding) for part in where.parts), default=0.0)
        case Compare(value=str(needle)) if (field := fields[where.field]).grams is not None:
            return _holding(field, where.op, text.fold(needle), lambda part: holding(text.grams(realm_id, part)))
        case Compare(op=Op.EQ, value=value) if (field := fields[where.field]).member and field.pairs is not None:
            return holding([text.pair(realm_id, field.member, value)])
        case _:
            return inf


def _holding(field: Field, op: Op, needle: str, holding: Callable[[str], float]) -> float:
    """Of two letters that begin a range of an index, those that have any third one after them somewhere."""
    if op is Op.STARTS and field.indexed and len(needle) == _GRAM - 1:
        return sum(holding(needle + letter) for letter in _LETTERS) or inf
    is_looked_up = op in _PARTS or (op is Op.EQ and not field.indexed)
    return holding(needle) if is_looked_up and len(needle) >= _GRAM else inf


def is_vague(where: Filter, fields: Fields) -> bool:
    """Whether it asks for nothing but parts of texts that are too short for trigrams, so that no index finds them."""
    match where:
        case All():
            return bool(where.parts) and all(is_vague(part, fields) for part in where.parts)
        case AnyOf():
            return any(is_vague(part, fields) for part in where.parts)
        case Compare(value=str(needle)) if where.op in _PARTS and fields[where.field].grams is not None:
            by_range = where.op is Op.STARTS and fields[where.field].indexed
            return not by_range and len(text.fold(needle)) < _GRAM
        case _:
            return False


def crowds(where: Filter, fields: Fields, beginnings: Mapping[str, float], *, least: float) -> list[str]:
    """Of beginnings that many names have, those behind which nearly everybody matches: what is looked for is in them.

    `beginnings` says how many have each; fewer than `least` are no crowd, nor is a whole name of two or four letters.
    One that begins with another is in the other.
    """
    wanted = needles(where, fields)
    fitting: Collection[str] = beginnings if wanted else ()
    for some in wanted:
        fitting = {each for needle in some for each in fitting if needle[: _BEGINNINGS[-1]] in each}
    found: list[str] = []
    for each in sorted(fitting, key=len):
        is_crowd = len(each) in _BEGINNINGS and beginnings[each] >= least
        if is_crowd and not each.startswith(tuple(found)):
            found.append(each)
    return found


def past(beginning: str) -> str:
    """The least text, in the order of code points, that is greater than all with this beginning of printable signs."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


def sketched(column: LiteralString, wanted: Needles, parameters: Parameters) -> LiteralString:
    """The condition on the sketch."""
    return " AND ".join([_either(column, each, parameters) for each in wanted])


def _either(column: LiteralString, some: frozenset[str], parameters: Parameters) -> LiteralString:
    held: list[LiteralString] = [_holds(column, each, parameters) for each in sorted(some)]
    return "(" + column + " IS NULL OR " + " OR ".join(held) + ")"


def _holds(column: LiteralString, needle: str, parameters: Parameters) -> LiteralString:
    return "strpos(" + column + ", " + parameters.add(needle, "text") + ") > 0"


def _texts(field: Field, op: Op, value: Any) -> Sequence[str]:
    if field.sketch is None:
        return ()
    choices: Sequence[object] = value if op is Op.IN else (value,)
    if field.key is not None and (op in _PARTS or op in (Op.EQ, Op.IN)):
        return [text.fold(str(choice)) for choice in choices]
    if field.member and field.kind in (Kind.TEXT, Kind.TEXT_LIST, Kind.JSON) and _is_whole(field, op):
        return [json.dumps(choice, ensure_ascii=False) if isinstance(choice, str) else "" for choice in choices]
    return ()


def _is_whole(field: Field, op: Op) -> bool:
    """Whether the whole of a value in a custom field is asked for, as it stands in the JSON text."""
    return op in (Op.EQ, Op.IN) or (op is Op.CONTAINS and field.kind is Kind.TEXT_LIST)
