"""Aggregations over users (notes, section 18): the first stages in PostgreSQL, the others here over what is left.

What comes first of `$match`, then `$sort`, `$skip` and `$limit`, the directory does. Everything else is about at most
ten thousand documents, and every stage may make no more than that; what they hold together is bounded too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

import msgspec

from roster.core.users import documents as people
from roster.dialects.wellbee import finding, mongo, shapes
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.expressions import ABSENT, Rows, added, grouped, ordered, projected, unset, with_fields
from roster.dialects.wellbee.finding import Asked
from roster.dialects.wellbee.mongo import Words
from roster.dialects.wellbee.refusals import Malformed, NotExposed
from roster.dialects.wellbee.shapes import Shape
from roster.kit import documents as conditions
from roster.storage.tx import Tx

Stage = tuple[str, object]

MOST: Final = people.MOST
_MOST_STAGES: Final = 20
_LARGEST: Final = 1_000_000
"""Plain values that all documents after a stage hold together."""


class Pipeline(msgspec.Struct, frozen=True):
    """What the directory does, and the stages after that."""

    asked: Asked
    rest: tuple[Stage, ...]


async def run(tx: Tx, stages: Sequence[Mapping[str, object]]) -> list[Document]:
    """What comes out in the end. Raises NotExposed, Malformed, and as queries do."""
    shape = await shapes.seen(tx)
    pipeline = _read(stages, shape)
    if pipeline.rest and pipeline.rest[0][0] == "$count" and pipeline.asked.limit is None:
        name = _count_name(pipeline.rest[0][1])
        found = await finding.count(tx, pipeline.asked)
        rows: Rows = [{name: found}] if found else []
        return _after(rows, pipeline.rest[1:], {}, shape)
    rows = await finding.shown(tx, _bounded(pipeline.asked))
    if len(rows) > MOST:
        raise Malformed(text=f"An aggregation is over at most {MOST} users.")
    profiles = await _profiles(tx, rows, pipeline.rest, shape)
    return await tx.runtime.workers.run(_after, rows, pipeline.rest, profiles, shape)  # long, perhaps: on a thread


def _read(stages: Sequence[Mapping[str, object]], shape: Shape) -> Pipeline:
    if not 1 <= len(stages) <= _MOST_STAGES:
        raise Malformed(text=f"An aggregation has 1 to {_MOST_STAGES} stages.")
    read = [_stage(each) for each in stages]
    for _, wanted in read:
        _screen(wanted, shape, 0)
    asked, at = Asked(query={}), 0
    matches: list[object] = []
    while at < len(read) and read[at][0] == "$match":
        matches.append(read[at][1])
        at += 1
    asked = msgspec.structs.replace(asked, query={"$and": matches} if matches else {})
    for name in ("$sort", "$skip", "$limit"):
        if at < len(read) and read[at][0] == name:
            asked = _with(asked, *read[at])
            at += 1
    return Pipeline(asked, tuple(read[at:]))


def _stage(stage: Mapping[str, object]) -> Stage:
    if len(stage) != 1:
        raise Malformed(text="A stage has one name.")
    ((name, wanted),) = stage.items()
    if name not in _STAGES:
        raise Malformed(text=f"{name[:100]} is not supported.")
    return name, wanted


def _screen(value: object, shape: Shape, depth: int) -> None:
    """Refuse private fields, as names and as paths in texts, wherever they stand. The key of a group is `_id`."""
    if depth > mongo.DEEPEST + 2:
        raise Malformed(text="A stage is nested too deep.")
    if isinstance(value, Mapping):
        members = cast("Mapping[str, object]", value)
        if len(members) > mongo.MOST_VALUES:
            raise Malformed(text="A stage has too many members.")
        for name, member in members.items():
            _refuse_private(name, shape)
            _screen(member, shape, depth + 1)
    elif isinstance(value, list):
        elements = cast("list[object]", value)
        if len(elements) > mongo.MOST_VALUES:
            raise Malformed(text="A list has too many values.")
        for each in elements:
            _screen(each, shape, depth + 1)
    elif isinstance(value, str) and value.startswith("$"):
        _refuse_private(value.lstrip("$"), shape)


def _refuse_private(path: str, shape: Shape) -> None:
    if not shape.private.isdisjoint([step for step in path.split(".") if step != "_id"]):
        raise NotExposed(text=f"Cannot expose {path[:100]}")


def _with(asked: Asked, name: str, wanted: object) -> Asked:
    if name == "$sort":
        return msgspec.structs.replace(asked, sort=_sort(wanted))
    if name == "$skip":
        return msgspec.structs.replace(asked, start=whole(wanted, 0))
    return msgspec.structs.replace(asked, limit=whole(wanted, 1))


def _bounded(asked: Asked) -> Asked:
    """One more than there may be, without counting all."""
    return msgspec.structs.replace(asked, limit=None, most=min(asked.limit or MOST + 1, MOST + 1))


def _sort(wanted: object) -> Mapping[str, object]:
    if not isinstance(wanted, Mapping) or not wanted:
        raise Malformed(text="$sort needs fields.")
    return cast("Mapping[str, object]", wanted)


def whole(wanted: object, least: int) -> int:
    """A whole number of a stage. Raises Malformed."""
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or wanted != int(wanted) or wanted < least:
        raise Malformed(text="A stage needs a whole number.")
    return min(int(wanted), 2**31)


async def _profiles(tx: Tx, rows: Rows, rest: Sequence[Stage], shape: Shape) -> Mapping[str, Document]:
    """The profiles of all users, by id, when a stage looks them up."""
    if not any(name == "$lookup" for name, _ in rest) or not shape.is_split:
        return {}
    found = await finding.profiles_of(tx, [str(row["id"]) for row in rows if "id" in row])
    return {str(each["id"]): each for each in found}


def _after(rows: Rows, stages: Sequence[Stage], profiles: Mapping[str, Document], shape: Shape) -> Rows:
    for name, wanted in stages:
        rows = _look_up(rows, wanted, profiles) if name == "$lookup" else _STAGES[name](rows, wanted, shape)
        if len(rows) > MOST or _weight(rows) > _LARGEST:
            raise Malformed(text="An aggregation grows too large.")
    return rows


def _weight(rows: Rows) -> int:
    """How much the documents hold; it stops counting when it is too much, since parts may be in there many times."""
    total, waiting = 0, list[object](rows)
    while waiting and total <= _LARGEST:
        each = waiting.pop()
        total += 1
        if isinstance(each, Mapping):
            waiting.extend(cast("Mapping[str, object]", each).values())
        elif isinstance(each, list):
            waiting.extend(cast("list[object]", each))
    return total


def _match(rows: Rows, wanted: object, shape: Shape) -> Rows:
    mongo.screen(wanted, msgspec.structs.replace(shape, private=shape.private - {"_id"}))
    if not isinstance(wanted, Mapping):
        raise Malformed(text="$match needs a query.")
    test = mongo.condition(cast("Mapping[str, object]", wanted), Words(shape))
    if conditions.has_pattern(test):
        raise Malformed(text="Expressions are for the first stages of an aggregation.")
    return [row for row in rows if conditions.holds(test, row)]


def _sorted(rows: Rows, wanted: object, _: Shape) -> Rows:
    return ordered(rows, _sort(wanted))


def _skip(rows: Rows, wanted: object, _: Shape) -> Rows:
    return rows[whole(wanted, 0) :]


def _limit(rows: Rows, wanted: object, _: Shape) -> Rows:
    return rows[: whole(wanted, 1)]


def _count(rows: Rows, wanted: object, _: Shape) -> Rows:
    return [{_count_name(wanted): len(rows)}] if rows else []


def _count_name(wanted: object) -> str:
    if not isinstance(wanted, str) or not wanted or wanted.startswith("$") or "." in wanted:
        raise Malformed(text="$count needs a name.")
    return wanted


def _unwind(rows: Rows, wanted: object, _: Shape) -> Rows:
    options = cast("Mapping[str, object]", wanted) if isinstance(wanted, Mapping) else {"path": wanted}
    path, index = options.get("path"), options.get("includeArrayIndex")
    if not isinstance(path, str) or not path.startswith("$") or not isinstance(index, str | None):
        raise Malformed(text="$unwind needs a path.")
    steps, keeps = mongo.path_of(path[1:]), bool(options.get("preserveNullAndEmptyArrays"))
    found: Rows = []
    for row in rows:
        for at, value in _elements(next(conditions.reach(row, steps), ABSENT), keeps=keeps):
            unwound = added(row, steps, value)
            found.append(unwound if index is None else added(unwound, mongo.path_of(index), at))
        if len(found) > MOST:
            raise Malformed(text="An aggregation grows too large.")
    return found


def _elements(value: object, *, keeps: bool) -> list[tuple[int | None, object]]:
    if isinstance(value, list) and value:
        return list(enumerate(cast("list[object]", value)))
    if value is ABSENT or value is None or value == []:
        return [(None, ABSENT if value == [] else value)] if keeps else []
    return [(None, value)]


def _look_up(rows: Rows, wanted: object, profiles: Mapping[str, Document]) -> Rows:
    """The profile of each, by id, as a list."""
    options: Mapping[str, object] = cast("Mapping[str, object]", wanted) if isinstance(wanted, Mapping) else {}
    name = options.get("as")
    expected: Mapping[str, object] = {"from": "profiles", "localField": "id", "foreignField": "id", "as": name}
    if options != expected or not isinstance(name, str) or name.startswith("$"):
        raise Malformed(text="$lookup finds profiles by id.")
    steps = mongo.path_of(name)
    return [added(row, steps, [profiles[key]] if (key := str(row.get("id"))) in profiles else []) for row in rows]


_STAGES: Final[Mapping[str, Callable[[Rows, object, Shape], Rows]]] = {
    "$match": _match,
    "$project": lambda rows, wanted, _: projected(rows, wanted),
    "$addFields": lambda rows, wanted, _: with_fields(rows, wanted),
    "$set": lambda rows, wanted, _: with_fields(rows, wanted),
    "$unset": lambda rows, wanted, _: unset(rows, wanted),
    "$sort": _sorted,
    "$skip": _skip,
    "$limit": _limit,
    "$count": _count,
    "$unwind": _unwind,
    "$group": lambda rows, wanted, _: grouped(rows, wanted),
    "$lookup": lambda rows, _, __: rows,
}
