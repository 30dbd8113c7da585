"""Access tokens: keys of a user that sign requests (contract, tag Access tokens)."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType

from roster.core.access import vocabulary
from roster.core.access.errors import Escalation
from roster.core.credentials import search, signing
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import AliasTaken, CredentialNotFound, TooManyCredentials
from roster.core.credentials.models import Credential, Kind, SigningChange
from roster.core.devices import numbers as device_numbers
from roster.core.devices import service as devices
from roster.core.devices.errors import DeviceNotFound
from roster.core.labels import service as labelled
from roster.core.labels.models import Subject
from roster.core.users import numbers as people
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.dialects.onslip360 import auth, lookup, query, reading, replies, wire
from roster.dialects.onslip360.errors import BadQuery, Changed
from roster.dialects.onslip360.mapping import tokens as mapping
from roster.dialects.onslip360.mapping.base import Numbers
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import Compare, InvalidFilter, Op
from roster.kit.ids import DeviceId
from roster.kit.pages import Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Access tokens")

_LIST: Final = "/~{realm}/users/{user}/access-tokens/"
_ONE: Final = "/~{realm}/users/{user}/access-tokens/{id}"
_SHOW: Final = "show-access-tokens (any user) or use-access-tokens (own)"
_EDIT: Final = "edit-access-tokens (any user) or use-access-tokens (own)"
_READ_ERRORS: Final = (UserNotFound, CredentialNotFound, Forbidden)
_WRITE_ERRORS: Final = (UserNotFound, InvalidInput, Forbidden, Escalation, AliasTaken)
_CHANGE_ERRORS: Final = (*_WRITE_ERRORS, CredentialNotFound, Changed)
_IF_MATCH: Final = (replies.IF_MATCH,)
_KINDS: Final = (Kind.HAWK,)
Members = dict[str, Any]


@ops.get(
    _LIST,
    id="listAccessTokens",
    needs=_SHOW,
    errors=(*_READ_ERRORS, BadQuery, InvalidFilter),
    parameters=query.PARAMETERS,
    returns=list[wire.StoredAccessToken],
)
async def list_tokens(tx: Tx, request: Request, user: int, query: Query) -> Reply:
    """List access tokens of a user."""
    owner = await _owner(tx, user, "show-access-tokens")
    asked = _listing(query)
    found = await search.search(tx, owner.id, _KINDS, where=asked.where, sorts=asked.sorts, page=asked.page)
    items = [] if asked.only_count else found.items
    return replies.listed(request, await shown(tx, owner.number, items), found.total or 0)


@ops.post(
    _LIST,
    id="addAccessToken",
    status=201,
    needs=_EDIT,
    errors=(*_WRITE_ERRORS, TooManyCredentials),
    accepts=wire.AccessToken,
    returns=wire.StoredAccessToken,
)
async def add_token(tx: Tx, request: Request, user: int, body: Members) -> Reply:
    """Add an access token.

    The answer has its key, this once.
    """
    owner = await _owner(tx, user, "edit-access-tokens")
    sent, extended = reading.read(wire.AccessToken, body)
    device = await _device(tx, sent.client)
    made = await signing.create(tx, owner.id, mapping.token_draft(sent, extended, device or None, _expand(tx)))
    await lookup.label(tx, Subject.CREDENTIAL, made.credential.id, sent.labels)
    shown_once = await _shown_with_key(tx, owner.number, made.credential, made.key)
    return replies.made(request, shown_once, await _tag(tx, made.credential), made.credential.number)


@ops.get(
    _ONE,
    id="getAccessToken",
    needs=_SHOW,
    errors=_READ_ERRORS,
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.StoredAccessToken,
)
async def get_token(tx: Tx, request: Request, user: int, id: int) -> Reply:
    """Fetch an access token."""
    owner = await _owner(tx, user, "show-access-tokens")
    found = await _find(tx, owner, id)
    return replies.shown(request, (await shown(tx, owner.number, [found]))[0], await _tag(tx, found))


@ops.put(
    _ONE,
    id="putAccessToken",
    needs=_EDIT,
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.AccessToken,
    returns=wire.StoredAccessToken,
)
async def put_token(tx: Tx, request: Request, user: int, id: int, body: Members) -> Reply:
    """Replace an access token.

    Its key stays.
    """
    owner = await _owner(tx, user, "edit-access-tokens")
    found = await _find(tx, owner, id)
    sent, extended = reading.read(wire.AccessToken, body)
    device = await _device(tx, sent.client)
    change = mapping.token_replaced(sent, extended, device or None, _expand(tx))
    labels = None if isinstance(sent.labels, UnsetType) else sent.labels
    return await _carry_out(tx, request, owner, found, lambda _: change, labels=labels)


@ops.patch(
    _ONE,
    id="updateAccessToken",
    needs=_EDIT,
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.AccessTokenPatch,
    returns=wire.StoredAccessToken,
)
async def update_token(tx: Tx, request: Request, user: int, id: int, body: Members) -> Reply:
    """Change members of an access token."""
    owner = await _owner(tx, user, "edit-access-tokens")
    found = await _find(tx, owner, id)
    sent, extended = reading.read(wire.AccessTokenPatch, body)
    device = await _device(tx, sent.client)

    def change(before: Credential) -> SigningChange:
        return mapping.token_change(sent, extended, before, device, _expand(tx))

    return await _carry_out(tx, request, owner, found, change, labels=sent.labels)


@ops.delete(
    _ONE,
    id="removeAccessToken",
    status=204,
    needs=_EDIT,
    errors=(*_READ_ERRORS, Escalation, Changed),
    parameters=_IF_MATCH,
)
async def remove_token(tx: Tx, request: Request, user: int, id: int) -> None:
    """Delete an access token.

    Its key fails from the next request on; it cannot be restored.
    """
    owner = await _owner(tx, user, "edit-access-tokens")
    found = await _find(tx, owner, id)
    replies.require_match(request, await _tag(tx, found))
    version = found.version if replies.is_conditional(request) else None
    await replies.removed(request, credentials.delete(tx, owner.id, found.id, version=version))


@ops.post(
    _ONE,
    id="regenerateAccessToken",
    needs=_EDIT,
    errors=(*_READ_ERRORS, InvalidInput, Escalation),
    returns=wire.StoredAccessToken,
)
async def regenerate_token(tx: Tx, user: int, id: int, body: wire.KeySpecification) -> Reply:
    """Make a new key.

    The one before stops working; the answer has the new one, this once.
    """
    owner = await _owner(tx, user, "edit-access-tokens")
    if body.algorithm is not UNSET:
        raise InvalidInput.of("algorithm", "not_offered", "A key that signs requests has no algorithm to choose.")
    found = await _find(tx, owner, id)
    made = await signing.renew(tx, owner.id, found.id)
    shown_once = await _shown_with_key(tx, owner.number, made.credential, made.key)
    return Reply(200, shown_once, (("ETag", await _tag(tx, made.credential)),))


async def shown(tx: Tx, owner: int, found: Sequence[Credential]) -> list[object]:
    """Tokens of one user as the wire shows them, without their keys."""
    numbers = await _numbers(tx, found)
    return [mapping.token_out(each, owner, numbers) for each in found]


async def _shown_with_key(tx: Tx, owner: int, made: Credential, key: bytes) -> object:
    return mapping.token_out(made, owner, await _numbers(tx, [made]), key=key)


async def _numbers(tx: Tx, found: Sequence[Credential]) -> Numbers:
    return Numbers(
        people=await people.of(tx, (each.updated_by for each in found)),
        devices=await device_numbers.of(tx, mapping.devices_of(found)),
        labels=await labelled.numbers_of(tx, [each.id for each in found]),
    )


async def _owner(tx: Tx, number: int, permission: str) -> User:
    """Whose tokens a path is about. Raises Forbidden to those who may not, whether there is such a user or not."""
    try:
        found = await people.get(tx, number)
    except UserNotFound:
        auth.require(tx, permission)
        raise
    auth.require(tx, permission, *(["use-access-tokens"] if tx.actor.is_user(found.id) else []))
    return found


async def _find(tx: Tx, owner: User, number: int) -> Credential:
    where = Compare("number", Op.EQ, number)
    found = await search.search(tx, owner.id, _KINDS, where=where, sorts=(), page=Page(limit=1))
    if not found.items:
        raise CredentialNotFound
    return found.items[0]


async def _device(tx: Tx, number: int | UnsetType | None) -> DeviceId | UnsetType | None:
    """The till that a token is tied to. Raises InvalidInput."""
    if not isinstance(number, int):
        return number
    try:
        return (await devices.find_numbered(tx, number)).id
    except DeviceNotFound:
        raise InvalidInput.of("client", "unknown_till", f"There is no till {number}.") from None


async def _carry_out(
    tx: Tx,
    request: Request,
    owner: User,
    found: Credential,
    change: Callable[[Credential], SigningChange],
    *,
    labels: list[int] | UnsetType | None,
) -> Reply:
    """Change the token that the caller has seen, and show the result."""
    replies.require_match(request, await _tag(tx, found))
    if not isinstance(labels, UnsetType) and (labels or await labelled.of(tx, [found.id])):
        await lookup.label(tx, Subject.CREDENTIAL, found.id, labels)

    async def attempt(before: Credential) -> Credential:
        return await signing.change(tx, owner.id, before.id, change(before), version=before.version)

    changed = await replies.carried_out(request, attempt, found, lambda: _find(tx, owner, found.number))
    return replies.shown(request, (await shown(tx, owner.number, [changed]))[0], await _tag(tx, changed))


def _expand(tx: Tx) -> mapping.Expand:
    return vocabulary.of(tx.runtime).expand


async def _tag(tx: Tx, credential: Credential) -> str:
    return await lookup.tag_of(tx, "t", credential)


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.TOKEN)
