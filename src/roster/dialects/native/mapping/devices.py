"""Trusted devices."""

import msgspec

from roster.core.devices import service
from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.wire import devices


def device_out(device: Device, realm_slug: str) -> devices.Device:
    """A device, without its key."""
    return devices.Device(
        id=device.id,
        number=device.number,
        name=device.name,
        kind=device.kind,
        description=device.description,
        status=device.status,  # type: ignore[arg-type]
        external_id=device.external_id,
        identifier=service.identifier(device, realm_slug),
        has_key=device.has_key,
        tags=device.tags,
        version=device.version,
        created_at=instant(device.created_at),
        created_by=device.created_by,
        updated_at=instant(device.updated_at),
        updated_by=device.updated_by,
        deleted_at=maybe(device.deleted_at),
        deleted_by=device.deleted_by,
    )


def device_draft(body: devices.DeviceCreate) -> DeviceDraft:
    """What the caller named."""
    return DeviceDraft(**msgspec.structs.asdict(body))


def device_change(body: devices.DevicePatch) -> DeviceChange:
    """What the caller named."""
    return DeviceChange(**msgspec.structs.asdict(body))
