"""Roles: named sets of users, with owners (contract, tag Roles)."""

from collections.abc import Sequence
from typing import Final

from msgspec import UnsetType

from roster.core.access import removal, search
from roster.core.access import service as access
from roster.core.access.errors import Escalation, LastAdministrator, RoleBuiltIn, RoleNameTaken, RoleNotFound
from roster.core.access.models import MembersChange, Role
from roster.dialects.acceleratxr import mapping, query, wire
from roster.dialects.acceleratxr.errors import RangeArity, UidMismatch
from roster.dialects.acceleratxr.users import CRITERIA, LISTING
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.filters import InvalidFilter
from roster.kit.ids import RoleId
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query

ops = Operations(tag="Roles")

_SEARCH: Final = (InvalidFilter, RangeArity, Forbidden)


@ops.get("/roles", id="Role.findAll", public=True, errors=_SEARCH, parameters=LISTING)
async def find_all(tx: Tx, query: Query) -> list[wire.Role]:
    """Find roles.

    All for those who may read roles, else those the caller has.
    """
    _require_somebody(tx)
    asked = _listing(query)
    found = await search.search(tx, asked.where, asked.sorts, asked.page)
    return await _shown(tx, found.items)


@ops.post("/roles", id="Role.create", status=201, errors=(InvalidInput, RoleNameTaken, Forbidden))
async def create(tx: Tx, body: wire.RoleWrite) -> wire.Role:
    """Create a role."""
    wanted = mapping.role_members(body) or MembersChange()
    members, owners = sorted(wanted.members or ()), sorted(wanted.owners or ())
    role = await access.create_role(tx, mapping.role_draft(body), members=members, owners=owners)
    return (await _shown(tx, [role]))[0]


@ops.delete("/roles", id="Role.truncate", errors=_SEARCH, parameters=CRITERIA)
async def truncate(tx: Tx, query: Query) -> None:
    """Delete all roles that match.

    For trusted callers; trusted roles stay.
    """
    await removal.delete_roles(tx, _criteria(query, deleting=True))


@ops.get("/roles/count", id="Role.count", public=True, errors=_SEARCH, parameters=CRITERIA)
async def count(tx: Tx, query: Query) -> wire.Count:
    """Count roles."""
    _require_somebody(tx)
    return wire.Count(await search.count(tx, _criteria(query)))


@ops.get("/roles/{id}", id="Role.findById", public=True, errors=(RoleNotFound, Forbidden))
async def find_by_id(tx: Tx, id: str) -> wire.Role:
    """Fetch a role, by uid or name."""
    _require_somebody(tx)
    return (await _shown(tx, [await access.find_role(tx, mapping.identifier(id))]))[0]


@ops.put(
    "/roles/{id}",
    id="Role.update",
    errors=(
        RoleNotFound,
        Forbidden,
        InvalidInput,
        UidMismatch,
        StaleVersion,
        RoleNameTaken,
        RoleBuiltIn,
        LastAdministrator,
        Escalation,
    ),
)
async def update(tx: Tx, id: str, body: wire.RoleWrite) -> wire.Role:
    """Change a role.

    For its owners and trusted callers; members that are left out stay as they are.
    """
    found = await access.find_role(tx, mapping.identifier(id))
    if not isinstance(body.uid, UnsetType) and mapping.read_uid(body.uid) != found.id:
        raise UidMismatch
    version = None if isinstance(body.version, UnsetType) else body.version
    changed = await access.change_role(
        tx, found.id, mapping.role_change(body), version=version, members=mapping.role_members(body)
    )
    return (await _shown(tx, [changed]))[0]


@ops.delete("/roles/{id}", id="Role.delete", errors=(RoleNotFound, Forbidden, RoleBuiltIn, LastAdministrator))
async def delete(tx: Tx, id: str) -> None:
    """Delete a role."""
    await access.delete_role(tx, RoleId((await access.find_role(tx, mapping.identifier(id))).id))


async def _shown(tx: Tx, found: Sequence[Role]) -> list[wire.Role]:
    members = await access.members_of(tx, [role.id for role in found])
    return [mapping.role_out(role, members.get(role.id)) for role in found]


def _require_somebody(tx: Tx) -> None:
    """Anonymous callers need the right to read roles; everybody else sees at least those they have."""
    if not tx.actor.is_known:
        access.require(tx, "roles.read")


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.ROLE)


def _criteria(given: Query, *, deleting: bool = False) -> query.Filter | None:
    return query.only_criteria(given, query.ROLE) if deleting else query.criteria(given, query.ROLE)
