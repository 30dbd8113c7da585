"""Tills: trusted devices of the directory. What it has no word for is kept in the dialect's facet. Pure."""

from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from msgspec import UNSET, UnsetType

from roster.core.devices.models import Device, DeviceChange, DeviceDraft
from roster.dialects.onslip360 import reading, wire
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping.base import Numbers
from roster.dialects.onslip360.reading import Extended
from roster.kit.clock import instant

_KEPT: Final = (
    *("location", "logical_device_id", "control_unit_id", "client_version", "client_user_agent"),
    *("config", "account_config", "cloud_control_unit"),
)
_TYPES: Final = frozenset(get_args(wire.TillType))


def till_out(device: Device, numbers: Numbers) -> object:
    """A till as stored."""
    facet = base.facet_of(device)
    kind: Any = device.kind
    found = wire.StoredTill(
        id=device.number,
        name=device.name,
        type=kind if kind in _TYPES else UNSET,
        description=device.description or UNSET,
        device_id=device.external_id or UNSET,
        **{name: facet[name] for name in _KEPT if name in facet},
        created=instant(device.created_at),
        updated=instant(device.updated_at),
        deleted=instant(device.deleted_at) if device.deleted_at else UNSET,
        updated_by=base.number(device.updated_by, numbers.people),
        updated_from=base.number(device.updated_from, numbers.devices),
        tags=device.tags or UNSET,
        labels=list(numbers.labels.get(device.id, ())) or UNSET,
    )
    return base.beside(found, base.extended_of(device))


def till_draft(body: wire.Till, extended: Extended) -> DeviceDraft:
    """A till to be registered."""
    facet = _facet({}, body, extended)
    return DeviceDraft(
        name=body.name,
        kind=base.or_none(body.type) or "",
        description=base.or_none(body.description) or "",
        external_id=base.or_none(body.device_id),
        facets={base.FACET: facet} if facet else {},
        tags=base.or_none(body.tags) or [],
    )


def till_replaced(body: wire.Till, extended: Extended) -> DeviceChange:
    """A till as it shall be: what is left out is removed, except its key."""
    return DeviceChange(
        name=body.name,
        kind=base.or_none(body.type) or "",
        description=base.or_none(body.description) or "",
        external_id=base.or_none(body.device_id),
        facets={base.FACET: _facet({}, body, extended)},
        tags=base.or_none(body.tags) or [],
    )


def till_change(body: wire.TillPatch, extended: Extended, before: Device) -> DeviceChange:
    """What a request says about a till; what is left out stays, objects are merged."""
    facet = base.facet_of(before)
    return DeviceChange(
        name=body.name,
        kind=UNSET if isinstance(body.type, UnsetType) else body.type or "",
        description=UNSET if isinstance(body.description, UnsetType) else body.description or "",
        external_id=body.device_id,
        facets=base.facets(facet, _facet(facet, body, extended)),
        tags=UNSET if isinstance(body.tags, UnsetType) else body.tags or [],
    )


def named(body: wire.TillPatch) -> set[str]:
    """What a change is about; what the server manages is passed over."""
    found = {name for name in body.__struct_fields__ if getattr(body, name) is not UNSET}
    return found - {"id", "created", "updated", "updated_by", "updated_from"}


def device_key(value: str | UnsetType | None) -> bytes | UnsetType | None:
    """The key of a till as sent. Raises InvalidInput."""
    return reading.key(value, "device-key") if isinstance(value, str) else value


def _facet(before: Mapping[str, Any], body: wire.Till | wire.TillPatch, extended: Extended) -> dict[str, object]:
    given: dict[str, Any] = {name: value for name in _KEPT if (value := getattr(body, name)) is not UNSET}
    merged = {name: _merged(before.get(name), value) for name, value in given.items()}
    return {name: value for name, value in {**before, **merged, **extended}.items() if value is not None}


def _merged(before: Any, change: Any) -> Any:
    """Objects are merged member by member, null removes; everything else is replaced (notes, section 6)."""
    if not isinstance(change, dict):
        return change
    old: dict[str, Any] = cast("dict[str, Any]", before) if isinstance(before, dict) else {}
    new = {name: _merged(old.get(name), each) for name, each in cast("dict[str, Any]", change).items()}
    return {name: each for name, each in {**old, **new}.items() if each is not None}
