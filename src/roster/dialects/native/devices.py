"""Trusted devices, such as tills, and their keys."""

from typing import Final

from roster.core.devices import service
from roster.core.devices.errors import DeviceIdTaken, DeviceNotDeleted, DeviceNotFound
from roster.core.devices.models import Device
from roster.dialects.native import etags
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base
from roster.dialects.native.mapping import devices as mapping
from roster.dialects.native.wire import devices as wire
from roster.dialects.native.wire.base import Listing
from roster.kit import hawk
from roster.kit.errors import Forbidden, StaleVersion
from roster.kit.filters import InvalidFilter
from roster.kit.ids import DeviceId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Devices")


@ops.get("/devices", id="listDevices", needs="devices.read", errors=(Forbidden, InvalidFilter, InvalidCursor))
async def list_devices(tx: Tx, query: wire.DevicesQuery) -> Listing[wire.Device]:
    """Trusted devices in the order in which they were registered, unless sorted otherwise."""
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where, sorts = queries.parse_filter(query.filter), queries.parse_sort(query.sort)
    found = await service.search(tx, where, sorts, page, deleted=query.deleted)
    return base.listing(found, lambda device: mapping.device_out(device, tx.actor.realm_slug))


@ops.post(
    "/devices",
    id="createDevice",
    status=201,
    needs="devices.write",
    errors=(Forbidden, DeviceIdTaken),
    returns=wire.Device,
)
async def create_device(tx: Tx, request: Request, body: wire.DeviceCreate) -> Reply:
    """Register a device. `POST /devices/{device_id}/key` lets it prove itself."""
    device = await service.create(tx, mapping.device_draft(body))
    return _answer(tx, device, 201, f"{request.prefix}/devices/{device.id}")


@ops.get(
    "/devices/{device_id}",
    id="getDevice",
    needs="devices.read",
    errors=(DeviceNotFound,),
    returns=wire.Device,
)
async def get_device(tx: Tx, device_id: DeviceId) -> Reply:
    """One device, a deleted one too."""
    return _answer(tx, await service.get(tx, device_id))


@ops.patch(
    "/devices/{device_id}",
    id="patchDevice",
    needs="devices.write",
    errors=(DeviceNotFound, Forbidden, StaleVersion, DeviceIdTaken),
    returns=wire.Device,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_device(tx: Tx, device_id: DeviceId, request: Request, body: wire.DevicePatch) -> Reply:
    """Change a device. Disabling it ends the sessions that were opened on it."""
    change = mapping.device_change(body)
    return _answer(tx, await service.change(tx, device_id, change, version=etags.version_of(request)))


@ops.delete(
    "/devices/{device_id}",
    id="deleteDevice",
    status=204,
    needs="devices.write",
    errors=(DeviceNotFound, Forbidden, StaleVersion),
    parameters=(etags.IF_MATCH,),
)
async def delete_device(tx: Tx, device_id: DeviceId, request: Request) -> None:
    """Delete a device so that it can be restored; the sessions that were opened on it end."""
    await service.delete(tx, device_id, version=etags.version_of(request))


@ops.post(
    "/devices/{device_id}/restore",
    id="restoreDevice",
    needs="devices.write",
    errors=(DeviceNotFound, DeviceNotDeleted, DeviceIdTaken, Forbidden),
    returns=wire.Device,
)
async def restore_device(tx: Tx, device_id: DeviceId) -> Reply:
    """Bring a deleted device back with its key."""
    return _answer(tx, await service.restore(tx, device_id))


@ops.post(
    "/devices/{device_id}/key",
    id="setDeviceKey",
    needs="devices.write and devices.read",
    errors=(DeviceNotFound, Forbidden),
)
async def set_key(tx: Tx, device_id: DeviceId) -> wire.DeviceKey:
    """Give a device a new key, in place of any that it has; sessions that were opened on it end.

    The answer shows the key this once; what is stored afterwards is sealed.
    """
    device = await service.get(tx, device_id)
    key = await service.set_key(tx, device_id)
    return wire.DeviceKey(identifier=service.identifier(device, tx.actor.realm_slug), key=hawk.write_key(key))


@ops.delete(
    "/devices/{device_id}/key",
    id="removeDeviceKey",
    status=204,
    needs="devices.write",
    errors=(DeviceNotFound, Forbidden),
)
async def remove_key(tx: Tx, device_id: DeviceId) -> None:
    """Take a device's key away: it cannot prove itself any more, and the sessions that were opened on it end."""
    await service.remove_key(tx, device_id)


def _answer(tx: Tx, device: Device, status: int = 200, location: str = "") -> Reply:
    return etags.with_tag(mapping.device_out(device, tx.actor.realm_slug), device.version, status, location)
