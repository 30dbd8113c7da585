"""Deciding, and administering roles and assignments. Every write here is a whole use case: check, change, trail."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from roster.core.access import grants as _grants
from roster.core.access import lists_store, naming, objects, store
from roster.core.access.errors import AssignmentNotFound, Escalation, LastAdministrator, RoleBuiltIn, RoleNotFound
from roster.core.access.models import ADMINISTRATOR, PERMISSIONS, Assignment, Members, Role, RoleChange, RoleDraft
from roster.core.audit import service as audit
from roster.kit.actor import Context, Grants
from roster.kit.errors import Forbidden, InvalidInput, NotFound, RosterError, StaleVersion
from roster.kit.ids import AssignmentId, RoleId, UserId
from roster.kit.patch import is_set
from roster.kit.text import fold
from roster.storage.tx import Tx

grants_of = _grants.grants_of


def require(tx: Tx, permission: str, *, otherwise: RosterError | type[RosterError] = Forbidden) -> None:
    """Raise unless the actor holds the permission without limits."""
    if not tx.actor.may(permission):
        raise otherwise


async def permissions_of(tx: Tx, user_id: UserId) -> Grants:
    """What a person may do, straight from the store."""
    return _grants.combine(await store.held_by(tx, user_id))


async def require_not_above(tx: Tx, user_id: UserId) -> None:
    """Raise Escalation when the person may do something that the actor may not: nobody takes over their betters."""
    if not tx.actor.may("*") and _grants.is_above(await permissions_of(tx, user_id), tx.actor.grants):
        raise Escalation


# roles


async def get_role(tx: Tx, role_id: RoleId) -> Role:
    """One role. Raises RoleNotFound. Needs `roles.read`, having the role, or a permission list that shows it."""
    role = await store.find(tx, role_id)
    if not await _may_see(tx, role):
        raise RoleNotFound
    return role


async def find_role(tx: Tx, identifier: str) -> Role:
    """One role by id or, without regard to case, by name. Raises RoleNotFound."""
    found = await store.look_up(tx, identifier)
    if found is None or not await _may_see(tx, found):
        raise RoleNotFound
    return found


async def _may_see(tx: Tx, role: Role) -> bool:
    if role.name in tx.actor.grants.roles:
        return True
    decided = await objects.right(tx, "read", role.id)
    return tx.actor.may("roles.read") if decided is None else decided


async def create_role(
    tx: Tx, draft: RoleDraft, *, members: Sequence[UserId] = (), owners: Sequence[UserId] = ()
) -> Role:
    """A new role, with its first members. Raises RoleNameTaken, Escalation. Needs `roles.create` or `roles.write`."""
    if not tx.actor.may("roles.write"):
        require(tx, "roles.create")
    _checked_permissions(tx, draft.permissions)
    naming.check(draft.name, draft.description)
    await _require_free(tx, draft.name)
    role = await store.insert(
        tx,
        name=draft.name,
        description=draft.description,
        permissions=sorted(set(draft.permissions)),
        ceiling=draft.ceiling,
        built_in=False,
    )
    await audit.record(tx, "role.created", "role", role.id, {"name": [None, role.name]})
    if members or owners:
        await _replace_members(tx, role, Members(frozenset(members) | frozenset(owners), frozenset(owners)))
    return role


async def create_administrator_role(tx: Tx) -> Role:
    """The built-in role of a new realm. Only Roster itself makes it."""
    return await store.insert(
        tx, name=ADMINISTRATOR, description="May do everything", permissions=["*"], ceiling={}, built_in=True
    )


async def change_role(
    tx: Tx, role_id: RoleId, change: RoleChange, *, version: int | None = None, members: Members | None = None
) -> Role:
    """Change a role and, when given, all who have it. Needs `roles.write`, or owning the role.

    Owners change name, description and members, never permissions. Raises RoleBuiltIn, RoleNameTaken, Escalation,
    StaleVersion, LastAdministrator.
    """
    before = await store.lock(tx, role_id)
    await _require_role_write(tx, before, "update")
    if version is not None and version != before.version:
        raise StaleVersion(stored=before.version, sent=version)
    after = _changed(tx, before, change)
    if before.built_in and after != before:
        raise RoleBuiltIn
    if "*" in before.permissions and ("*" not in after.permissions or after.ceiling):
        await _keep_an_administrator(tx, without_role=role_id)
    if after.name != before.name:
        await _require_free(tx, after.name)
        await lists_store.rename_in_lists(tx, before.name, after.name)
    after = await store.update(tx, after)
    await store.void_realm_grants(tx)
    await audit.record(tx, "role.changed", "role", role_id, _role_differences(before, after))
    if members is not None:
        await _replace_members(tx, after, members)
    return after


async def delete_role(tx: Tx, role_id: RoleId, *, version: int | None = None) -> None:
    """Delete a role and all its assignments. Needs `roles.write`, or owning it. Raises RoleBuiltIn, StaleVersion."""
    role = await store.lock(tx, role_id)
    await _require_role_write(tx, role, "delete")
    if version is not None and version != role.version:
        raise StaleVersion(stored=role.version, sent=version)
    if role.built_in:
        raise RoleBuiltIn
    if "*" in role.permissions:
        await _keep_an_administrator(tx, without_role=role_id)
    await store.delete(tx, role_id)
    await lists_store.delete_lists(tx, [str(role_id)])
    await lists_store.rename_in_lists(tx, role.name, None)
    await store.void_realm_grants(tx)
    await audit.record(tx, "role.deleted", "role", role_id, {"name": [role.name, None]})


async def members_of(tx: Tx, role_ids: Sequence[RoleId]) -> dict[RoleId, Members]:
    """Who has these roles without limits; a role that nobody has is left out."""
    return await store.members(tx, role_ids)


async def role_names_of(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[str]]:
    """Names of the roles that people have without limits; the caller has checked that the actor may see them."""
    return await store.role_names(tx, user_ids) if user_ids else {}


async def _require_role_write(tx: Tx, role: Role, right: str) -> None:
    """Owners, and whoever the role's permission list or else `roles.write` lets, if they hold what the role gives."""
    decided = await objects.right(tx, right, role.id)
    if decided or (decided is None and tx.actor.may("roles.write")):
        await _require_holding_role(tx, role)
        return
    if tx.actor.user_id and await store.is_owner(tx, role.id, tx.actor.user_id):
        return
    raise Forbidden if await _may_see(tx, role) else RoleNotFound


def _changed(tx: Tx, role: Role, change: RoleChange) -> Role:
    if is_set(change.permissions) and set(change.permissions) != set(role.permissions):
        require(tx, "roles.write")
        _checked_permissions(tx, change.permissions)
        role = msgspec.structs.replace(role, permissions=sorted(set(change.permissions)))
    if is_set(change.ceiling) and change.ceiling != role.ceiling:
        require(tx, "roles.write")
        role = msgspec.structs.replace(role, ceiling=change.ceiling)
    if is_set(change.name):
        role = msgspec.structs.replace(role, name=change.name)
    if is_set(change.description):
        role = msgspec.structs.replace(role, description=change.description)
    naming.check(role.name, role.description)
    return role


async def _require_free(tx: Tx, name: str) -> None:
    """Permission lists go by names: nobody gives a role the name of one that is granted something there already."""
    if await objects.gives_more(tx, name):
        raise Escalation


def _checked_permissions(tx: Tx, permissions: Iterable[str]) -> None:
    unknown = [each for each in permissions if each not in PERMISSIONS]
    if unknown:
        raise InvalidInput.of("permissions", "unknown_permission", f"There is no permission {unknown[0][:100]!r}.")
    _require_holding(tx, permissions)


def _require_holding(tx: Tx, permissions: Iterable[str]) -> None:
    if not _grants.covers(tx.actor.grants, permissions):
        raise Escalation


def _role_differences(before: Role, after: Role) -> dict[str, list[object]]:
    names = ("name", "description", "permissions", "ceiling")
    return {
        name: [getattr(before, name), getattr(after, name)]
        for name in names
        if getattr(before, name) != getattr(after, name)
    }


# who has which role


async def assignments_of(tx: Tx, user_id: UserId) -> list[Assignment]:
    """The roles of a person, each with its places. Needs `roles.read`, or being that person."""
    if not tx.actor.is_user(user_id):
        require(tx, "roles.read")
    return await store.assignments(tx, user_id)


async def assign(
    tx: Tx, role_id: RoleId, user_id: UserId, contexts: Sequence[Context] = (), *, is_owner: bool = False
) -> Assignment:
    """Give a role to a person, everywhere or in the places named.

    Raises RoleNotFound, NotFound, AssignmentExists, Escalation; InvalidInput for a place above the role's ceiling.
    Needs `roles.assign`.
    """
    require(tx, "roles.assign")
    role = await store.find(tx, role_id)
    await _require_holding_role(tx, role)
    if user_id not in await store.known_people(tx, [user_id]):
        raise NotFound
    _checked_contexts(role, contexts)
    assignment_id = await store.assign(tx, role_id, user_id, contexts, is_owner=is_owner)
    await store.void_user_grants(tx, [user_id])
    await audit.record(tx, "role.assigned", "user", user_id, {"role": [None, role.name]})
    return await store.assignment(tx, assignment_id)


async def assign_on_behalf(tx: Tx, role: Role, user_id: UserId) -> None:
    """Give a role as part of a larger use case that has made its own checks (bootstrap, import)."""
    await store.assign(tx, role.id, user_id, (), is_owner=False)
    await store.void_user_grants(tx, [user_id])


async def explain(tx: Tx, user_id: UserId, permission: str) -> list[Assignment]:
    """Why a person may do something: their assignments that give the permission. Raises as `assignments_of`."""
    held = await assignments_of(tx, user_id)
    roles = await store.named(tx, [each.role_name for each in held])
    giving = {role.id for role in roles if permission in role.permissions or "*" in role.permissions}
    return [each for each in held if each.role_id in giving]


async def unassign(tx: Tx, assignment_id: AssignmentId, *, of: UserId | None = None) -> None:
    """Take a role from a person, who is `of` when that is given. Needs `roles.assign`.

    Raises AssignmentNotFound, LastAdministrator, Escalation.
    """
    require(tx, "roles.assign")
    found = await store.assignment(tx, assignment_id)
    if of is not None and found.user_id != of:
        raise AssignmentNotFound
    role = await store.find(tx, found.role_id)
    _require_holding(tx, role.permissions)
    if "*" in role.permissions:
        await keep_an_administrator(tx, without=found.user_id)
    await store.unassign(tx, assignment_id)
    await store.void_user_grants(tx, [found.user_id])
    await audit.record(tx, "role.unassigned", "user", found.user_id, {"role": [found.role_name, None]})


async def set_roles(tx: Tx, user_id: UserId, names: Sequence[str]) -> None:
    """Make the person's roles without limits exactly these. Raises as `assign` and `unassign` do."""
    require(tx, "roles.assign")
    wanted = await store.named(tx, names)
    unknown = {fold(name) for name in names} - {fold(role.name) for role in wanted}
    if unknown:
        raise InvalidInput.of("roles", "unknown_role", f"There is no role {min(unknown)[:100]!r}.")
    held = [each for each in await store.assignments(tx, user_id) if not each.contexts]
    for each in held:
        if each.role_id not in {role.id for role in wanted}:
            await unassign(tx, each.id)
    for role in wanted:
        if role.id not in {each.role_id for each in held}:
            await assign(tx, role.id, user_id)


async def administrators(tx: Tx) -> set[UserId]:
    """The active people with everything everywhere; whoever asks holds a lock until the end of the transaction."""
    return await store.administrators(tx)


async def keep_an_administrator(tx: Tx, without: UserId) -> None:
    """Raise LastAdministrator when the realm would be left without an active one; holds a lock until the end."""
    administrators = await store.administrators(tx)
    if without in administrators and len(administrators) == 1:
        raise LastAdministrator


async def _keep_an_administrator(tx: Tx, without_role: RoleId) -> None:
    if await store.administrators(tx) and not await store.administrators(tx, without_role=without_role):
        raise LastAdministrator


async def _replace_members(tx: Tx, role: Role, wanted: Members) -> None:
    await _require_holding_to_give(tx, role)
    everybody = wanted.members | wanted.owners
    unknown = everybody - await store.known_people(tx, list(everybody))
    if unknown:
        raise InvalidInput.of("members", "unknown_user", f"There is no user {min(map(str, unknown))}.")
    before = (await store.members(tx, [role.id])).get(role.id, Members(frozenset(), frozenset()))
    joining, leaving = sorted(everybody - before.members), sorted(before.members - everybody)
    if "*" in role.permissions and leaving and await store.administrators(tx) <= set(leaving):
        raise LastAdministrator
    await store.set_members(tx, role.id, joining, leaving)
    await store.set_owners(tx, role.id, sorted(wanted.owners))
    await store.void_user_grants(tx, [*joining, *leaving])
    if joining or leaving or wanted.owners != before.owners:
        await audit.record(tx, "role.members_changed", "role", role.id, _member_differences(before, wanted))


async def _require_holding_to_give(tx: Tx, role: Role) -> None:
    """Owners give what they hold through the role itself; everybody else what they hold at all."""
    if tx.actor.user_id is None or not await store.is_owner(tx, role.id, tx.actor.user_id):
        await _require_holding_role(tx, role)


async def _require_holding_role(tx: Tx, role: Role) -> None:
    """What a role gives are its permissions, and what permission lists give to those who have it."""
    _require_holding(tx, role.permissions)
    if await objects.gives_more(tx, role.name):
        raise Escalation


def _member_differences(before: Members, after: Members) -> dict[str, list[object]]:
    def ids(people: Iterable[UUID]) -> list[str]:
        return sorted(str(each) for each in people)

    return {
        "members": [ids(before.members - after.members), ids(after.members - before.members)],
        "owners": [ids(before.owners), ids(after.owners)],
    }


def _checked_contexts(role: Role, contexts: Sequence[Context]) -> None:
    for context in contexts:
        allowed = role.ceiling.get(context.kind)
        if allowed is not None and context.value not in allowed:
            text = f"The role does not reach {context.kind} {context.value[:100]!r}."
            raise InvalidInput.of("contexts", "above_ceiling", text)
