"""Who has which roles of an organisation. Parts of use cases that have locked the organisation and know the person."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from roster.core.access import deciding, grants, grouped, store, vocabulary, within_store
from roster.core.access.errors import LastOrgAdministrator, RoleNotFound
from roster.core.access.models import ORG_ADMINISTRATOR, ORG_OWNER, Role
from roster.core.access.store import Held
from roster.core.audit import service as audit
from roster.core.orgs import rights
from roster.core.orgs.errors import OwnersOnly
from roster.core.orgs.models import Org
from roster.kit.actor import NOTHING, Grants
from roster.kit.ids import OrgId, RoleId, UserId
from roster.storage.tx import Tx

ADMINISTERS: Final = "orgs.administer"
"""The permission of which an organisation always has somebody."""


async def usable(tx: Tx, org: Org) -> list[Role]:
    """The roles that can be given in an organisation, by number: its own, and inheritable ones of those above it."""
    return [role for role in await within_store.of_orgs(tx, org.path) if role.org_id == org.id or role.is_inheritable]


async def givable(tx: Tx, org: Org, role_ids: Sequence[RoleId]) -> list[Role]:
    """These roles, each of which the actor may give in the organisation. Needs `roles.assign` there.

    Raises OrgNotFound, Forbidden, RoleNotFound; Escalation for what the actor does not hold there; OwnersOnly for the
    role of owners, which is had by owning.
    """
    if not role_ids:
        return []
    await rights.require(tx, "roles.assign", org)
    known = {role.id: role for role in await usable(tx, org)}
    if any(role_id not in known for role_id in role_ids):
        raise RoleNotFound
    found = [known[role_id] for role_id in dict.fromkeys(role_ids)]
    for role in found:
        if _is_built_in(role, ORG_OWNER):
            raise OwnersOnly
        await deciding.require_permissions(tx, role, here(org, role))
    return found


async def give(tx: Tx, org: Org, role_ids: Sequence[RoleId], user_id: UserId) -> None:
    """Give somebody these roles in the organisation, as far as they are there; whoever calls has checked the actor."""
    known = {role.id: role for role in await usable(tx, org)} if role_ids else {}
    for role in (known[role_id] for role_id in role_ids if role_id in known):
        if await within_store.give(tx, role.id, user_id, org.id, inherited=role.org_id != org.id):
            await _record(tx, "org_role.assigned", user_id, org, [None, role.name])


async def give_built_in(tx: Tx, org: Org, name: str, user_id: UserId) -> None:
    """The same with a built-in role of the organisation itself."""
    role = await within_store.named(tx, org.id, name)
    if role is not None and role.built_in:
        await give(tx, org, [role.id], user_id)


async def take(tx: Tx, org: Org, role: Role, user_id: UserId) -> bool:
    """Take a role away in the organisation; whether they had it. Raises LastOrgAdministrator."""
    async with keeping_an_administrator(tx, org):
        taken = await within_store.take(tx, role.id, user_id, org.id)
    if taken:
        await _record(tx, "org_role.unassigned", user_id, org, [role.name, None])
    return taken


async def take_ownership(tx: Tx, org: Org, user_id: UserId) -> None:
    """Take the role of owners away. Raises LastOrgAdministrator."""
    role = await within_store.named(tx, org.id, ORG_OWNER)
    if role is not None:
        await take(tx, org, role, user_id)


async def take_all(tx: Tx, org: Org, user_id: UserId) -> None:
    """Take all roles away that somebody has in the organisation, but that of owners."""
    owner = await within_store.named(tx, org.id, ORG_OWNER)
    await within_store.take_all(tx, user_id, org.id, but=owner.id if owner else None)


async def roles_in(tx: Tx, org: Org, user_ids: Sequence[UserId]) -> Mapping[UserId, list[Role]]:
    """The roles that people have in an organisation, in the order in which they were given.

    The caller has checked that the actor may see them.
    """
    found: dict[UserId, list[Role]] = {user_id: [] for user_id in user_ids}
    held = await within_store.held_in(tx, org.id, user_ids) if user_ids else []
    roles = {role.id: role for role in await store.with_ids(tx, [role_id for _, role_id in held])} if held else {}
    for user_id, role_id in held:
        if role_id in roles:
            found[user_id].append(roles[role_id])
    return found


async def having(tx: Tx, org: Org, role: Role) -> set[UserId]:
    """Who has this role of the organisation there. The caller has checked that the actor may see it."""
    return await within_store.holders(tx, org.id, [role.id], [])


async def holders(tx: Tx, permission: str, org: Org) -> set[UserId]:
    """Who has a role that gives this in the organisation, be they members of it or not."""
    return await within_store.holders(tx, org.id, *(await _giving(tx, permission, org)))


async def require_administrating(tx: Tx, org: Org) -> None:
    """Raise Escalation unless the actor may do in the organisation all that its administrators may."""
    role = await _administrator(tx, org.id)
    if role is not None:
        await deciding.require_permissions(tx, role, {})


@asynccontextmanager
async def keeping_an_administrator(tx: Tx, org: Org) -> AsyncIterator[None]:
    """Raise LastOrgAdministrator when what is done in this block leaves the organisation without an active member who
    may run it. It is locked by the caller: two who leave at once wait for each other.
    """
    had = await _is_run(tx, org)
    yield
    if had and not await _is_run(tx, org):
        raise LastOrgAdministrator


async def grants_of(tx: Tx, org_id: OrgId, version: int | None = None) -> Grants:
    """What an organisation itself may do: what its administrators may, within it. For its tokens."""
    role = await _administrator(tx, org_id)
    if role is None:
        return NOTHING
    held = [Held(role.name, role.permissions, role.ceiling, {}, role.org_id)]
    members = await grouped.of(tx, role.ceiling, version=version)
    return grants.combine(held, vocabulary.of(tx.runtime), members)


async def _administrator(tx: Tx, org_id: OrgId) -> Role | None:
    """The role of administrators, unless the organisation has given its name to another."""
    role = await within_store.named(tx, org_id, ORG_ADMINISTRATOR)
    return role if role is not None and role.built_in else None


async def _is_run(tx: Tx, org: Org) -> bool:
    return await within_store.has_active_holder(tx, org.id, *(await _giving(tx, ADMINISTERS, org)))


async def _giving(tx: Tx, permission: str, org: Org) -> tuple[list[RoleId], list[RoleId]]:
    """The roles that give this in the organisation; and those of them that do so because they are inherited."""
    known = vocabulary.of(tx.runtime)
    found = [role for role in await usable(tx, org) if permission in known.expand(role.permissions)]
    return [role.id for role in found], [role.id for role in found if role.org_id != org.id]


def here(org: Org, role: Role) -> dict[str, list[str]]:
    """Where a role is given: a role of an organisation above holds in this one alone then."""
    return {} if role.org_id == org.id else {"organisation": [str(org.id)]}


def _is_built_in(role: Role, name: str) -> bool:
    return role.built_in and role.name == name


async def _record(tx: Tx, action: str, user_id: UserId, org: Org, change: Sequence[str | None]) -> None:
    changes = {"role": list(change), "organisation": [str(org.id), str(org.id)]}
    await audit.record(tx, action, "user", user_id, changes)
