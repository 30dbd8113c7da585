"""Tills, the trusted devices of a realm (contract, tag Tills)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import UnsetType

from roster.core.devices import service as devices
from roster.core.devices.errors import DeviceIdTaken, DeviceNotFound
from roster.core.devices.models import Device, DeviceChange
from roster.core.flows import enrolling
from roster.core.history import service as history
from roster.core.labels.models import Subject
from roster.dialects.onslip360 import address, auth, lookup, query, reading, replies, wire
from roster.dialects.onslip360.errors import BadQuery, Changed
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping import tills as mapping
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import InvalidFilter
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Tills")

_LIST: Final = "/~{realm}/tills/"
_ONE: Final = "/~{realm}/tills/{id}"
_WRITE_ERRORS: Final = (InvalidInput, Forbidden, DeviceIdTaken)
_CHANGE_ERRORS: Final = (DeviceNotFound, *_WRITE_ERRORS, Changed)
_IF_MATCH: Final = (replies.IF_MATCH,)
_BINDING: Final = frozenset({"device_id", "device_key"})
_FINER: Final[Mapping[str, frozenset[str]]] = {
    "bind-tills": _BINDING,
    "bind-control-unit": frozenset({"control_unit_id"}),
    "edit-till-config": frozenset({"config"}),
    "edit-locations": frozenset({"location", "account_config"}),
}
"""Permissions that are enough for changing some members; the first two only while these are unset."""
Members = dict[str, Any]
Change = Callable[[Device], DeviceChange]


@ops.get(
    _LIST,
    id="listTills",
    needs="show-tills",
    errors=(BadQuery, InvalidFilter, Forbidden),
    parameters=query.PARAMETERS,
    returns=list[wire.StoredTill],
)
async def list_tills(tx: Tx, request: Request, query: Query) -> Reply:
    """List tills."""
    auth.require(tx, "show-tills")
    asked = _listing(query)
    found = await devices.search(tx, asked.where, asked.sorts, asked.page, deleted=asked.deleted)
    return replies.listed(request, await shown(tx, [] if asked.only_count else found.items), found.total or 0)


@ops.post(
    _LIST,
    id="addTill",
    status=201,
    needs="edit-tills",
    errors=_WRITE_ERRORS,
    accepts=wire.Till,
    returns=wire.StoredTill,
)
async def add_till(tx: Tx, request: Request, body: Members) -> Reply:
    """Add a till."""
    auth.require(tx, "edit-tills")
    sent, extended = reading.read(wire.Till, body)
    key = mapping.device_key(sent.device_key)
    device = await enrolling.create(tx, mapping.till_draft(sent, extended), key=key if isinstance(key, bytes) else None)
    await lookup.label(tx, Subject.DEVICE, device.id, sent.labels)
    return replies.made(request, (await shown(tx, [device]))[0], await tag(tx, device), device.number)


@ops.get(
    _ONE,
    id="getTill",
    needs="show-tills",
    errors=(DeviceNotFound, Forbidden),
    parameters=(replies.IF_NONE_MATCH,),
    returns=wire.StoredTill,
    extra=auth.MOMENTS,
)
async def get_till(tx: Tx, request: Request, id: int) -> Reply:
    """Fetch a till.

    With a time behind an at sign, as it was at that moment.
    """
    auth.require(tx, "show-tills")
    device = await devices.find_numbered(tx, id)
    at = address.moment(request)
    if at is not None:
        device = await history.device_at(tx, device, at)
    return replies.shown(request, (await shown(tx, [device]))[0], await tag(tx, device))


@ops.put(
    _ONE,
    id="putTill",
    needs="edit-tills",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.Till,
    returns=wire.StoredTill,
)
async def put_till(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Replace a till.

    Its key stays unless another one is sent.
    """
    found = await _writable(tx, request, id)
    sent, extended = reading.read(wire.Till, body)
    change = mapping.till_replaced(sent, extended)
    if found.deleted_at is None:
        await lookup.label(tx, Subject.DEVICE, found.id, None if isinstance(sent.labels, UnsetType) else sent.labels)
    return await _carry_out(tx, request, found, lambda _: change, sent.device_key)


@ops.patch(
    _ONE,
    id="updateTill",
    needs="edit-tills",
    errors=_CHANGE_ERRORS,
    parameters=_IF_MATCH,
    accepts=wire.TillPatch,
    returns=wire.StoredTill,
)
async def update_till(tx: Tx, request: Request, id: int, body: Members) -> Reply:
    """Change members of a till.

    Null removes an optional member, its key too; a null `deleted` restores a deleted till.
    """
    found = await _writable(tx, request, id, *_FINER)
    sent, extended = reading.read(wire.TillPatch, body)
    if not auth.holds(tx, "edit-tills"):
        return await _change_finely(tx, request, found, sent, extended)

    def change(before: Device) -> DeviceChange:
        return mapping.till_change(sent, extended, before)

    await lookup.label(tx, Subject.DEVICE, found.id, sent.labels)
    return await _carry_out(tx, request, found, change, sent.device_key, restore=sent.deleted is None)


@ops.delete(
    _ONE,
    id="removeTill",
    status=204,
    needs="edit-tills",
    errors=(DeviceNotFound, Forbidden, Changed),
    parameters=_IF_MATCH,
)
async def remove_till(tx: Tx, request: Request, id: int) -> None:
    """Delete a till.

    It can be restored; deleting it again changes nothing.
    """
    found = await _writable(tx, request, id)
    if found.deleted_at is None:
        await replies.removed(request, devices.delete(tx, found.id, version=_version(request, found)))


async def shown(tx: Tx, found: list[Device]) -> list[object]:
    """Tills as the wire shows them."""
    numbers = await lookup.numbers_of(tx, found)
    return [mapping.till_out(device, numbers) for device in found]


async def tag(tx: Tx, device: Device) -> str:
    """The entity tag of a till."""
    return await lookup.tag_of(tx, "d", device)


async def _change_finely(
    tx: Tx, request: Request, found: Device, sent: wire.TillPatch, extended: reading.Extended
) -> Reply:
    """A change by somebody who may change some members of tills only. Raises Forbidden for every other member."""
    if found.deleted_at is not None:
        raise DeviceNotFound
    named = mapping.named(sent)
    allowed = {member for name in _FINER if auth.holds(tx, name) for member in _FINER[name]}
    bound = "control_unit_id" in named and "control_unit_id" in base.facet_of(found)
    if extended or bound or not named <= allowed:
        raise Forbidden("The permission edit-tills is needed.")
    device = found
    if named & _BINDING:
        external_id = sent.device_id if isinstance(sent.device_id, str) else None
        key = mapping.device_key(sent.device_key)
        device = await devices.bind(
            tx, found.id, external_id=external_id, key=key if isinstance(key, bytes) else None, version=found.version
        )
    facets = mapping.till_change(sent, {}, device).facets
    if not isinstance(facets, UnsetType):
        device = await devices.annotate(tx, found.id, facets, version=device.version)
    return replies.shown(request, (await shown(tx, [device]))[0], await tag(tx, device))


async def _writable(tx: Tx, request: Request, number: int, *finer: str) -> Device:
    auth.require(tx, "edit-tills", *finer)
    found = await devices.find_numbered(tx, number)
    replies.require_match(request, await tag(tx, found))
    return found


async def _carry_out(
    tx: Tx, request: Request, found: Device, change: Change, key: Any, *, restore: bool = False
) -> Reply:
    """Change a till and show the result. Deleted ones are changed only while they are brought back."""
    restore = restore and found.deleted_at is not None
    if found.deleted_at is not None and not restore:
        raise DeviceNotFound
    sent_key = mapping.device_key(key)

    async def attempt(before: Device) -> Device:
        return await enrolling.change(
            tx, before.id, change(before), version=before.version, key=sent_key, restore=restore
        )

    device = await replies.carried_out(request, attempt, found, lambda: devices.get(tx, found.id))
    return replies.shown(request, (await shown(tx, [device]))[0], await tag(tx, device))


def _version(request: Request, device: Device) -> int | None:
    """The version that the caller has seen, if they insist on it."""
    return device.version if replies.is_conditional(request) else None


def _listing(given: Query) -> query.Listing:
    return query.listing(given, query.TILL)
