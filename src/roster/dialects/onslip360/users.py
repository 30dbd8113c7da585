"""Users (contract, tag Users)."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.access import numbers as roles
from roster.core.access.errors import Escalation, LastAdministrator
from roster.core.flows import profiles
from roster.core.flows.models import ChosenKeys
from roster.core.labels.models import Subject
from roster.core.users import search as people
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from roster.core.users.models import User, UserChange
from roster.dialects.onslip360 import address, auth, catalogue, lookup, query, reading, replies, wire
from roster.dialects.onslip360.errors import BadQuery, Changed
from roster.dialects.onslip360.mapping import people as mapping
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import InvalidFilter, PrivateField
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Users")

_LIST: Final = "/~{realm}/users/"
_ONE: Final = "/~{realm}/users/{id}"
_WRITE_ERRORS: Final = (InvalidInput, Forbidden, Escalation, LastAdministrator, UsernameTaken, EmailTaken)
_CHANGE_ERRORS: Final = (UserNotFound, *_WRITE_ERRORS, Changed)
_IF_MATCH: Final = (replies.IF_MATCH,)
Members = dict[str, Any]
Change = Callable[[User], UserChange]


class _Roles(msgspec.Struct, frozen=True):
    """What a request says about roles; None leaves that half as it is."""

    system: Sequence[catalogue.SystemRole] | None
    custom: Sequence[str] | None


@ops.get(
    _LIST,
    id="listUsers",
    needs="show-users",
    errors=(BadQuery, InvalidFilter, PrivateField, Forbidden),
    parameters=query.PARAMETERS,
    returns=list[wire.StoredUser],
)
async def list_users(tx: Tx, request: Request, query: Query) -> Reply:
    """List users.

    Those that match, in the order they were made unless `s` says otherwise; deleted ones for those who may edit users.
    """
    auth.require(tx, "show-users")
    asked = _listing(query)
    deleted = "include" if asked.deleted else "exclude"
    found = await people.search(tx, asked.where, asked.sorts, asked.page, deleted=deleted)
    items = [] if asked.only_count else found.items
    return replies.listed(request, await lookup.shown(tx, items), found.total or 0)


@ops.post(
    _LIST,
    id="addUser",
    status=201,
    needs="edit-users",
    errors=_WRITE_ERRORS,
    accepts=wire.User,
    returns=wire.StoredUser,
)
async def add_user(tx: Tx, request: Request, body: Members) -> Reply:
    """Add a user."""
    auth.require(tx, "edit-users")
    sent, extended = reading.read(wire.User, body)
    _require_no_demon(sent.demon, is_demon=False)
    names = await _role_names(tx, sent.roles)
    wanted = mapping.wanted_roles((), _given(sent.system_roles) or (), names or ())
    user = await profiles.create(tx, mapping.user_draft(sent, extended), roles=wanted or (), keys=mapping.keys(sent))
    await lookup.label(tx, Subject.USER, user.id, sent.labels)
    user = await users.get(tx, user.id)
    return replies.made(request, await lookup.one(tx, user), await lookup.tag(tx, user), user.number)


@ops.get(
    _ONE,
    id="getUser",
    needs="show-users",
    errors=(UserNotFound, Forbidden),
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.StoredUser,
    extra=auth.MOMENTS,
)
async def get_user(tx: Tx, request: Request, id: int) -> Reply:
    """Fetch a user.

    The own one without any permission. With a time behind an at sign, as they were at that moment.
    """
    user = await lookup.readable(tx, id)
    at = address.moment(request)
    if at is not None:
        return replies.shown(request, *await lookup.user_at(tx, user, at))
    return replies.shown(request, await lookup.one(tx, user), await lookup.tag(tx, user))


@ops.put(
    _ONE,
    id="putUser",
    needs="edit-users",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.User,
    returns=wire.StoredUser,
)
async def put_user(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Replace a user.

    Optional members that are left out are removed; the keys stay.
    """
    found = await lookup.writable(tx, id)
    sent, extended = reading.read(wire.User, body)
    held = await lookup.held(tx, found)
    wanted = _Roles(_given(sent.system_roles) or (), await _role_names(tx, sent.roles) or ())
    _require_no_demon(sent.demon, is_demon=lookup.is_demon(tx, held))

    def change(before: User) -> UserChange:
        return mapping.user_replaced(sent, extended, before)

    replies.require_match(request, await lookup.tag(tx, found))
    await lookup.label(tx, Subject.USER, found.id, _given(sent.labels) or ())
    return await _carry_out(tx, request, found, change, wanted, keys=mapping.keys(sent))


@ops.patch(
    _ONE,
    id="updateUser",
    needs="edit-users, or edit-personal-info for the own user",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.UserPatch,
    returns=wire.StoredUser,
)
async def update_user(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Change members of a user.

    Null removes an optional member; a null `deleted` restores a deleted user.
    """
    found = await lookup.writable(tx, id, personal=True)
    sent, extended = reading.read(wire.UserPatch, body)
    if not mapping.is_personal(sent, extended):
        auth.require(tx, "edit-users")
    held = await lookup.held(tx, found)
    wanted = _Roles(_given(sent.system_roles), await _role_names(tx, sent.roles))
    _require_no_demon(sent.demon, is_demon=lookup.is_demon(tx, held))
    replies.require_match(request, await lookup.tag(tx, found))
    if sent.deleted is None and found.deleted_at is not None:
        found = await users.restore(tx, found.id)
    await lookup.label(tx, Subject.USER, found.id, sent.labels)
    change, keys = _changing(sent, extended), mapping.keys(sent)
    return await _carry_out(tx, request, found, change, wanted, keys=keys)


@ops.delete(
    _ONE,
    id="removeUser",
    status=204,
    needs="edit-users",
    errors=(UserNotFound, Forbidden, Escalation, LastAdministrator, Changed),
    parameters=_IF_MATCH,
)
async def remove_user(tx: Tx, request: Request, id: int) -> None:
    """Delete a user.

    It can be restored until its time is over; deleting it again changes nothing.
    """
    found = await lookup.writable(tx, id)
    replies.require_match(request, await lookup.tag(tx, found))
    if found.deleted_at is None:
        version = found.version if replies.is_conditional(request) else None
        await replies.removed(request, users.delete(tx, found.id, version=version))


@ops.route(
    "REPORT",
    _ONE,
    id="inspectUser",
    needs="show-users",
    writes=False,
    errors=(UserNotFound, Forbidden, InvalidInput),
)
async def inspect_user(tx: Tx, id: int, body: wire.Inspection) -> wire.Report:
    """Report about a user: all revisions, the newest first."""
    user = await lookup.readable(tx, id)
    return await lookup.report(tx, "user", user.id, body)


def _changing(sent: wire.UserPatch, extended: reading.Extended) -> Change:
    return lambda before: mapping.user_change(sent, extended, before)


async def _carry_out(
    tx: Tx,
    request: Request,
    found: User,
    change: Change,
    wanted: _Roles,
    *,
    keys: ChosenKeys,
) -> Reply:
    """Change the user whom the caller has seen, and show the result. Deleted users cannot be changed."""
    if found.deleted_at is not None:
        raise UserNotFound

    async def attempt(before: User) -> User:
        names = await _all_wanted(tx, before, wanted)
        await profiles.change(tx, before.id, change(before), version=before.version, roles=names, keys=keys)
        return await users.get(tx, before.id)

    user = await replies.carried_out(request, attempt, found, lambda: users.get(tx, found.id))
    return replies.shown(request, await lookup.one(tx, user), await lookup.tag(tx, user))


async def _all_wanted(tx: Tx, user: User, wanted: _Roles) -> list[str] | None:
    """The names of all roles that somebody shall have: for each state of theirs that is changed, those of that state.

    A role that was taken away meanwhile would come back otherwise.
    """
    if wanted.system is None and wanted.custom is None:
        return None
    return mapping.wanted_roles(await lookup.held(tx, user), wanted.system, wanted.custom)


async def _role_names(tx: Tx, numbers: list[int] | UnsetType | None) -> list[str] | None:
    """The names of custom roles; None when the request says nothing about them."""
    return None if numbers is UNSET else await roles.names(tx, _given(numbers) or ())


def _given(value: Any) -> Any:
    """None where nothing was said, an empty list for null."""
    return None if value is UNSET else value or []


def _require_no_demon(wanted: bool | UnsetType | None, *, is_demon: bool) -> None:
    """Nobody is made to run all realms here: that comes with being an administrator of the main realm."""
    if not isinstance(wanted, UnsetType) and bool(wanted) != is_demon:
        raise Forbidden("Only administrators of the main realm are super-users, and all of them are.")


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.USER)
