"""What a filter says about everybody whom it finds that an index can answer: facilities reached, roles held.

It is said again, beside the filter, which then tells apart whom the index brought.
"""

from collections.abc import Iterator, Sequence
from typing import cast

from roster.core.access import reach
from roster.core.access.reach import Reached
from roster.kit import values
from roster.kit.filters import All, Compare, Filter, Op, Some
from roster.storage.tx import Tx

Texts = tuple[str, ...]


async def condition(tx: Tx, where: Filter, *, taken: int) -> Reached | None:
    """SQL over `users`, as `reach.condition` makes it; None when the filter says nothing of the kind."""
    if not any(isinstance(part, Some) for part in _parts(where)):
        return None
    for find, named_only in ((_facilities, False), (_named, True)):
        facilities = next((found for part in _parts(where) if (found := find(part))), ())
        if facilities:
            return await reach.reaching(tx, facilities, named_only=named_only, taken=taken)
    roles = next((found for part in _parts(where) if (found := _roles(part))), ())
    return reach.having(roles, taken=taken) if roles else None


def _parts(where: Filter) -> Iterator[Filter]:
    """All that must hold."""
    if isinstance(where, All):
        for part in where.parts:
            yield from _parts(part)
    else:
        yield where


def _facilities(where: Filter) -> Texts:
    """The facilities one of which must be reached; inside of assignments, be named."""
    if not isinstance(where, Some) or where.field != "facilities":
        return ()
    return next((found for each in _parts(where.part) if (found := _texts(each, "value"))), ())


def _named(where: Filter) -> Texts:
    """The facilities one of which must be named by an assignment."""
    if not isinstance(where, Some) or where.field != "assignments":
        return ()
    return next((found for each in _parts(where.part) if (found := _facilities(each) or _context(each))), ())


def _context(where: Filter) -> Texts:
    """The values of a context that must be of the kind facility."""
    if not isinstance(where, Some) or where.field != "contexts":
        return ()
    parts = list(_parts(where.part))
    if not any(_texts(each, "kind") == ("facility",) for each in parts):
        return ()
    inside = [each.part for each in parts if isinstance(each, Some) and each.field == "values"]
    return next((found for part in inside for each in _parts(part) if (found := _texts(each, "value"))), ())


def _roles(where: Filter) -> Texts:
    if not isinstance(where, Some) or where.field != "assignments":
        return ()
    return next((found for each in _parts(where.part) if (found := _texts(each, "role"))), ())


def _texts(where: Filter, field: str) -> Texts:
    """The texts of which the field must be one. What is not checked yet may hold anything."""
    if not isinstance(where, Compare) or where.field != field or where.op not in (Op.EQ, Op.IN):
        return ()
    several = type(where.value) in (tuple, list)
    given = cast("Sequence[object]", where.value) if several else (where.value,)
    found = tuple(each for each in given if isinstance(each, str) and values.storable(each))
    return found if len(found) == len(given) else ()
