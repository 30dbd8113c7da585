"""`/admin/system/role`: roles and their scopes (contract, group admin).

A role's scopes are kept as they were given. Those that satisfy what operations need are permissions of the directory
besides, so nobody gives a role what they may not do themselves; nobody gives it other scopes than they have either.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.core.access import search
from roster.core.access import service as access
from roster.core.access.errors import Escalation, RoleNameTaken, RoleNotFound
from roster.core.access.models import Role, RoleChange, RoleDraft
from roster.dialects.wellbee import catalogue, roles, scopes
from roster.dialects.wellbee.refusals import SuperAdminStays
from roster.kit.errors import InvalidInput
from roster.kit.pages import MAX_LIMIT, Page
from roster.kit.text import fold
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.query import Query

ops: Final = Operations(tag="admin")

SUPER_ADMIN: Final = "super-admin"
_FORMAT: Final = (Parameter(name="format", description="`config`: one text, as the setting `role_scopes` has it."),)
Scope = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\s,;:]+$")]
Scopes = Annotated[list[Scope], Meta(max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^,;:]+$")]


class RoleScopes(msgspec.Struct, frozen=True):
    """A role as it is shown."""

    role: str
    scopes: list[str]


class NewRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role to be made."""

    role: Name
    scopes: Scopes = []


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role by its name."""

    role: str


class RoleAndScopes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scopes to be added to a role, or taken from it."""

    role: str
    scopes: Scopes


@ops.post("/admin/system/role", id="system-role-create", needs="system.add-role", errors=(InvalidInput, RoleNameTaken))
async def create_role(tx: Tx, body: NewRole) -> RoleScopes:
    """Make a role."""
    await _require_own(tx, body.scopes)
    return _shown(tx, await make(tx, body.role, body.scopes))


@ops.get("/admin/system/role", id="system-role-list", needs="system.get-roles", parameters=_FORMAT)
async def list_roles(tx: Tx, query: Query) -> list[RoleScopes] | str:
    """All roles, by name."""
    found = await search.search(tx, None, (), Page(MAX_LIMIT))
    shown = [_shown(tx, each) for each in found.items]
    return roles.written({each.role: each.scopes for each in shown}) if query.get("format") == "config" else shown


@ops.delete("/admin/system/role", id="system-role-delete", needs="system.remove-role", errors=(SuperAdminStays,))
async def delete_role(tx: Tx, body: Named) -> None:
    """Delete a role."""
    if fold(body.role) == SUPER_ADMIN:
        raise SuperAdminStays
    await access.delete_role(tx, (await _find(tx, body.role)).id)


@ops.post("/admin/system/role/scope", id="system-role-scope-add", needs="system.add-role-scopes")
async def add_scopes(tx: Tx, body: RoleAndScopes) -> RoleScopes:
    """Give a role more scopes."""
    await _require_own(tx, body.scopes)
    role = await _find(tx, body.role)
    return await _set(tx, role, [*roles.scopes_of(tx.runtime, role), *body.scopes])


@ops.delete(
    "/admin/system/role/scope",
    id="system-role-scope-remove",
    needs="system.remove-role-scopes",
    errors=(SuperAdminStays,),
)
async def remove_scopes(tx: Tx, body: RoleAndScopes) -> RoleScopes:
    """Take scopes from a role."""
    if fold(body.role) == SUPER_ADMIN and scopes.EVERYTHING in body.scopes:
        raise SuperAdminStays
    role = await _find(tx, body.role)
    return await _set(tx, role, [each for each in roles.scopes_of(tx.runtime, role) if each not in body.scopes])


async def make(tx: Tx, name: str, given: Sequence[str]) -> Role:
    """A role with these scopes. Raises RoleNameTaken, Escalation."""
    kept = list(dict.fromkeys(given))
    draft = RoleDraft(
        catalogue.stored_name(name), permissions=catalogue.permissions(kept), facets={catalogue.NAME: {"scopes": kept}}
    )
    return await access.create_role(tx, draft)


async def _find(tx: Tx, name: str) -> Role:
    try:
        return await access.find_role(tx, catalogue.stored_name(name))
    except RoleNotFound:
        raise InvalidInput.of("role", "unknown_role", "should be the name of a role") from None


async def _set(tx: Tx, role: Role, wanted: Sequence[str]) -> RoleScopes:
    """Permissions that are no scopes stay as they are."""
    kept = list(dict.fromkeys(wanted))
    if kept == roles.scopes_of(tx.runtime, role):
        return _shown(tx, role)
    others = {each for each in role.permissions if not catalogue.is_scope(each)}
    change = RoleChange(
        permissions=sorted(others | set(catalogue.permissions(kept))), facets={catalogue.NAME: {"scopes": kept}}
    )
    return _shown(tx, await access.change_role(tx, role.id, change, version=role.version))


async def _require_own(tx: Tx, wanted: Sequence[str]) -> None:
    """Scopes mean something to other services: who does not have one does not give it to roles. Raises Escalation."""
    if tx.actor.may("*"):
        return
    own = await roles.union(tx, [catalogue.shown_name(each) for each in tx.actor.grants.unlimited])
    if not all(scopes.satisfies(own, each) for each in wanted if not each.endswith(".*")):
        raise Escalation
    if any(each not in own for each in wanted if each.endswith(".*") or each == scopes.EVERYTHING):
        raise Escalation


def _shown(tx: Tx, role: Role) -> RoleScopes:
    return RoleScopes(catalogue.shown_name(role.name), roles.scopes_of(tx.runtime, role))
