"""What a person's roles give, assignment by assignment, and why."""

from collections.abc import Mapping, Sequence
from typing import Final

from roster.core.access import contexts, grouped, reach, store, vocabulary
from roster.core.access.contexts import Limits
from roster.core.access.grouped import Grouped
from roster.core.access.models import Assignment, EffectiveRole, Reason, Role
from roster.kit.errors import Forbidden, NotFound
from roster.kit.ids import RoleId, UserId
from roster.storage.memory import Memory
from roster.storage.tx import Tx

_KNOWN: Final = Memory[object, list[EffectiveRole]]("effective roles", 2000)


async def effective(tx: Tx, user_id: UserId) -> list[EffectiveRole]:
    """What each role of a person gives now, but those of organisations, in the order in which they were given.

    Needs `roles.read` over the person, or being that person. Raises NotFound, Forbidden.
    """
    await _require_read(tx, user_id)
    versions = await store.versions_of(tx, user_id)
    if versions is None:
        raise NotFound
    key = (tx.realm_id.int, user_id.int, versions)
    found = _KNOWN.recall(tx.runtime, key)
    return found if found is not None else _KNOWN.keep(tx.runtime, key, await _read(tx, user_id, versions[1]))


async def explain(tx: Tx, user_id: UserId, permission: str) -> list[Reason]:
    """Why a person may do something or may not: each assignment, in organisations too, whose role has the permission.

    An assignment that gives it says where; one that does not says which kind is left without values. Raises as
    `effective`.
    """
    await _require_read(tx, user_id)
    known = vocabulary.of(tx.runtime)
    assignments = await store.assignments(tx, user_id, of_organisations=True)
    roles, members = await _behind(tx, assignments, None)
    found: list[Reason] = []
    for each in assignments:
        role = roles[each.role_id]
        given = known.expand(role.permissions)
        if permission in given or "*" in given:
            found.append(_reason(each, role, permission, members))
    return found


def _reason(assignment: Assignment, role: Role, permission: str, members: Grouped) -> Reason:
    limits = contexts.effective(role.ceiling, assignment.contexts, members.groups, members.trees)
    where = contexts.relevant(dict(contexts.resolved(limits, members.groups)), permission)
    for_nobody = not where.get(contexts.USER_ROLE, True)
    return Reason(
        assignment,
        gives=not (for_nobody or contexts.is_nothing(where)),
        limits=_listed(limits) if limits else None,
        withheld=contexts.withheld(assignment.contexts, limits, members.groups),
    )


async def _read(tx: Tx, user_id: UserId, version: int) -> list[EffectiveRole]:
    known = vocabulary.of(tx.runtime)
    found: list[EffectiveRole] = []
    assignments = await store.assignments(tx, user_id)
    roles, members = await _behind(tx, assignments, version)
    spelled = {role.id: sorted(known.spell_out(role.permissions)) for role in roles.values()}
    for each in assignments:
        limits = contexts.effective(roles[each.role_id].ceiling, each.contexts, members.groups, members.trees)
        reached = contexts.facilities(limits, members.groups)
        listed = None if reached is None else sorted(reached)
        found.append(EffectiveRole(each.id, each.role_name, spelled[each.role_id], _listed(limits), listed))
    return found


async def _behind(tx: Tx, assignments: Sequence[Assignment], version: int | None) -> tuple[dict[RoleId, Role], Grouped]:
    """The roles of these assignments, and who is in what they and their roles name."""
    roles = {role.id: role for role in await store.with_ids(tx, [each.role_id for each in assignments])}
    ceilings = (role.ceiling for role in roles.values())
    return roles, await grouped.of(tx, *ceilings, *(each.contexts for each in assignments), version=version)


def _listed(limits: Limits | Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    return {kind: sorted(limits[kind]) for kind in sorted(limits)}


async def _require_read(tx: Tx, user_id: UserId) -> None:
    if not tx.actor.is_user(user_id) and not await reach.over(tx, "roles.read", user_id):
        raise Forbidden
