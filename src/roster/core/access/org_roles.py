"""Roles of organisations: made by whoever may in the organisation, limited to it, or to it and all below.

Each organisation has the built-in ones of `vocabulary.ORG_ROLES`, and those that front doors document.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from roster.core.access import contexts, deciding, naming, store, vocabulary, within, within_store
from roster.core.access.errors import RoleBuiltIn, RoleNotFound, TooManyOrgRoles
from roster.core.access.models import WITHIN_ORGANISATIONS, Role, RoleChange, RoleDraft
from roster.core.audit import service as audit
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.kit.errors import InvalidInput, require_version
from roster.kit.ids import OrgId, RoleId
from roster.kit.patch import UNSET, UnsetType, is_set
from roster.storage.tx import Tx

_R = TypeVar("_R", Role, RoleDraft)
_MOST: Final = 200
_BATCH: Final = 1000
_TRACKED: Final = ("name", "display_name", "description", "permissions", "ceiling", "facets")


async def roles_of(tx: Tx, org_id: OrgId) -> list[Role]:
    """The roles that can be given in an organisation, by number: its own, and inheritable ones of those above it.

    Needs `roles.read` there. Raises OrgNotFound, Forbidden.
    """
    org = await orgs.get(tx, org_id)
    await rights.require(tx, "roles.read", org)
    return await within.usable(tx, org)


async def get_role(tx: Tx, org_id: OrgId, role_id: RoleId) -> Role:
    """One of these. Raises RoleNotFound besides."""
    return _one([role for role in await roles_of(tx, org_id) if role.id == role_id])


async def get_numbered(tx: Tx, org_id: OrgId, number: int) -> Role:
    """The same by its number."""
    return _one([role for role in await roles_of(tx, org_id) if role.number == number])


async def find_numbered(tx: Tx, number: int) -> tuple[Org, Role]:
    """A role of any organisation by number, and that organisation. Needs `roles.read` there. Raises RoleNotFound."""
    role = await within_store.find_numbered(tx, number)
    org_id = OrgId(role.org_id) if role.org_id is not None else None
    found = (await orgs.with_ids(tx, [org_id])).get(org_id) if org_id is not None else None
    if found is None or not rights.holds(tx, "roles.read", found):
        raise RoleNotFound
    return found, role


async def hold_numbered(tx: Tx, number: int) -> tuple[Org, Role]:
    """The same for whoever reads it to change it: nobody else does until the end of the transaction."""
    org, _ = await find_numbered(tx, number)
    await orgs.lock(tx, org.id)
    return await find_numbered(tx, number)


async def create_role(tx: Tx, org_id: OrgId, draft: RoleDraft, *, inheritable: bool = False) -> Role:
    """A new role of an organisation; where it holds follows from that. Needs `roles.create` or `roles.write` there.

    Nobody puts into it what they do not hold there, and in all below when it is inheritable. Raises OrgNotFound,
    Forbidden, InvalidInput, RoleNameTaken, Escalation, TooManyOrgRoles.
    """
    org = await orgs.lock(tx, org_id)
    if not rights.holds(tx, "roles.write", org):
        await rights.require(tx, "roles.create", org)
    draft = await _checked(tx, org, draft, inheritable=inheritable)
    if len(await within_store.of_orgs(tx, [org_id])) >= _MOST:
        raise TooManyOrgRoles
    role = await store.insert(tx, draft, built_in=False, org_id=org_id)
    await audit.record(tx, "org_role.created", "role", role.id, {"name": [None, role.name], **_where(org)})
    return role


async def change_role(
    tx: Tx,
    org_id: OrgId,
    role_id: RoleId,
    change: RoleChange,
    *,
    inheritable: bool | UnsetType = UNSET,
    version: int | None = None,
) -> Role:
    """Change a role of this very organisation. Needs `roles.write` there, and all that the role gives before and after.

    Raises OrgNotFound, Forbidden, RoleNotFound, RoleBuiltIn, RoleNameTaken, InvalidInput, Escalation, StaleVersion,
    LastOrgAdministrator.
    """
    org, before = await _own(tx, org_id, role_id, version)
    named = {name: value for name in _TRACKED if is_set(value := getattr(change, name))}
    if is_set(change.facets):
        named["facets"] = {**before.facets, **change.facets}
    after = msgspec.structs.replace(before, **named)
    wide = inheritable if is_set(inheritable) else before.is_inheritable
    after = await _checked(tx, org, after, inheritable=wide)
    if after == before:
        return before
    async with within.keeping_an_administrator(tx, org):
        after = await store.update(tx, after)
    await store.void_realm_grants(tx)
    changes = audit.differences(before, after, _TRACKED)
    await audit.record(tx, "org_role.changed", "role", role_id, {**changes, **_where(org)})
    return after


async def delete_role(tx: Tx, org_id: OrgId, role_id: RoleId, *, version: int | None = None) -> None:
    """Delete a role of this very organisation, and take it from everybody at once. Raises as `change_role`."""
    org, role = await _own(tx, org_id, role_id, version)
    async with within.keeping_an_administrator(tx, org):
        await store.delete(tx, role_id)
    await store.void_realm_grants(tx)
    await audit.record(tx, "org_role.deleted", "role", role_id, {"name": [role.name, None], **_where(org)})


# those that every organisation has


async def make_built_in(tx: Tx, org: Org) -> None:
    """The built-in roles of a new organisation; part of founding it."""
    for each in vocabulary.of(tx.runtime).org_roles:
        await within_store.insert_for(tx, each.draft(), _kind(each.inheritable), [org.id])


async def keep_built_in(tx: Tx) -> None:
    """Make, or bring up to date, those of all organisations of the realm, as this version of Roster knows them.

    A name that an organisation has given stays its own. Only Roster itself does so, when a server starts.
    """
    changed = False
    for each in vocabulary.of(tx.runtime).org_roles:
        draft, kind = each.draft(), _kind(each.inheritable)
        changed |= bool(await within_store.refresh(tx, draft, kind))
        while lacking := await within_store.lacking(tx, each.name, _BATCH):
            await within_store.insert_for(tx, draft, kind, lacking)
    if changed:
        await store.void_realm_grants(tx)


async def _own(tx: Tx, org_id: OrgId, role_id: RoleId, version: int | None) -> tuple[Org, Role]:
    """Organisation and role to be changed, both locked."""
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "roles.write", org)
    role = _one([role for role in await within_store.of_orgs(tx, [org_id]) if role.id == role_id])
    require_version(role.version, version)
    if role.built_in:
        raise RoleBuiltIn
    await deciding.require_permissions(tx, role, {})
    return org, role


async def _checked(tx: Tx, org: Org, role: _R, *, inheritable: bool) -> _R:
    """The role in normal form. Raises InvalidInput, Escalation."""
    naming.check(role.name, role.description)
    known = vocabulary.of(tx.runtime)
    for each in role.permissions:
        if not known.knows(each):
            raise InvalidInput.of("permissions", "unknown_permission", f"There is no permission {each[:100]!r}.")
        if each not in WITHIN_ORGANISATIONS and each not in known.keys:
            text = f"Within an organisation {each!r} means nothing."
            raise InvalidInput.of("permissions", "not_within_organisations", text)
    found = msgspec.structs.replace(
        role,
        permissions=sorted(set(role.permissions)),
        ceiling={_kind(inheritable): [str(org.id)]},
        requires=[],
    )
    await deciding.require_permissions(tx, found, {})
    return found


def _kind(inheritable: bool) -> str:
    return contexts.TREE if inheritable else contexts.ORGANISATION


def _one(found: Sequence[Role]) -> Role:
    if not found:
        raise RoleNotFound
    return found[0]


def _where(org: Org) -> dict[str, list[object]]:
    return {"organisation": [str(org.id), str(org.id)]}
