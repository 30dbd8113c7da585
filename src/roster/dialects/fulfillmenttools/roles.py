"""Roles and their ceilings (contract, /api/roles)."""

from typing import Final

from msgspec import UNSET

from roster.core.access import search as listed
from roster.core.access import service as access
from roster.core.access import vocabulary
from roster.core.access.errors import (
    Escalation,
    LastAdministrator,
    RoleBuiltIn,
    RoleInUse,
    RoleNameTaken,
    RoleNotFound,
)
from roster.core.access.models import ADMINISTRATOR, Role
from roster.dialects.fulfillmenttools import catalogue, pages
from roster.dialects.fulfillmenttools import query as queries
from roster.dialects.fulfillmenttools.errors import FIRST_VERSION
from roster.dialects.fulfillmenttools.mapping import access as mapping
from roster.dialects.fulfillmenttools.wire import access as wire
from roster.dialects.fulfillmenttools.wire.search import SearchPayload
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.filters import All, AnyOf, Compare, InvalidFilter, Op
from roster.kit.ids import RoleId
from roster.kit.pages import MAX_LIMIT, InvalidCursor, Page
from roster.kit.text import fold
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="User Management (Core)")

_LISTED: Final = AnyOf(
    (
        Compare("built_in", Op.EQ, value=False),
        Compare("name", Op.IN, (ADMINISTRATOR, *(role.name for role in catalogue.CATALOGUE.roles))),
    )
)
"""Not those that other front doors bring along; who has one of these finds it by its name."""
_MEMBERS: Final = {
    "name": queries.text("name"),
    "displayName": queries.text("display_name", pattern=True),
    "description": queries.text("description"),
}
_DIRECTIONS: Final = {"displayName": "display_name"}
_CHANGES: Final = (
    RoleNotFound,
    InvalidInput,
    Forbidden,
    RoleBuiltIn,
    Escalation,
    StaleVersion,
    LastAdministrator,
)


@ops.get("/api/roles", id="getAllRoles", needs="ROLE_READ", errors=(Forbidden,))
async def get_all_roles(tx: Tx) -> list[wire.Role]:
    """List all roles, built-in ones too."""
    found = await listed.search(tx, _LISTED, (), Page(MAX_LIMIT))
    roles = found.items
    while found.next is not None:
        found = await listed.search(tx, _LISTED, (), Page(MAX_LIMIT, cursor=found.next))
        roles = roles + found.items
    return [_shown(tx, role) for role in roles]


@ops.post(
    "/api/roles",
    id="createRole",
    status=201,
    needs="ROLE_WRITE",
    errors=(InvalidInput, RoleNameTaken, Forbidden, Escalation),
)
async def create_role(tx: Tx, body: wire.RoleForCreation) -> wire.Role:
    """Create a role. Nobody puts permissions into it that they do not hold."""
    return _shown(tx, await access.create_role(tx, mapping.role_draft(body)))


@ops.post(
    "/api/roles/search",
    id="searchRole",
    needs="ROLE_READ",
    writes=False,
    errors=(InvalidInput, InvalidFilter, InvalidCursor, Forbidden),
)
async def search_role(tx: Tx, body: SearchPayload) -> wire.RolePaginatedResult:
    """Search roles, by name unless sorted otherwise."""
    asked = queries.query(body.query, _MEMBERS, tx.now)
    page = pages.page(body, behind=await _behind(tx, body.start_after_id))
    order = queries.sorts(body.sort, _DIRECTIONS)
    found = await listed.search(tx, All((_LISTED, asked)), order, page, limits=queries.LIMITS)
    return wire.RolePaginatedResult(
        roles=[_shown(tx, role) for role in found.items],
        page_info=pages.info(found),
        total=UNSET if found.total is None else found.total,
    )


@ops.get("/api/roles/{name}", id="getRole", needs="ROLE_READ", errors=(RoleNotFound, Forbidden))
async def get_role(tx: Tx, name: str) -> wire.Role:
    """Read a role."""
    return _shown(tx, await _named(tx, name))


@ops.put("/api/roles/{name}", id="updateRole", needs="ROLE_WRITE", errors=_CHANGES)
async def update_role(tx: Tx, name: str, body: wire.RoleForUpdate) -> wire.Role:
    """Replace a role. Optional members left out are cleared."""
    role = await _changeable(tx, name, body.name)
    change = mapping.role_replacement(role, body, vocabulary.of(tx.runtime))
    return _shown(tx, await access.change_role(tx, role.id, change, version=body.version - FIRST_VERSION))


@ops.patch("/api/roles/{name}", id="patchRole", needs="ROLE_WRITE", errors=_CHANGES)
async def patch_role(tx: Tx, name: str, body: wire.RoleForPatch) -> wire.Role:
    """Change the members of a role that are sent."""
    role = await _changeable(tx, name, body.name)
    change = mapping.role_patch(role, body, vocabulary.of(tx.runtime))
    return _shown(tx, await access.change_role(tx, role.id, change, version=body.version - FIRST_VERSION))


@ops.delete(
    "/api/roles/{name}",
    id="deleteRole",
    needs="ROLE_WRITE",
    errors=(RoleNotFound, Forbidden, RoleBuiltIn, RoleInUse, Escalation, LastAdministrator),
)
async def delete_role(tx: Tx, name: str) -> wire.Role:
    """Delete a role that nobody has; the answer is the role as it was."""
    role = await _named(tx, name)
    await access.delete_role(tx, role.id, unused=True)
    return _shown(tx, role)


async def _behind(tx: Tx, name: str | None) -> RoleId | None:
    """The role behind which to go on, by its name, which serves as an id. Raises InvalidInput."""
    if name is None:
        return None
    try:
        return (await _named(tx, name)).id
    except RoleNotFound:
        raise InvalidInput.of("startAfterId", "unknown", "There is no such role.") from None


async def _named(tx: Tx, name: str) -> Role:
    """The role of this name; an id finds nothing here. Raises RoleNotFound."""
    role = await access.find_role(tx, name)
    if fold(role.name) != fold(name):
        raise RoleNotFound
    return role


async def _changeable(tx: Tx, name: str, repeated: str) -> Role:
    """The role to change, whose name the body repeats. Raises RoleNotFound, RoleBuiltIn, InvalidInput."""
    role = await _named(tx, name)
    if role.built_in:
        raise RoleBuiltIn
    if fold(repeated) != fold(role.name):
        raise InvalidInput.of("name", "renamed", "A role keeps its name: repeat the one of the path.")
    return role


def _shown(tx: Tx, role: Role) -> wire.Role:
    return mapping.role_out(role, vocabulary.of(tx.runtime))
