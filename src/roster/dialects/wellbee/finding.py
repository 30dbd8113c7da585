"""Lists of users and profiles, as they are asked for: filtered, in order, in parts, with some of their fields."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

import msgspec

from roster.core.users import documents as people
from roster.core.users import many
from roster.core.users.models import User
from roster.dialects.wellbee import documents, lookup, mongo, query, shapes
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.query import Part
from roster.dialects.wellbee.refusals import InvalidQuery, Malformed
from roster.dialects.wellbee.shapes import Shape
from roster.kit.errors import InvalidInput
from roster.kit.filters import Filter, InvalidFilter
from roster.kit.ids import UserId
from roster.storage.tx import Tx

log: Final = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A list as it is asked for; without a limit there are as many as are found at once."""

    query: Mapping[str, object]
    filter: Mapping[str, object] | None = None
    start: int = 0
    limit: int | None = None
    sort: Mapping[str, object] | None = None
    ignores_case: bool = False
    part: Part = "user"
    spoken: bool = False
    most: int = people.MOST


class Found(msgspec.Struct, frozen=True):
    """Some of the documents, and how many there are: all that match when a limit was given."""

    total: int
    documents: list[Document]


async def shown(tx: Tx, asked: Asked) -> list[Document]:
    """The documents alone: to count all that match would cost as much again.

    Raises InvalidQuery, Malformed, and as the directory does.
    """
    return (await _find(tx, asked, counted=False)).documents


async def _find(tx: Tx, asked: Asked, *, counted: bool) -> Found:
    shape = await shapes.seen(tx)
    where = _where(asked, shape)
    orders = _orders(tx, asked, shape)
    kept = None if asked.filter is None else _projection(asked.filter, shape)
    try:
        limit = asked.most if asked.limit is None else min(asked.limit, asked.most)
        found = await people.found(tx, where, orders, start=asked.start, limit=limit)
        counted = counted and asked.limit is not None
        total = await _total(tx, where, asked.start, limit, len(found)) if counted else len(found)
    except InvalidFilter as error:
        raise _translated(error) from error
    listed = await _documents(tx, found, asked.part, shape)
    return Found(total, listed if kept is None else [_project(each, *kept) for each in listed])


async def _total(tx: Tx, where: Filter, start: int, limit: int, found: int) -> int:
    """All there are, which the last part of a list tells by itself."""
    is_last = found < limit and (found or not start)
    return start + found if is_last else await people.count(tx, where)


async def profiles_of(tx: Tx, ids: Sequence[str]) -> list[Document]:
    """The profiles of these users."""
    found, shape = await many.with_ids(tx, [UserId(UUID(each)) for each in ids]), await shapes.seen(tx)
    return [documents.profile(each, shape) for each in found.values()]


async def find_or_nothing(tx: Tx, asked: Asked) -> Found:
    """The list, and how long it is in all; empty for a query that makes no sense. Raises InvalidQuery."""
    try:
        return await _find(tx, asked, counted=True)
    except Malformed as error:
        log.warning("A query made no sense: %s", error.message)
        return Found(0, [])


async def count(tx: Tx, asked: Asked) -> int:
    """How many match; none for a query that makes no sense."""
    try:
        return await people.count(tx, _where(asked, await shapes.seen(tx)))
    except Malformed:
        return 0
    except InvalidFilter as error:
        if isinstance(found := _translated(error), Malformed):
            return 0
        raise found from error


def _where(asked: Asked, shape: Shape) -> Filter:
    return query.parse(asked.query, shape, asked.part, spoken=asked.spoken)


def _translated(error: InvalidFilter) -> InvalidInput:
    """What the directory finds wrong with a value makes no sense; a field that it hides nobody may ask for."""
    kind = InvalidQuery if error.problems[0].code in ("unknown_field", "too_slow", "too_many") else Malformed
    return kind(text=error.message)


async def _documents(tx: Tx, found: Sequence[User], part: Part, shape: Shape) -> list[Document]:
    if part == "profile":
        return [documents.profile(each, shape) for each in found]
    return await lookup.shown(tx, found, expand=part == "both")


def _orders(tx: Tx, asked: Asked, shape: Shape) -> list[people.Order]:
    letters = None if asked.ignores_case else people.alphabet(tx.runtime.settings.dialects.wellbee.locale)
    found: list[people.Order] = []
    for name, direction in (asked.sort or {}).items():
        if shape.is_private(name) or name.startswith("$"):
            raise InvalidQuery(text=f"Cannot sort by {name[:100]}")
        path = mongo.path_of(name)
        if shape.is_split and path[0] == "profile" and asked.part == "both":
            path = path[1:]
        field = query.field_of(path) if path else None
        if isinstance(direction, bool) or direction not in (1, -1):
            raise Malformed(text="A sort is 1 or -1.")
        if field is not None:
            found.append(people.Order(field, direction == -1, letters))
    return found[:10]


def _projection(wanted: Mapping[str, object], shape: Shape) -> tuple[list[str], bool]:
    """Paths, and whether these are all that is wanted or all that is not."""
    if any(shape.is_private(name) or name.startswith("$") for name in wanted):
        raise InvalidQuery(text="Cannot show private fields")
    if len(wanted) > mongo.MOST_CONDITIONS:
        raise InvalidQuery(text="A filter has too many fields.")
    if not all(each in (0, 1) for each in wanted.values()) or len({bool(each) for each in wanted.values()}) > 1:
        raise Malformed(text="A filter is all 1 or all 0.")
    return list(wanted), bool(next(iter(wanted.values()), 1))


def _project(document: Document, names: Sequence[str], included: bool) -> Document:
    tree = tree_of([*names, "scopes"] if "roles" in names else names)
    return cast("Document", project(document, tree, included=included))


def tree_of(names: Sequence[str]) -> Mapping[str, object]:
    """Paths as a tree of their steps; the shorter of two paths counts."""
    tree: dict[str, object] = {}
    for name in names:
        _plant(tree, name.split(".")[:10])
    return tree


def project(value: object, tree: Mapping[str, object], *, included: bool) -> object:
    """What is left of a value when only these members stay, or all but these; of lists it holds for each element."""
    if isinstance(value, list):
        elements = [project(each, tree, included=included) for each in cast("list[object]", value)]
        return [each for each in elements if each is not _GONE]
    if not isinstance(value, Mapping):
        return _GONE if included else value
    members = cast("Mapping[str, object]", value)
    left = {name: _left(member, tree.get(name), included=included) for name, member in members.items()}
    return {name: member for name, member in left.items() if member is not _GONE}


def _left(member: object, below: object, *, included: bool) -> object:
    if below is None:
        return _GONE if included else member
    if not below:
        return member if included else _GONE
    return project(member, cast("Mapping[str, object]", below), included=included)


_GONE: Final = object()


def _plant(tree: dict[str, object], steps: Sequence[str]) -> None:
    for at, step in enumerate(steps):
        below = cast("dict[str, object] | None", tree.get(step))
        if below is not None and not below:
            return
        if at == len(steps) - 1:
            tree[step] = {}
            return
        tree = cast("dict[str, object]", tree.setdefault(step, {}))
