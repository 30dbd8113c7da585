"""The search language: query objects -> `kit.filters` (contract: UserSearchQuery, RoleSearchQuery; notes, section 7).

    {"and": [{"lastname": {"like": "^Oka"}}, {"facilityLimitations": {"contains": {"eq": "fac-muc-01"}}}]}

A subject says with a table what stands behind each member of its queries. Members side by side must all hold. What the
table does not know is refused, as is a filter without an operator: one that is passed over would show too much.
"""

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

import msgspec

from roster.kit import clock, filters, patterns
from roster.kit.errors import InvalidInput
from roster.kit.filters import EVERYTHING, All, AnyOf, Compare, Filter, Limits, Not, Op, Some, Sort

LIMITS: Final = Limits(depth=64, terms=1000, choices=500, text=256)
"""What one search may ask for; the contract sets the lengths, the number of terms is ours."""
_DEEPEST: Final = 16
_MOST_GROUPED: Final = 500
_MOST_CHOICES: Final = 25
_MOST_NAMED: Final = 500
_LONGEST: Final = 256
_ORDERED: Final = {"gt": Op.GT, "gte": Op.GE, "lt": Op.LT, "lte": Op.LE}
_RELATIVE: Final = {"after": Op.GT, "before": Op.LT}
_MINUS: Final = "-\u2212\u2012\u2013"
"""Hyphen, minus sign, figure dash, and the en dash of the vendor's own text."""
_DURATION: Final = re.compile(
    rf"([+{_MINUS}])?P(?:(\d{{1,6}})Y)?(?:(\d{{1,6}})M)?(?:(\d{{1,6}})W)?(?:(\d{{1,6}})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:[.,](\d{1,9}))?S)?)?",
    re.ASCII,
)


class Place(msgspec.Struct, frozen=True):
    """Where in the query something stands, for what is said about it; and the time that durations count from."""

    path: str
    now: datetime

    def at(self, name: str) -> "Place":
        """A member of what stands here."""
        return Place(f"{self.path}.{name}"[:200] if self.path else name[:200], self.now)

    def wrong(self, text: str, code: str = "wrong_value") -> InvalidInput:
        """What is wrong here."""
        return filters.problem(self.path, code, text)


Reader: TypeAlias = Callable[[Place, object], Filter]
Members: TypeAlias = Mapping[str, Reader]


# queries


def query(given: object, members: Members, now: datetime) -> Filter:
    """The filter that a query asks for. Raises InvalidFilter, whatever is given."""
    return _query(Place("query", now), given, members, 1)


def _query(place: Place, given: object, members: Members, depth: int) -> Filter:
    if depth > _DEEPEST:
        raise place.wrong(f"Queries are nested at most {_DEEPEST} deep.", "too_deep")
    return _all([_part(place, name, value, members, depth) for name, value in _object(place, given).items()])


def _part(place: Place, name: str, given: object, members: Members, depth: int) -> Filter:
    if name not in ("and", "or"):
        return _member(place, name, members)(place.at(name), given)
    inside = place.at(name)
    parts = _array(inside, given, _MOST_GROUPED)
    if name == "or" and not parts:
        raise inside.wrong("One of no queries cannot hold.")
    found = tuple(_query(inside, part, members, depth + 1) for part in parts)
    return All(found) if name == "and" else AnyOf(found)


def _member(place: Place, name: str, members: Members) -> Reader:
    found = members.get(name)
    if found is None:
        raise place.at(name).wrong("There is no such member to search by.", "unknown_field")
    return found


# what stands behind a member


def text(field: str, *, pattern: bool = False, empty: bool = False, only_equal: bool = False) -> Reader:
    """A string; `pattern` allows `like`, and where `empty`, the empty text stands for no value."""

    def equal(place: Place, given: object) -> Filter:
        return any_of([_string(place, given)])

    def one_of(place: Place, given: object) -> Filter:
        return any_of([_string(place, each) for each in _array(place, given, _MOST_CHOICES)])

    def any_of(choices: Sequence[str]) -> Filter:
        found = Compare(field, Op.EQ, choices[0]) if len(choices) == 1 else Compare(field, Op.IN, tuple(choices))
        return AnyOf((Compare(field, Op.EXISTS, value=False), found)) if empty and "" in choices else found

    def like(place: Place, given: object) -> Filter:
        return _like(field, _string(place, given))

    operators: dict[str, Reader] = {"eq": equal, "notEq": _negated(equal)}
    if not only_equal:
        operators |= {"in": one_of, "notIn": _negated(one_of)}
    return _operators({**operators, "like": like} if pattern else operators)


def _like(field: str, pattern: str) -> Filter:
    """Most expressions are texts, perhaps with `^` before them, which are found faster than expressions."""
    part = pattern.removeprefix("^")
    if not patterns.is_plain(part):
        return Compare(field, Op.MATCHES, pattern)
    return Compare(field, Op.STARTS if part != pattern else Op.CONTAINS, part)


def choice(meanings: Mapping[str, Filter]) -> Reader:
    """One of several words, each of which means a filter."""

    def equal(place: Place, given: object) -> Filter:
        found = meanings.get(given) if isinstance(given, str) else None
        if found is None:
            raise place.wrong("The value must be one of " + ", ".join(meanings) + ".")
        return found

    def one_of(place: Place, given: object) -> Filter:
        return AnyOf(tuple(equal(place, each) for each in _array(place, given, _MOST_NAMED)))

    return _operators({"eq": equal, "notEq": _negated(equal), "in": one_of})


def instant(field: str) -> Reader:
    """A time, or a duration from now."""
    return _operators(_times(field))


def some(field: str, members: Members, *, exists: Filter | None = None) -> Reader:
    """A list: one element fulfils the nested filter; `exists` is what says that there is one."""
    present = exists or Some(field, EVERYTHING)

    def contains(place: Place, given: object) -> Filter:
        return Some(field, nested(members)(place, given))

    def is_there(place: Place, given: object) -> Filter:
        return present if _flag(place, given) else Not(present)

    return _operators({"contains": contains, "exists": is_there})


def within(field: str, reader: Reader, *, exists: Filter) -> Reader:
    """A list inside of each element of another, as one list of them all."""

    def contains(place: Place, given: object) -> Filter:
        return Some(field, reader(place, {"contains": given}))

    def is_there(place: Place, given: object) -> Filter:
        return exists if _flag(place, given) else Not(exists)

    return _operators({"contains": contains, "exists": is_there})


def texts(field: str, *, exists: Filter | None = None) -> Reader:
    """A list of strings, which are rows with a `value`."""
    return some(field, _unpacked(text("value", only_equal=True)), exists=exists)


def nested(members: Members) -> Reader:
    """An object with members of its own, or an operator for each of them."""
    return _operators(members)


def custom(prefix: str) -> Reader:
    """Custom attributes by name, of any type. A name has no dot and does not begin with a dollar sign."""

    def read(place: Place, given: object) -> Filter:
        return _all([one(place.at(name), name, value) for name, value in _filled(place, given).items()])

    def one(place: Place, name: str, given: object) -> Filter:
        return _operators({"eq": equal(name), "notEq": _negated(equal(name)), **_times(_named(place, prefix, name))})(
            place, given
        )

    def equal(name: str) -> Reader:
        return lambda place, given: Compare(_named(place, prefix, name), Op.EQ, _scalar(place, given))

    return read


def _named(place: Place, prefix: str, name: str) -> str:
    if not name or "." in name or name.startswith("$"):
        raise place.wrong("The name of a custom attribute has no dot and begins with no dollar sign.", "invalid_name")
    return f"{prefix}.{name}"


def _unpacked(reader: Reader) -> Members:
    """The operators of a reader as members of the element itself."""
    return {name: lambda place, given, name=name: reader(place, {name: given}) for name in ("eq", "notEq")}


def _operators(known: Mapping[str, Reader]) -> Reader:
    def read(place: Place, given: object) -> Filter:
        filled = _filled(place, given)
        return _all([_operator(place, name, known)(place.at(name), value) for name, value in filled.items()])

    return read


def _operator(place: Place, name: str, known: Mapping[str, Reader]) -> Reader:
    found = known.get(name)
    if found is None:
        raise place.at(name).wrong("There is no such operator or member here.", "wrong_operator")
    return found


def _negated(reader: Reader) -> Reader:
    return lambda place, given: Not(reader(place, given))


def _all(parts: Sequence[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


# values


def _times(field: str) -> Mapping[str, Reader]:
    def absolute(op: Op) -> Reader:
        return lambda place, given: Compare(field, op, _scalar(place, given))

    def relative(op: Op) -> Reader:
        return lambda place, given: Compare(field, op, clock.instant(_from_now(place, _string(place, given))))

    return {
        "eq": absolute(Op.EQ),
        "notEq": _negated(absolute(Op.EQ)),
        **{name: absolute(op) for name, op in _ORDERED.items()},
        **{name: relative(op) for name, op in _RELATIVE.items()},
    }


def _from_now(place: Place, given: str) -> datetime:
    """ISO 8601 duration, with a sign before it; a month is counted as in a calendar."""
    found = _DURATION.fullmatch(given)
    if found is None or not any(found.groups()[1:]):
        raise place.wrong("The value must be an ISO 8601 duration such as -P1D.")
    sign = -1 if found[1] and found[1] in _MINUS else 1
    years, months, weeks, days, hours, minutes, seconds = (sign * int(each or 0) for each in found.groups()[1:8])
    part = sign * int((found[9] or "").ljust(6, "0")[:6])
    try:
        start = _months_later(place.now, years * 12 + months)
        return start + timedelta(days, seconds, part, minutes=minutes, hours=hours, weeks=weeks)
    except (OverflowError, ValueError):
        raise place.wrong("The duration leads out of the calendar.") from None


def _months_later(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


def _object(place: Place, given: object) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise place.wrong("The value must be an object.")
    return cast("Mapping[str, object]", given)


def _filled(place: Place, given: object) -> Mapping[str, object]:
    found = _object(place, given)
    if not found:
        raise place.wrong("A filter says how to compare.", "empty_filter")
    return found


def _array(place: Place, given: object, most: int) -> Sequence[object]:
    if not isinstance(given, list):
        raise place.wrong("The value must be a list.")
    found = cast("Sequence[object]", given)
    if len(found) > most:
        raise place.wrong(f"The list has at most {most} entries.", "too_many")
    return found


def _string(place: Place, given: object) -> str:
    if not isinstance(given, str):
        raise place.wrong("The value must be a text.")
    if len(given) > _LONGEST:
        raise place.wrong(f"The text has at most {_LONGEST} characters.", "too_long")
    return given


def _flag(place: Place, given: object) -> bool:
    if not isinstance(given, bool):
        raise place.wrong("The value must be true or false.")
    return given


def _scalar(place: Place, given: object) -> str | int | float | bool:
    if isinstance(given, bool | int | float):
        return given
    return _string(place, given)


# order

Directions: TypeAlias = Mapping[str, "str | Directions"]
"""Members that can be sorted by, and the directory's field behind each; `*` stands for any name and `name` in it."""


def sorts(given: Sequence[Mapping[str, object]] | None, known: Directions) -> tuple[Sort, ...]:
    """The one key of an order, if there is one. Raises InvalidFilter."""
    if given is None:
        return ()
    place = Place("sort", clock.now())
    if len(given) != 1:
        raise place.wrong("There is exactly one sort.", "too_many")
    return (_sort(place, given[0], known),)


def _sort(place: Place, given: object, known: Directions) -> Sort:
    entries = list(_object(place, given).items())
    if len(entries) != 1:
        raise place.wrong("A sort names exactly one member.", "too_many")
    name, value = entries[0]
    found, inside = known.get(name) or known.get("*"), place.at(name)
    if found is None:
        raise inside.wrong("This member cannot be sorted by.", "not_sortable")
    if not isinstance(found, str):
        return _sort(inside, value, found)
    if value not in ("ASC", "DESC"):
        raise inside.wrong("A direction is ASC or DESC.")
    field = _named(inside, found.removesuffix(".*"), name) if found.endswith(".*") else found
    return Sort(field, descending=value == "DESC")
