"""A trusted device and the key it proves itself with, made or changed in one use case."""

from msgspec import UNSET, UnsetType

from roster.core.devices import service as devices
from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.kit.ids import DeviceId
from roster.kit.patch import is_set, present
from roster.storage.tx import Tx


async def create(tx: Tx, draft: DeviceDraft, *, key: bytes | None = None) -> Device:
    """Register a device, with a key that it brings along if there is one. Raises as `devices.create` and `set_key`."""
    device = await devices.create(tx, draft)
    if key is None:
        return device
    await devices.set_key(tx, device.id, key)
    return await devices.get(tx, device.id)


async def change(
    tx: Tx,
    device_id: DeviceId,
    change: DeviceChange,
    *,
    version: int | None = None,
    key: bytes | UnsetType | None = UNSET,
    restore: bool = False,
) -> Device:
    """Change a device and its key, which None takes away; with `restore` bring it back first.

    `version` is the one that the caller has seen. Raises as `devices.change`, `set_key` and `restore` do.
    """
    if restore:
        restored = await devices.restore(tx, device_id)
        version = restored.version if version is not None else None
    if present(change) or version is not None or not is_set(key):
        await devices.change(tx, device_id, change, version=version)
    if is_set(key):
        await (devices.remove_key(tx, device_id) if key is None else devices.set_key(tx, device_id, key))
    return await devices.get(tx, device_id)
