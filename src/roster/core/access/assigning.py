"""Who has which role, and where. Every write here is a whole use case: check, change, trail.

It gives the person a new version, once in a unit of work, so that whoever has read their roles before does not
overwrite them unseen.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from roster.core.access import contexts as _contexts
from roster.core.access import deciding, grouped, members_store, reach, store
from roster.core.access.contexts import Contexts
from roster.core.access.errors import AssignmentExists, AssignmentNotFound, Escalation, LastAdministrator
from roster.core.access.models import Assignment, Members, MembersChange, Role, Wanted
from roster.core.audit import service as audit
from roster.kit.actor import Scope
from roster.kit.errors import Forbidden, InvalidInput, NotFound
from roster.kit.ids import AssignmentId, RoleId, UserId
from roster.kit.text import fold
from roster.storage.tx import Tx

_EVERYWHERE: Final[Contexts] = MappingProxyType({})
_Places = tuple[tuple[str, tuple[str, ...]], ...]
_Had = tuple[RoleId, _Places]
_Scopes = tuple[Scope, ...] | None
"""Within which of their scopes the actor gives roles to a person; None is without limits."""


async def assignments_of(tx: Tx, user_id: UserId) -> list[Assignment]:
    """The roles of a person, each with its places. Needs `roles.read` over the person, or being that person."""
    if not tx.actor.is_user(user_id):
        await deciding.require_over(tx, "roles.read", user_id)
    return await store.assignments(tx, user_id)


async def assign(
    tx: Tx, role_id: RoleId, user_id: UserId, contexts: Contexts = _EVERYWHERE, *, is_owner: bool = False
) -> Assignment:
    """Give a role to a person, everywhere or in the places named.

    Raises RoleNotFound, NotFound, AssignmentExists, Escalation; InvalidInput for a place above the role's ceiling and
    for a missing one that the role requires. Needs `roles.assign` over the person; somebody whom the actor has just
    made counts as theirs. Actors limited to facilities who name none give the role for their own facilities: once for
    each of their scopes that lets them, of which the first that the person did not have is returned.
    """
    scopes = await _scopes_over(tx, user_id)
    role = await store.find(tx, role_id)
    wanted = _contexts.checked(contexts, "contexts")
    if user_id not in await store.known_people(tx, [user_id]):
        await deciding.require_holding(tx, role, wanted)
        raise NotFound
    filled = await _filled(tx, role, wanted, scopes)
    if len(filled) > 1:
        had = {(each.role_id, _key(each.contexts)) for each in await store.assignments(tx, user_id)}
        filled = [each for each in filled if (role_id, _key(each)) not in had] or filled[:1]
    given = [await _assign(tx, role, user_id, each, scopes=scopes, is_owner=is_owner) for each in filled]
    await _raise_versions(tx, [user_id])
    return given[0]


async def unassign(tx: Tx, assignment_id: AssignmentId, *, of: UserId | None = None) -> None:
    """Take a role from a person, who is `of` when that is given. Needs `roles.assign` over the person and the places.

    Raises AssignmentNotFound, LastAdministrator, Escalation.
    """
    deciding.require_somewhere(tx, "roles.assign")
    found = await store.assignment(tx, assignment_id)
    if of is not None and found.user_id != of:
        raise AssignmentNotFound
    await _unassign(tx, found, scopes=await _scopes_over(tx, found.user_id))
    await _raise_versions(tx, [found.user_id])


async def set_assignments(tx: Tx, user_id: UserId, wanted: Sequence[Wanted]) -> list[Assignment]:
    """Make all of a person's assignments exactly these, with as few changes as possible; what they are then.

    Raises as `assign` and `unassign` do, InvalidInput for an unknown role. Others who do the same meanwhile wait.
    """
    deciding.require_somewhere(tx, "roles.assign")
    if not await store.lock_person(tx, user_id):
        raise NotFound
    scopes = await _scopes_over(tx, user_id)
    held = await store.assignments(tx, user_id)
    kept = {(each.role_id, _key(each.contexts)) for each in held}
    asked = await _asked(tx, wanted, kept, scopes=scopes)
    for role, contexts in asked:
        if (role.id, _key(contexts)) not in kept:
            await _assign(tx, role, user_id, contexts, scopes=scopes)
    staying = {(role.id, _key(contexts)) for role, contexts in asked}
    for each in held:
        if (each.role_id, _key(each.contexts)) not in staying:
            await _unassign(tx, each, scopes=scopes)
    if staying != kept:
        await _raise_versions(tx, [user_id])
    return await store.assignments(tx, user_id)


async def hold(tx: Tx, user_id: UserId) -> None:
    """Let nobody else change a person's roles until the end of the transaction, for whoever reads them to change them.

    Raises NotFound.
    """
    if not await store.lock_person(tx, user_id):
        raise NotFound


async def set_roles(tx: Tx, user_id: UserId, names: Sequence[str]) -> None:
    """Make the person's roles without limits exactly these. Raises as `set_assignments` does."""
    deciding.require_somewhere(tx, "roles.assign")
    await hold(tx, user_id)
    limited = [each for each in await store.assignments(tx, user_id) if each.contexts]
    kept = [Wanted(each.role_name, each.contexts) for each in limited]
    await set_assignments(tx, user_id, [*kept, *(Wanted(name) for name in names)])


async def widen(tx: Tx, user_id: UserId, kind: str, value: str) -> bool:
    """Add a place to every assignment of the person that names places of its kind; whether there was one to add it to.

    Doing it again changes nothing. Raises as `assign` does.
    """
    deciding.require_somewhere(tx, "roles.assign")
    if not await store.lock_person(tx, user_id):
        raise NotFound
    scopes = await _scopes_over(tx, user_id)
    held = await store.assignments(tx, user_id)
    lacking = [each for each in held if kind in each.contexts and value not in each.contexts[kind]]
    for each in lacking:
        await _widen(tx, each, kind, value, scopes=scopes)
    if lacking:
        await _raise_versions(tx, [user_id])
    return bool(lacking)


async def administrators(tx: Tx) -> set[UserId]:
    """The active people with everything everywhere; whoever asks holds a lock until the end of the transaction."""
    return await store.administrators(tx)


async def keep_an_administrator(tx: Tx, without: UserId) -> None:
    """Raise LastAdministrator when the realm would be left without an active one; holds a lock until the end."""
    found = await store.administrators(tx)
    if without in found and len(found) == 1:
        raise LastAdministrator


async def keep_an_administrator_without(tx: Tx, role_id: RoleId) -> None:
    """Raise LastAdministrator when the realm has administrators, and this role makes all of them."""
    if await store.administrators(tx) and not await store.administrators(tx, without_role=role_id):
        raise LastAdministrator


async def replace_members(tx: Tx, role: Role, change: MembersChange) -> None:
    """Make these people, and no others, have the role without limits, owners as members; part of changing a role."""
    await _require_holding_to_give(tx, role)
    before = (await members_store.members(tx, [role.id])).get(role.id, Members(frozenset(), frozenset()))
    wanted = _all_members(before, change)
    unknown = wanted.members - before.members
    unknown -= await store.known_people(tx, list(unknown))
    if unknown:
        raise InvalidInput.of("members", "unknown_user", f"There is no user {min(map(str, unknown))}.")
    joining, leaving = sorted(wanted.members - before.members), sorted(before.members - wanted.members)
    if joining:
        _require_named(role, {}, "members")
    if "*" in role.permissions and leaving and await store.administrators(tx) <= set(leaving):
        raise LastAdministrator
    await members_store.set_members(tx, role.id, joining, leaving)
    await members_store.set_owners(tx, role.id, sorted(wanted.owners))
    if joining or leaving or wanted.owners != before.owners:
        await audit.record(tx, "role.members_changed", "role", role.id, _member_differences(before, wanted))
        await _raise_versions(tx, sorted({*joining, *leaving, *(wanted.owners ^ before.owners)}))


def _all_members(before: Members, change: MembersChange) -> Members:
    owners = before.owners if change.owners is None else change.owners
    members = before.members if change.members is None else change.members
    return Members(members | owners, owners)


async def _raise_versions(tx: Tx, user_ids: Sequence[UserId]) -> None:
    """Each new version has an entry of its own, by which the trail is read backwards."""
    await audit.record_many(tx, "user.changed", "user", await store.raise_versions(tx, user_ids))


async def _scopes_over(tx: Tx, user_id: UserId) -> _Scopes:
    """Raises Forbidden when the actor gives no roles to this person."""
    if tx.actor.may("roles.assign"):
        return None
    scopes = tx.actor.grants.scopes("roles.assign")
    found = await reach.admitting(tx, scopes, user_id)
    if not found and scopes and await store.is_new(tx, user_id):
        found = scopes
    if not found:
        raise Forbidden
    return found


async def _asked(
    tx: Tx, wanted: Sequence[Wanted], kept: Collection[_Had], *, scopes: _Scopes
) -> list[tuple[Role, dict[str, list[str]]]]:
    roles = {fold(role.name): role for role in await store.named(tx, [each.role for each in wanted])}
    unknown = {fold(each.role) for each in wanted} - roles.keys()
    if unknown:
        raise InvalidInput.of("roles", "unknown_role", f"There is no role {min(unknown)[:100]!r}.")
    found: dict[_Had, tuple[Role, dict[str, list[str]]]] = {}
    for each in wanted:
        role, named = roles[fold(each.role)], _contexts.checked(each.contexts, "contexts")
        filled = [named] if (role.id, _key(named)) in kept else await _filled(tx, role, named, scopes)
        for contexts in filled:
            found.setdefault((role.id, _key(contexts)), (role, contexts))
    return list(found.values())


async def _assign(
    tx: Tx, role: Role, user_id: UserId, contexts: dict[str, list[str]], *, scopes: _Scopes, is_owner: bool = False
) -> Assignment:
    await _require_giving(tx, role, contexts, scopes)
    assignment_id = await store.assign(tx, role.id, user_id, contexts, is_owner=is_owner)
    await audit.record(tx, "role.assigned", "user", user_id, _given(None, role.name, None, contexts))
    return await store.assignment(tx, assignment_id)


async def _unassign(tx: Tx, found: Assignment, *, scopes: _Scopes) -> None:
    role = await store.find(tx, found.role_id)
    await _require_inside(tx, role, found.contexts, scopes)
    await deciding.require_permissions(tx, role, found.contexts)
    if "*" in role.permissions and not found.contexts:
        await keep_an_administrator(tx, without=found.user_id)
    await store.unassign(tx, found.id)
    await audit.record(tx, "role.unassigned", "user", found.user_id, _given(role.name, None, found.contexts, None))


async def _widen(tx: Tx, found: Assignment, kind: str, value: str, *, scopes: _Scopes) -> None:
    role = await store.find(tx, found.role_id)
    contexts = _contexts.checked({**found.contexts, kind: [*found.contexts[kind], value]}, "contexts")
    await _require_inside(tx, role, found.contexts, scopes)
    await _require_giving(tx, role, contexts, scopes)
    if not await store.widen(tx, found.id, contexts):
        raise AssignmentExists
    changes = _given(role.name, role.name, found.contexts, contexts)
    await audit.record(tx, "role.widened", "user", found.user_id, changes)


async def _filled(
    tx: Tx, role: Role, contexts: dict[str, list[str]], scopes: _Scopes
) -> Sequence[dict[str, list[str]]]:
    """Who is limited to facilities and names none means their own, where they may give the role.

    Each scope counts by itself, so that what is given by several can be taken by each. Where none lets the actor give
    the role, the first stays to say why.
    """
    if not scopes or not _contexts.PLACES.isdisjoint(contexts):
        return [contexts]
    own = [each for each in scopes if each.limit(_contexts.FACILITY) is not None and _is_for(each, role)]
    filled = [_contexts.normal({**contexts, **_own_places(each)}) for each in own]
    if len(filled) < 2:
        return filled or [contexts]
    distinct = {_key(each): each for each in filled}.values()
    return [each for each in distinct if await _may_give(tx, role, each, scopes)] or filled[:1]


def _own_places(scope: Scope) -> dict[str, list[str]]:
    kind = _contexts.FACILITY if scope.limit(_contexts.FACILITY) else _contexts.GROUP
    return {kind: sorted(scope.limit(kind) or ())}


async def _may_give(tx: Tx, role: Role, contexts: Contexts, scopes: _Scopes) -> bool:
    try:
        await _require_giving(tx, role, contexts, scopes)
    except (Escalation, InvalidInput):
        return False
    return True


async def _require_giving(tx: Tx, role: Role, contexts: Contexts, scopes: _Scopes) -> None:
    await _require_inside(tx, role, contexts, scopes)
    await deciding.require_holding(tx, role, contexts)
    await require_allowed(tx, role, contexts)


async def _require_inside(tx: Tx, role: Role, contexts: Contexts, scopes: _Scopes) -> None:
    """Raise Escalation unless one of the scopes is for this role and holds the places named."""
    if scopes is None:
        return
    members = await grouped.of(tx, contexts)
    inner = dict(_contexts.resolved(_contexts.limits_of(contexts, members.trees), members.groups))
    for scope in scopes:
        outer = {kind: values for kind, values in scope.limits if kind != _contexts.USER_ROLE}
        if _is_for(scope, role) and _contexts.contains(outer, inner):
            return
    raise Escalation


def _is_for(scope: Scope, role: Role) -> bool:
    roles = scope.limit(_contexts.USER_ROLE)
    return roles is None or fold(role.name) in roles


async def require_allowed(tx: Tx, role: Role, contexts: Contexts) -> None:
    """Raise InvalidInput for contexts above the role's ceiling, and when one is missing that the role requires."""
    members = await grouped.of(tx, role.ceiling, contexts)
    above = _contexts.above(role.ceiling, contexts, members.groups, members.trees)
    if above is not None:
        text = f"The role does not reach {above[0]} {above[1][:100]!r}."
        raise InvalidInput.of("contexts", "above_ceiling", text)
    _require_named(role, contexts, "contexts")


def _require_named(role: Role, contexts: Contexts, field: str) -> None:
    missing = _contexts.missing(role.requires, contexts)
    if missing is not None:
        raise InvalidInput.of(field, "context_required", f"The role is given only with a {missing}.")


async def _require_holding_to_give(tx: Tx, role: Role) -> None:
    """Owners give what they hold through the role itself; everybody else what they hold at all."""
    if tx.actor.person_id is None or not await members_store.is_owner(tx, role.id, tx.actor.person_id):
        await deciding.require_holding(tx, role, {})


def _key(contexts: Contexts) -> _Places:
    return tuple((kind, tuple(values)) for kind, values in _contexts.normal(contexts).items())


def _given(
    before: str | None, after: str | None, old: Mapping[str, object] | None, new: Mapping[str, object] | None
) -> dict[str, list[object]]:
    """The trail of an assignment; places are named when there are some."""
    found: dict[str, list[object]] = {"role": [before, after]}
    return {**found, "contexts": [old or None, new or None]} if old or new else found


def _member_differences(before: Members, after: Members) -> dict[str, list[object]]:
    def ids(people: Iterable[UUID]) -> list[str]:
        return sorted(str(each) for each in people)

    return {
        "members": [ids(before.members - after.members), ids(after.members - before.members)],
        "owners": [ids(before.owners), ids(after.owners)],
    }
