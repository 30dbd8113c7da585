"""What a person may do now: roles and places, computed from the store and remembered by version."""

from collections.abc import Iterable
from typing import Final

from roster.core.access import contexts, grouped, store, vocabulary
from roster.core.access.grouped import Grouped
from roster.core.access.vocabulary import CORE, Vocabulary
from roster.kit.actor import Grants, Scope
from roster.kit.ids import UserId
from roster.storage.memory import Memory
from roster.storage.tx import Tx

_KNOWN: Final = Memory[object, Grants]("grants", 20_000)
Versions = tuple[int, int]
"""access_version of the person and of the realm, read in the statement that found the principal."""


async def grants_of(tx: Tx, user_id: UserId, versions: Versions) -> Grants:
    """The person's grants. Remembered under the versions, so a change is seen by the next request everywhere.

    And under the realm: an id that was imported into several realms is somebody else in each.
    """
    key = (tx.realm_id.int, user_id.int, versions)
    known = _KNOWN.recall(tx.runtime, key)
    if known is not None:
        return known
    held = await store.held_by(tx, user_id)
    grants = combine(held, vocabulary.of(tx.runtime), await _grouped(tx, held, versions[1]))
    return _KNOWN.keep(tx.runtime, key, grants)


async def read(tx: Tx, user_id: UserId) -> Grants:
    """The person's grants, straight from the store."""
    held = await store.held_by(tx, user_id)
    return combine(held, vocabulary.of(tx.runtime), await _grouped(tx, held, None))


def combine(held: Iterable[store.Held], known: Vocabulary = CORE, members: Grouped = grouped.NOTHING) -> Grants:
    """Each assignment on its own: permissions without limits add up, limited ones keep their places to themselves.

    Roles of organisations are not named: their names are up to whoever founds one, and permission lists go by names.
    """
    everywhere: set[str] = set()
    within: list[Scope] = []
    names: set[str] = set()
    unlimited: set[str] = set()
    for each in held:
        if each.org_id is None:
            names.add(each.role_name)
        if each.org_id is None and not each.contexts:
            unlimited.add(each.role_name)
        limits = contexts.effective(each.ceiling, each.contexts, members.groups, members.trees)
        if not limits:
            everywhere.update(known.expand(each.permissions))
            continue
        where = contexts.resolved(limits, members.groups)
        if not contexts.is_nothing(dict(where)):
            within.append(Scope(known.expand(each.permissions), where))
    return Grants(frozenset(everywhere), tuple(within), tuple(sorted(names)), tuple(sorted(unlimited)))


def covers(holder: Grants, permissions: Iterable[str], limits: contexts.Limits | None = None) -> bool:
    """Whether each of these, within these resolved limits, is held by one single source: everywhere or one scope.

    Several scopes never cover together what none covers alone. Which people a scope is for (`user_role`) matters only
    to permissions over people.
    """
    return all(_covers(holder, permission, limits or {}) for permission in permissions)


def _covers(holder: Grants, permission: str, limits: contexts.Limits) -> bool:
    if holder.allows(permission):
        return True
    scopes = (contexts.relevant(dict(scope.limits), permission) for scope in holder.within if scope.gives(permission))
    return any(contexts.contains(limited, limits) for limited in scopes)


def is_above(other: Grants, holder: Grants) -> bool:
    """Whether `other` may do something, anywhere, that `holder` may not do there.

    What they may do within organisations does not count: otherwise whoever founds one would be beyond the reach of
    those who look after accounts.
    """
    if not covers(holder, other.everywhere):
        return True
    within = (scope for scope in other.within if not scope.is_about_organisations)
    return not all(covers(holder, scope.permissions, dict(scope.limits)) for scope in within)


async def _grouped(tx: Tx, held: Iterable[store.Held], version: int | None) -> Grouped:
    named = (limits for each in held for limits in (each.ceiling, each.contexts))
    return await grouped.of(tx, *named, version=version)
