"""Queries about the audit trail as filters of the directory.

They are in the language of those about people (`mongo`). What can be asked for is what finds entries: whom they are
about, what was done, when and in which conversation; not what they say of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, cast

from roster.dialects.wellbee import mongo, shapes
from roster.dialects.wellbee.mongo import Query, Words
from roster.dialects.wellbee.refusals import InvalidQuery, Malformed
from roster.kit import ids, values
from roster.kit.documents import Either, Equals, Every, Opposite, Ordered, Present, Test
from roster.kit.errors import InvalidInput
from roster.kit.filters import All, AnyOf, Compare, Filter, Not, Op, Sort
from roster.kit.values import Kind, WrongValue
from roster.storage.runtime import Runtime

_COLUMNS: Final[Mapping[str, str]] = {
    "id": "id",
    "userId": "subject_id",
    "action": "action",
    "timestamp": "at",
    "reqId": "request_id",
}
_IDS: Final = ("id", "subject_id")
_WHEN: Final = "at"
_SHOWN: Final = timedelta(milliseconds=1)
"""Times are shown without what is finer, and are compared as they are shown."""
_NOTHING: Final = AnyOf(())
_MOST_SORTS: Final = 5


def parse(runtime: Runtime, query: Query) -> Filter:
    """The filter that a query is. Raises InvalidInput for what cannot be asked."""
    words = Words(shapes.of(runtime))
    try:
        mongo.screen(query, words.shape)
        return _filter(query, words)
    except (InvalidQuery, Malformed) as error:
        raise InvalidInput.of("query", "wrong_value", error.message) from error


def sorts(wanted: Mapping[str, object]) -> tuple[Sort, ...]:
    """The order that is asked for; entries have one by their time only. Raises InvalidInput."""
    if len(wanted) > _MOST_SORTS:
        raise InvalidInput.of("sort", "too_many", "has too many fields")
    return tuple(_sort(name, direction) for name, direction in wanted.items())


def _sort(name: str, direction: object) -> Sort:
    if name != "timestamp" or isinstance(direction, bool) or direction not in (1, -1):
        raise InvalidInput.of("sort", "wrong_value", "should be timestamp, with 1 or -1")
    return Sort(_WHEN, descending=direction == -1)


def _filter(query: Query, words: Words) -> Filter:
    return All(tuple(_member(name, value, words) for name, value in query.items() if name != "$comment"))


def _member(name: str, value: object, words: Words) -> Filter:
    if mongo.is_group(name):
        parts = tuple(_filter(each, words) for each in mongo.group(name, value))
        return All(parts) if name == "$and" else AnyOf(parts) if name == "$or" else Not(AnyOf(parts))
    column = _COLUMNS.get(name)
    if column is None:
        raise Malformed(text=f"Entries are not found by {name[:100]}.")
    return _leaf(column, mongo.comparisons(value, words))


def _leaf(column: str, test: Test) -> Filter:
    match test:
        case Every():
            return All(tuple(_leaf(column, each) for each in test.parts))
        case Either():
            return AnyOf(tuple(_leaf(column, each) for each in test.parts))
        case Opposite():
            return Not(_leaf(column, test.part))
        case Equals():
            return AnyOf(tuple(_equal(column, each) for each in test.choices))
        case Present():
            return Compare(column, Op.EXISTS, True)
        case Ordered():
            return _ordered(column, test)
        case _:
            raise Malformed(text="Entries are not found by conditions of this kind.")


def _equal(column: str, value: object) -> Filter:
    if value is None:
        return Not(Compare(column, Op.EXISTS, True))
    if not isinstance(value, str):
        return _NOTHING
    if column == _WHEN:
        at = _instant(value)
        return All((Compare(_WHEN, Op.GE, at), Compare(_WHEN, Op.LT, at + _SHOWN)))
    if column not in _IDS:
        return Compare(column, Op.EQ, value)
    parsed = ids.parse(value)
    return _NOTHING if parsed is None else Compare(column, Op.EQ, parsed)


def _ordered(column: str, test: Ordered) -> Filter:
    if column != _WHEN or not isinstance(test.value, str):
        raise Malformed(text="Only times are compared so, and they are texts.")
    later = _SHOWN if test.sign in ("<=", ">") else timedelta()
    is_before = test.sign in ("<", "<=")
    return Compare(_WHEN, Op.LT if is_before else Op.GE, _instant(test.value) + later)


def _instant(text: str) -> datetime:
    try:
        return cast("datetime", values.parse(Kind.INSTANT, text))
    except (WrongValue, OverflowError) as error:
        raise Malformed(text=str(error)) from None
