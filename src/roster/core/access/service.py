"""The face of this feature to others, and administering roles. Every write is a whole use case."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from roster.core.access import (
    assigning,
    contexts,
    deciding,
    deletion,
    lists_store,
    members_store,
    naming,
    objects,
    reach,
    store,
    vocabulary,
)
from roster.core.access import effective as _effective
from roster.core.access import grants as _grants
from roster.core.access.errors import Escalation, RoleBuiltIn, RoleInUse, RoleNotFound
from roster.core.access.models import ADMINISTRATOR, Members, MembersChange, Role, RoleChange, RoleDraft
from roster.core.audit import service as audit
from roster.kit.errors import Forbidden, InvalidInput, require_version
from roster.kit.ids import RoleId, UserId
from roster.kit.patch import is_set
from roster.kit.text import fold
from roster.storage.tx import Tx

_R = TypeVar("_R", Role, RoleDraft)
_CHANGEABLE: Final = ("name", "display_name", "description", "permissions", "ceiling", "requires")

grants_of = _grants.grants_of
permissions_of = _grants.read
require = deciding.require
require_somewhere = deciding.require_somewhere
require_over = deciding.require_over
require_not_above = deciding.require_not_above
is_over = reach.over

assignments_of = assigning.assignments_of
assign = assigning.assign
unassign = assigning.unassign
set_assignments = assigning.set_assignments
set_roles = assigning.set_roles
hold = assigning.hold
widen = assigning.widen
administrators = assigning.administrators
keep_an_administrator = assigning.keep_an_administrator
effective = _effective.effective
explain = _effective.explain


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
    return tx.actor.grants.holds("roles.read") if decided is None else decided


async def create_role(
    tx: Tx, draft: RoleDraft, *, members: Sequence[UserId] = (), owners: Sequence[UserId] = ()
) -> Role:
    """A new role, with its first members. Raises RoleNameTaken, Escalation. Needs `roles.create` or `roles.write`."""
    if not tx.actor.may("roles.write"):
        require(tx, "roles.create")
    draft = await _checked(tx, draft)
    naming.check(draft.name, draft.description)
    await require_unlisted(tx, draft.name)
    role = await store.insert(tx, draft, built_in=False)
    await audit.record(tx, "role.created", "role", role.id, {"name": [None, role.name]})
    if members or owners:
        await assigning.replace_members(tx, role, MembersChange(frozenset(members), frozenset(owners)))
    return role


async def create_administrator_role(tx: Tx) -> Role:
    """The built-in role of a new realm. Only Roster itself makes it."""
    return await store.insert(tx, RoleDraft(ADMINISTRATOR, "May do everything", ["*"]), built_in=True)


async def keep_built_in_roles(tx: Tx) -> None:
    """Make, or bring up to date, the roles that front doors document. A name that the realm has given stays its own.

    Only Roster itself does so: with every new realm, and with all of them when a server starts.
    """
    wanted = vocabulary.of(tx.runtime).roles
    if not wanted:
        return
    await store.lock_realm(tx)
    known = {fold(role.name): role for role in await store.named(tx, [each.name for each in wanted])}
    for each in wanted:
        await _keep_built_in(tx, each.draft(), known.get(fold(each.name)))


async def _keep_built_in(tx: Tx, draft: RoleDraft, role: Role | None) -> None:
    if role is None:
        await store.insert(tx, draft, built_in=True)
        return
    after = msgspec.structs.replace(role, **msgspec.structs.asdict(draft))
    if role.built_in and after != role:
        await store.update(tx, after)
        await store.void_realm_grants(tx)


async def change_role(
    tx: Tx,
    role_id: RoleId,
    change: RoleChange,
    *,
    version: int | None = None,
    members: MembersChange | None = None,
) -> Role:
    """Change a role and, when given, all who have it. Needs `roles.write`, or owning the role.

    Owners change name, description and members, never permissions. Raises RoleBuiltIn, RoleNameTaken, Escalation,
    StaleVersion, LastAdministrator.
    """
    before = await store.lock(tx, role_id)
    await _require_role_write(tx, before, "update")
    require_version(before.version, version)
    after = await _changed(tx, before, change)
    if before.built_in and after != before:
        raise RoleBuiltIn
    if "*" in before.permissions and ("*" not in after.permissions or after.ceiling):
        await assigning.keep_an_administrator_without(tx, role_id)
    if after.name != before.name:
        await require_unlisted(tx, after.name)
        await lists_store.rename_in_lists(tx, before.name, after.name)
    after = await store.update(tx, after)
    await store.void_realm_grants(tx)
    await audit.record(tx, "role.changed", "role", role_id, audit.differences(before, after, (*_CHANGEABLE, "facets")))
    if members is not None:
        await assigning.replace_members(tx, after, members)
    return after


async def delete_role(tx: Tx, role_id: RoleId, *, version: int | None = None, unused: bool = False) -> None:
    """Delete a role and all its assignments; with `unused` only if nobody has it. Needs `roles.write`, or owning it.

    Raises RoleBuiltIn, RoleInUse, StaleVersion, LastAdministrator.
    """
    role = await store.lock(tx, role_id)
    await _require_role_write(tx, role, "delete")
    require_version(role.version, version)
    if role.built_in:
        raise RoleBuiltIn
    if unused and await store.is_used(tx, role_id):
        raise RoleInUse
    if "*" in role.permissions:
        await assigning.keep_an_administrator_without(tx, role_id)
    changes = await deletion.trail(tx, [role])
    await store.delete(tx, role_id)
    await lists_store.delete_lists(tx, [str(role_id)])
    await lists_store.rename_in_lists(tx, role.name, None)
    await store.void_realm_grants(tx)
    await audit.record_each(tx, "role.deleted", "role", changes)


async def members_of(tx: Tx, role_ids: Sequence[RoleId]) -> dict[RoleId, Members]:
    """Who has these roles without limits; a role that nobody has is left out.

    Those who hold `roles.read` in some places only learn this of their own roles.
    """
    shown = role_ids
    if tx.actor.grants.scopes("roles.read") and not tx.actor.may("roles.read"):
        own = {role.id for role in await store.named(tx, tx.actor.grants.roles)}
        shown = [each for each in role_ids if each in own]
    return await members_store.members(tx, shown)


async def roles_named(tx: Tx, names: Sequence[str]) -> list[Role]:
    """Those of these roles that there are, for showing what people have; the caller has checked who may see that."""
    return await store.named(tx, names) if names else []


async def role_names_of(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[str]]:
    """Names of the roles that people have without limits; the caller has checked that the actor may see them."""
    return await store.role_names(tx, user_ids) if user_ids else {}


async def _require_role_write(tx: Tx, role: Role, right: str) -> None:
    """Owners, and whoever the role's permission list or else `roles.write` lets, if they hold what the role gives."""
    decided = await objects.right(tx, right, role.id)
    if decided or (decided is None and tx.actor.may("roles.write")):
        await deciding.require_holding(tx, role, {})
        return
    if tx.actor.person_id and await members_store.is_owner(tx, role.id, tx.actor.person_id):
        return
    raise Forbidden if await _may_see(tx, role) else RoleNotFound


async def _changed(tx: Tx, role: Role, change: RoleChange) -> Role:
    given = {name: value for name in _CHANGEABLE if is_set(value := getattr(change, name))}
    facets = {**role.facets, **change.facets} if is_set(change.facets) else role.facets
    after = msgspec.structs.replace(role, facets=facets, **given)
    naming.check(after.name, after.description)
    if (set(after.permissions), after.ceiling, after.requires) != (set(role.permissions), role.ceiling, role.requires):
        require(tx, "roles.write")
        after = await _checked(tx, after)
    return after


async def require_unlisted(tx: Tx, who: str) -> None:
    """Permission lists go by names of roles and ids of people: nobody makes one who is granted something there already.

    Raises Escalation.
    """
    if await objects.gives_more(tx, who):
        raise Escalation


async def _checked(tx: Tx, role: _R) -> _R:
    """The role in normal form, with nothing in it that there is not. Raises InvalidInput, Escalation."""
    known = vocabulary.of(tx.runtime)
    unknown = next((each for each in role.permissions if not known.knows(each)), None)
    if unknown is not None:
        raise InvalidInput.of("permissions", "unknown_permission", f"There is no permission {unknown[:100]!r}.")
    role = msgspec.structs.replace(
        role,
        permissions=sorted(set(role.permissions)),
        ceiling=contexts.checked(role.ceiling, "ceiling"),
        requires=sorted(contexts.checked(dict.fromkeys(role.requires, ()), "requires")),
    )
    await deciding.require_permissions(tx, role, {})
    return role
