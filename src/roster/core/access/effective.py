"""What a person's roles give, assignment by assignment, and why."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, cast

from roster.core.access import contexts, reach, store, vocabulary
from roster.core.access.contexts import Groups, Limits
from roster.core.access.models import Assignment, EffectiveRole, Reason, Role
from roster.core.places import service as places
from roster.kit.errors import Forbidden, NotFound
from roster.kit.ids import UserId
from roster.storage.tx import Tx

_REMEMBERED: Final = 2000
_Remembered = OrderedDict[object, list[EffectiveRole]]


async def effective(tx: Tx, user_id: UserId) -> list[EffectiveRole]:
    """What each role of a person gives now, in the order in which they were given.

    Needs `roles.read` over the person, or being that person. Raises NotFound, Forbidden.
    """
    await _require_read(tx, user_id)
    versions = await store.versions_of(tx, user_id)
    if versions is None:
        raise NotFound
    nothing: _Remembered = OrderedDict()
    remembered = cast("_Remembered", tx.runtime.memo.setdefault("effective roles", nothing))
    key = (user_id.int, versions)
    found = remembered.get(key)
    if found is None:
        found = remembered[key] = await _read(tx, user_id, versions[1])
    remembered.move_to_end(key)
    if len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
    return found


async def explain(tx: Tx, user_id: UserId, permission: str) -> list[Reason]:
    """Why a person may do something or may not: each assignment whose role has the permission. Raises as `effective`.

    An assignment that gives it says where; one that does not says which kind is left without values.
    """
    await _require_read(tx, user_id)
    known = vocabulary.of(tx.runtime)
    groups = await places.groups(tx)
    assignments = await store.assignments(tx, user_id)
    roles = {role.id: role for role in await store.with_ids(tx, [each.role_id for each in assignments])}
    found: list[Reason] = []
    for each in assignments:
        role = roles[each.role_id]
        given = known.expand(role.permissions)
        if permission in given or "*" in given:
            found.append(_reason(each, role, permission, groups))
    return found


def _reason(assignment: Assignment, role: Role, permission: str, groups: Groups) -> Reason:
    limits = contexts.effective(role.ceiling, assignment.contexts, groups)
    where = contexts.relevant(dict(contexts.resolved(limits, groups)), permission)
    for_nobody = not where.get(contexts.USER_ROLE, True)
    return Reason(
        assignment,
        gives=not (for_nobody or contexts.is_nothing(where)),
        limits=_listed(limits) if limits else None,
        withheld=contexts.withheld(assignment.contexts, limits, groups),
    )


async def _read(tx: Tx, user_id: UserId, version: int) -> list[EffectiveRole]:
    known = vocabulary.of(tx.runtime)
    groups = await places.groups(tx, version)
    found: list[EffectiveRole] = []
    assignments = await store.assignments(tx, user_id)
    roles = {role.id: role for role in await store.with_ids(tx, [each.role_id for each in assignments])}
    spelled = {role.id: sorted(known.spell_out(role.permissions)) for role in roles.values()}
    for each in assignments:
        limits = contexts.effective(roles[each.role_id].ceiling, each.contexts, groups)
        reached = contexts.facilities(limits, groups)
        listed = None if reached is None else sorted(reached)
        found.append(EffectiveRole(each.id, each.role_name, spelled[each.role_id], _listed(limits), listed))
    return found


def _listed(limits: Limits | Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    return {kind: sorted(limits[kind]) for kind in sorted(limits)}


async def _require_read(tx: Tx, user_id: UserId) -> None:
    if not tx.actor.is_user(user_id) and not await reach.over(tx, "roles.read", user_id):
        raise Forbidden
