"""A device, what may be said when one is registered, and what may be changed."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import DeviceId, RealmId

Status = Literal["enabled", "disabled"]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Kind = Annotated[str, Meta(max_length=64)]
Description = Annotated[str, Meta(max_length=2000)]
ExternalId = Annotated[str, Meta(min_length=1, max_length=200)]
Tags = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)]
Facets = dict[str, dict[str, object]]


class Device(msgspec.Struct, frozen=True):
    """A trusted device. `external_id` is what it calls itself; `has_key` says whether it can prove itself."""

    id: DeviceId
    number: int
    name: str
    kind: str
    description: str
    status: str
    external_id: str | None
    has_key: bool
    facets: Facets
    tags: list[str]
    version: int
    created_at: datetime
    created_by: UUID | None
    created_from: UUID | None
    updated_at: datetime
    updated_by: UUID | None
    updated_from: UUID | None
    deleted_at: datetime | None
    deleted_by: UUID | None
    deleted_from: UUID | None


class DeviceDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device to be registered; its key is given to it afterwards."""

    name: Name
    kind: Kind = ""
    description: Description = ""
    status: Status = "enabled"
    external_id: ExternalId | None = None
    facets: Facets = {}
    tags: Tags = []


class DeviceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a device: what is not named stays. A dialect's facet is replaced as a whole."""

    name: Name | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    facets: Facets | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class Proven(msgspec.Struct, frozen=True):
    """A device that may prove itself at this moment, with its key, and the versions read along with it."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    id: DeviceId
    name: str
    version: int
    sealed: bytes
