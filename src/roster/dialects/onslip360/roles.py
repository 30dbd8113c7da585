"""Custom roles (contract, tag Roles). Those of the system are no entities: users name them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import UnsetType

from roster.core.access import search, vocabulary
from roster.core.access import service as access
from roster.core.access.errors import Escalation, LastAdministrator, RoleBuiltIn, RoleNameTaken, RoleNotFound
from roster.core.access.models import Role, RoleChange
from roster.core.history import service as history
from roster.core.labels import service as labelled
from roster.core.labels.models import Subject
from roster.core.users import numbers as people
from roster.dialects.onslip360 import address, auth, lookup, query, reading, replies, wire
from roster.dialects.onslip360.errors import BadQuery, Changed
from roster.dialects.onslip360.mapping import roles as mapping
from roster.dialects.onslip360.mapping.base import Numbers
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import All, Compare, Filter, InvalidFilter, Op
from roster.kit.pages import Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Roles")

_LIST: Final = "/~{realm}/roles/"
_ONE: Final = "/~{realm}/roles/{id}"
_WRITE_ERRORS: Final = (InvalidInput, Forbidden, Escalation, RoleNameTaken, LastAdministrator)
_CHANGE_ERRORS: Final = (RoleNotFound, *_WRITE_ERRORS, RoleBuiltIn, Changed)
_IF_MATCH: Final = (replies.IF_MATCH,)
_CUSTOM: Final = Compare("built_in", Op.EQ, value=False)
Members = dict[str, Any]


@ops.get(
    _LIST,
    id="listRoles",
    needs="show-roles",
    errors=(BadQuery, InvalidFilter, Forbidden),
    parameters=query.PARAMETERS,
    returns=list[wire.StoredRole],
)
async def list_roles(tx: Tx, request: Request, query: Query) -> Reply:
    """List roles."""
    auth.require(tx, "show-roles")
    asked = _listing(query)
    found = await search.search(tx, _custom(asked.where), asked.sorts, asked.page)
    return replies.listed(request, await _shown(tx, [] if asked.only_count else found.items), found.total or 0)


@ops.post(
    _LIST,
    id="addRole",
    status=201,
    needs="edit-roles",
    errors=_WRITE_ERRORS,
    accepts=wire.Role,
    returns=wire.StoredRole,
)
async def add_role(tx: Tx, request: Request, body: Members) -> Reply:
    """Add a role.

    Permission names that are not known are kept and shown, and give nothing.
    """
    auth.require(tx, "edit-roles")
    sent, extended = reading.read(wire.Role, body)
    role = await access.create_role(tx, mapping.role_draft(sent, extended))
    await lookup.label(tx, Subject.ROLE, role.id, sent.labels)
    return replies.made(request, (await _shown(tx, [role]))[0], await _tag(tx, role), role.number)


@ops.get(
    _ONE,
    id="getRole",
    needs="show-roles",
    errors=(RoleNotFound, Forbidden),
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.StoredRole,
    extra=auth.MOMENTS,
)
async def get_role(tx: Tx, request: Request, id: int) -> Reply:
    """Fetch a role.

    With a time behind an at sign, as it was at that moment.
    """
    auth.require(tx, "show-roles")
    at = address.moment(request)
    role = await (_find(tx, id) if at is None else _at(tx, id, at))
    return replies.shown(request, (await _shown(tx, [role]))[0], await _tag(tx, role))


@ops.put(
    _ONE,
    id="putRole",
    needs="edit-roles",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.Role,
    returns=wire.StoredRole,
)
async def put_role(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Replace a role."""
    auth.require(tx, "edit-roles")
    role = await _find(tx, id)
    sent, extended = reading.read(wire.Role, body)
    wanted = None if isinstance(sent.labels, UnsetType) else sent.labels
    return await _carry_out(tx, request, role, lambda before: mapping.role_replaced(sent, extended, before), wanted)


@ops.patch(
    _ONE,
    id="updateRole",
    needs="edit-roles",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.RolePatch,
    returns=wire.StoredRole,
)
async def update_role(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Change members of a role."""
    auth.require(tx, "edit-roles")
    role = await _find(tx, id)
    sent, extended = reading.read(wire.RolePatch, body)
    return await _carry_out(tx, request, role, lambda before: mapping.role_change(sent, extended, before), sent.labels)


@ops.delete(
    _ONE,
    id="removeRole",
    status=204,
    needs="edit-roles",
    errors=(RoleNotFound, Forbidden, RoleBuiltIn, LastAdministrator, Changed),
    parameters=_IF_MATCH,
)
async def remove_role(tx: Tx, request: Request, id: int) -> None:
    """Delete a role.

    Whoever has it loses it at once; it cannot be restored.
    """
    auth.require(tx, "edit-roles")
    role = await _find(tx, id)
    replies.require_match(request, await _tag(tx, role))
    await access.delete_role(tx, role.id, version=role.version if replies.is_conditional(request) else None)


async def _carry_out(
    tx: Tx,
    request: Request,
    found: Role,
    change: Callable[[Role], RoleChange],
    labels: list[int] | UnsetType | None,
) -> Reply:
    """Change the role that the caller has seen, and show the result."""
    replies.require_match(request, await _tag(tx, found))

    async def attempt(before: Role) -> Role:
        return await access.change_role(tx, before.id, change(before), version=before.version)

    changed = await replies.carried_out(request, attempt, found, lambda: access.get_role(tx, found.id))
    await lookup.label(tx, Subject.ROLE, found.id, labels)
    return replies.shown(request, (await _shown(tx, [changed]))[0], await _tag(tx, changed))


async def _find(tx: Tx, number: int) -> Role:
    """A custom role by number. Raises RoleNotFound."""
    found = await search.search(tx, _custom(Compare("number", Op.EQ, number)), (), Page(limit=1))
    if not found.items:
        raise RoleNotFound
    return found.items[0]


async def _at(tx: Tx, number: int, at: datetime) -> Role:
    """A custom role as it was, one that is deleted now too. Raises RoleNotFound, NotThere, PastUnknown."""
    try:
        return await history.role_at(tx, await _find(tx, number), at)
    except RoleNotFound:
        return await history.deleted_role_at(tx, number, at)


async def _shown(tx: Tx, found: list[Role]) -> list[object]:
    known = vocabulary.of(tx.runtime)
    numbers = Numbers(
        people=await people.of(tx, (role.updated_by for role in found)),
        labels=await labelled.numbers_of(tx, [role.id for role in found]),
    )
    return [mapping.role_out(role, known.expand(role.permissions), numbers) for role in found]


def _custom(where: Filter | None) -> Filter:
    return _CUSTOM if where is None else All((_CUSTOM, where))


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.ROLE)


async def _tag(tx: Tx, role: Role) -> str:
    return await lookup.tag_of(tx, "r", role)
