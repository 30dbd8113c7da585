"""What a person may do now: roles and places, computed from the store and remembered by version."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import cast

from roster.core.access import store
from roster.kit.actor import Context, Grants
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_REMEMBERED = 20_000
Versions = tuple[int, int]
"""access_version of the person and of the realm, read in the statement that found the principal."""


async def grants_of(tx: Tx, user_id: UserId, versions: Versions) -> Grants:
    """The person's grants. Remembered under the versions, so a change is seen by the next request everywhere."""
    remembered = _remembered(tx.runtime)
    key = (user_id.int, versions)
    known = remembered.get(key)
    if known is not None:
        remembered.move_to_end(key)
        return known
    grants = combine(await store.held_by(tx, user_id))
    remembered[key] = grants
    if len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
    return grants


def _remembered(runtime: Runtime) -> OrderedDict[object, Grants]:
    known = runtime.memo.get("grants")
    if known is None:
        known = runtime.memo["grants"] = OrderedDict[object, Grants]()
    return cast("OrderedDict[object, Grants]", known)


def combine(held: Iterable[store.Held]) -> Grants:
    """Each assignment on its own: permissions without limits add up, limited ones keep their places to themselves."""
    everywhere: set[str] = set()
    within: list[tuple[frozenset[str], frozenset[Context]]] = []
    names: set[str] = set()
    unlimited: set[str] = set()
    for each in held:
        names.add(each.role_name)
        if not each.contexts:
            unlimited.add(each.role_name)
        places = effective(each.ceiling, each.contexts)
        if places is None:
            everywhere.update(each.permissions)
        else:
            within.append((frozenset(each.permissions), places))
    return Grants(frozenset(everywhere), tuple(within), tuple(sorted(names)), tuple(sorted(unlimited)))


def effective(ceiling: dict[str, list[str]], contexts: list[Context]) -> frozenset[Context] | None:
    """The places where an assignment holds: per kind, what both role and assignment name; None is everywhere.

    A kind that only one of them names is limited by that one alone.
    """
    if not ceiling and not contexts:
        return None
    named = {context.kind for context in contexts}
    allowed = {context for context in contexts if context.kind not in ceiling or context.value in ceiling[context.kind]}
    allowed |= {Context(kind, value) for kind, values in ceiling.items() if kind not in named for value in values}
    return frozenset(allowed)


def covers(holder: Grants, permissions: Iterable[str]) -> bool:
    """Whether all of these are held without limits."""
    return all(holder.allows(permission) for permission in permissions)


def is_above(other: Grants, holder: Grants) -> bool:
    """Whether `other` may do something, anywhere, that `holder` may not do."""
    limited = (permission for permissions, _ in other.within for permission in permissions)
    return not (covers(holder, other.everywhere) and covers(holder, limited))
