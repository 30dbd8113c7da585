"""Trusted devices."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from roster.core.devices.models import Description, ExternalId, Kind, Name, Status, Tags
from roster.dialects.native.wire.base import Input, Instant, Output, SearchQuery

Deleted = Annotated[bool, Meta(description="Whether deleted ones are shown too.")]


class DevicesQuery(SearchQuery, frozen=True, kw_only=True):
    """Which devices."""

    deleted: Deleted = False


class Device(Output, frozen=True, kw_only=True):
    """A trusted device, such as a till.

    `external_id` is what it calls itself, `identifier` what the requests that it signs begin with.
    """

    id: UUID
    number: int
    name: str
    kind: str
    description: str
    status: Status
    external_id: str | None
    identifier: str
    has_key: bool
    tags: list[str]
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None
    deleted_at: Instant | None
    deleted_by: UUID | None


class DeviceCreate(Input, frozen=True, kw_only=True):
    """A device to be registered; it cannot prove itself before it is given a key."""

    name: Name
    kind: Kind = ""
    description: Description = ""
    status: Status = "enabled"
    external_id: ExternalId | None = None
    tags: Tags = []


class DevicePatch(Input, frozen=True, kw_only=True):
    """A merge patch of a device."""

    name: Name | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class DeviceKey(Output, frozen=True, kw_only=True):
    """A key with which a device signs requests, in Base64."""

    identifier: str
    key: str
