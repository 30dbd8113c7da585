"""Queries about users and profiles as filters of the directory: where each field of a document is kept there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from roster.dialects.wellbee import mongo
from roster.dialects.wellbee.catalogue import NAME, stored_name
from roster.dialects.wellbee.documents import TEXTS, VERIFYING
from roster.dialects.wellbee.mongo import Query, Words
from roster.dialects.wellbee.refusals import Malformed
from roster.dialects.wellbee.shapes import Shape
from roster.kit import documents, ids, values
from roster.kit.documents import Element, Equals, Every, Like, Opposite, Ordered, Path, Plain, Sign, Test, under
from roster.kit.filters import EVERYTHING, All, AnyOf, Compare, Filter, Holds, Not, Op, Some
from roster.kit.values import Kind, WrongValue

Part = Literal["user", "both", "profile"]
"""What a query is about: users, users with their profiles in them, or profiles."""
NOTHING: Final = AnyOf(())
_COLUMNS: Final[Mapping[str, str]] = {**TEXTS, "userName": "own_username"}
_TIMES: Final[Mapping[str, str]] = {"created": "created_at", "updated": "updated_at"}
_OPS: Final[Mapping[Sign, Op]] = {"<": Op.LT, "<=": Op.LT, ">": Op.GE, ">=": Op.GE}
_SHOWN: Final = timedelta(milliseconds=1)
"""Times are shown without what is finer, and are compared as they are shown."""
_NOW: Final = timedelta()
_SOME_TIME: Final = "2026-01-01T00:00:00.000Z"


def parse(query: object, shape: Shape, part: Part = "user", *, spoken: bool = False) -> Filter:
    """The filter that a query is. Raises InvalidQuery for what nobody may ask, Malformed for what makes no sense."""
    mongo.screen(query, shape)
    if not isinstance(query, Mapping):
        raise Malformed
    return _Query(Words(shape, spoken), part).filter(cast("Query", query))


class _Query:
    def __init__(self, words: Words, part: Part) -> None:
        self._words = words
        self._part = part

    def filter(self, query: Query) -> Filter:
        return All(tuple(self._member(name, value) for name, value in query.items() if name != "$comment"))

    def _member(self, name: str, value: object) -> Filter:
        if mongo.is_group(name):
            parts = tuple(self.filter(each) for each in mongo.group(name, value))
            return All(parts) if name == "$and" else AnyOf(parts) if name == "$or" else Not(AnyOf(parts))
        if name.startswith("$"):
            raise Malformed(text=f"{name} does not stand beside fields.")
        return self._leaf(mongo.path_of(name), mongo.comparisons(value, self._words))

    def _leaf(self, path: Path, test: Test) -> Filter:
        match test:
            case Every():
                return All(tuple(self._leaf(path, each) for each in test.parts))
            case documents.Either():
                return AnyOf(tuple(self._leaf(path, each) for each in test.parts))
            case Opposite():
                return Not(self._leaf(path, test.part))
            case _:
                return self._placed(path, test)

    def _placed(self, path: Path, test: Test) -> Filter:
        """Fields of the part that the query is not about are never there."""
        shape, name = self._words.shape, path[0]
        if self._part == "profile":
            return _kept(path, test) if self._is_of_profiles(name) else _constant(path, test, {})
        if shape.is_split and name == "profile":
            inside = path[1:]
            there = self._part == "both" and any(map(self._is_of_profiles, inside[:1]))
            return _kept(inside, test) if there else _constant(path, test, {})
        return _constant(path, test, {}) if shape.in_profile(name) else _kept(path, test)

    def _is_of_profiles(self, name: str) -> bool:
        return self._words.shape.in_profile(name) or name in ("id", "metadata")


def field_of(path: Path) -> str | None:
    """The directory's field that a path is sorted by; None for what has no order."""
    name = path[0]
    if name == "metadata" and len(path) == 2:
        return _TIMES.get(path[1])
    if name in _COLUMNS or name == "id":
        return _COLUMNS.get(name, name) if len(path) == 1 else None
    return {"emailVerified": "email_verified_at", "deactivated": "status", "roles": "first_role"}.get(
        name, "attributes." + ".".join(path)
    )


def _kept(path: Path, test: Test) -> Filter:
    special = _SPECIAL.get(path[0])
    if special is not None:
        return special(path, test)
    if path[0] in _COLUMNS:
        return _text(path, test)
    return Holds("attributes." + path[0], under(test, path[1:]))


def _constant(path: Path, test: Test, document: Mapping[str, object]) -> Filter:
    """The answer for a document that is the same for everybody."""
    try:
        return EVERYTHING if documents.holds(under(test, path), document) else NOTHING
    except documents.Unanswerable:
        return NOTHING


def _id(path: Path, test: Test) -> Filter:
    if isinstance(test, Equals) and len(path) == 1:
        found = [parsed for each in test.choices if isinstance(each, str) and (parsed := ids.parse(each))]
        return Compare("id", Op.IN, found) if found else NOTHING
    return Holds("id", under(test, path[1:]))


def _text(path: Path, test: Test) -> Filter:
    """Addresses without regard to case; of user names what an index finds so, and beside it the exact condition."""
    name = path[0]
    column = _COLUMNS[name]
    exact = Holds(column, under(test, path[1:]))
    if not isinstance(test, Equals) or len(path) > 1 or name not in ("email", "userName"):
        return exact
    texts = [each for each in test.choices if isinstance(each, str)]
    near = Compare(TEXTS[name], Op.IN, texts) if texts else NOTHING
    if column == "email":
        return AnyOf((near, Not(Compare("email", Op.EXISTS, True)))) if None in test.choices else near
    return exact if None in test.choices else All((near, exact))


def _roles(path: Path, test: Test) -> Filter:
    stored = _renamed(test)
    exact = Holds("roles", under(stored, path[1:]))
    if not isinstance(stored, Equals) or len(path) > 1 or not all(isinstance(each, str) for each in stored.choices):
        return exact
    return All((Some("assignments", Compare("role", Op.IN, list(stored.choices))), exact))


def _renamed(test: Test) -> Test:
    """Roles as the directory calls them."""
    match test:
        case Equals():
            return Equals(test.path, tuple(_stored(each) for each in test.choices))
        case documents.Same() if isinstance(test.value, list):
            return documents.Same(test.path, [_stored(each) for each in cast("list[object]", test.value)])  # pyright: ignore[reportUnknownMemberType]
        case Element():
            return Element(test.path, _renamed(test.part))
        case Every() | documents.Either():
            return type(test)(tuple(map(_renamed, test.parts)))
        case Opposite():
            return Opposite(_renamed(test.part))
        case _:
            return test


def _stored(name: object) -> Plain:
    return stored_name(name) if isinstance(name, str) else cast("Plain", name)


def _verified(path: Path, test: Test) -> Filter:
    verified = Compare("email_verified_at", Op.EXISTS, True)
    waiting = Holds("facets", Equals((NAME, VERIFYING), (True,)))
    cases: Sequence[tuple[Mapping[str, object], Filter]] = (
        ({"emailVerified": True}, verified),
        ({"emailVerified": False}, All((Not(verified), waiting))),
        ({}, All((Not(verified), Not(waiting)))),
    )
    return AnyOf(tuple(where for document, where in cases if _constant(path, test, document) is EVERYTHING))


def _deactivated(path: Path, test: Test) -> Filter:
    disabled = Compare("status", Op.EQ, "disabled")
    cases: Sequence[tuple[Mapping[str, object], Filter]] = (({"deactivated": True}, disabled), ({}, Not(disabled)))
    return AnyOf(tuple(where for document, where in cases if _constant(path, test, document) is EVERYTHING))


def _metadata(path: Path, test: Test) -> Filter:
    column = _TIMES.get(path[1]) if len(path) == 2 else None
    if column is not None and isinstance(test, Equals):
        return AnyOf(tuple(_at(column, each) for each in test.choices if each is not None))
    if column is not None and isinstance(test, Ordered):
        later = test.sign in ("<=", ">")
        return Compare(column, _OPS[test.sign], _instant(test.value, _SHOWN if later else _NOW))
    if isinstance(test, Like):
        raise Malformed(text="Times are not found by expressions.")
    return _constant(path, test, {"metadata": dict.fromkeys(_TIMES, _SOME_TIME)})


def _at(column: str, value: object) -> Filter:
    return All((Compare(column, Op.GE, _instant(value)), Compare(column, Op.LT, _instant(value, _SHOWN))))


def _instant(value: object, later: timedelta = _NOW) -> datetime:
    if not isinstance(value, str):
        raise Malformed(text="Times are texts.")
    try:
        return cast("datetime", values.parse(Kind.INSTANT, value)) + later
    except (WrongValue, OverflowError) as error:
        raise Malformed(text=str(error)) from None


def _missing(path: Path, test: Test) -> Filter:
    return _constant(path, test, {})


_SPECIAL: Final[Mapping[str, Callable[[Path, Test], Filter]]] = {
    "id": _id,
    "roles": _roles,
    "emailVerified": _verified,
    "deactivated": _deactivated,
    "metadata": _metadata,
    "scopes": _missing,
}
