"""Requests and answers about organisations, member by member."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.dialects.groupalarm.wire import Id, Line, spelled
from roster.dialects.groupalarm.wire_availability import AvailableUsersCount


class OrganizationLocation(msgspec.Struct, frozen=True, rename=spelled):
    """Where an organisation is."""

    address: Annotated[str, Meta(max_length=1000)] = ""
    latitude: Annotated[float, Meta(ge=-90, le=90)] = 0.0
    longitude: Annotated[float, Meta(ge=-180, le=180)] = 0.0


class Organization(msgspec.Struct, frozen=True, rename=spelled):
    """An organisation; `parentID` 0 is a root. Members are counted for those who may see them.

    `availableUsers` are those of the organisation alone, `availableUsersTotal` of it with all below.
    """

    avatar_url: str
    creation_date: datetime | None
    data_retention_period: int
    description: str
    enforces_two_factor_auth: bool
    has_children: bool
    id: int
    language: str
    location: OrganizationLocation
    name: str
    owner_ids: list[int]
    parent_id: int
    state: str
    tags: list[str]
    timezone: str
    trial_end_date: datetime | None
    available_users: AvailableUsersCount | UnsetType = UNSET
    available_users_total: AvailableUsersCount | UnsetType = UNSET


class OrganizationWrite(msgspec.Struct, frozen=True, rename=spelled):
    """What counts of an organisation as sent; owners and state are not changed by it."""

    id: Id = 0
    parent_id: Id | None = 0
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=35)] | UnsetType = UNSET
    timezone: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    enforces_two_factor_auth: bool | UnsetType = UNSET
    avatar_url: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    data_retention_period: Annotated[int, Meta(ge=0, le=1200)] | UnsetType = UNSET
    location: OrganizationLocation | UnsetType | None = UNSET
    tags: Annotated[list[Line], Meta(max_length=100)] | UnsetType | None = UNSET


class OrganizationList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of organisations."""

    organizations: list[Organization]
    total_organizations: int


class OrganizationChilds(msgspec.Struct, frozen=True, rename=spelled):
    """A page of what is below an organisation, and what is above it from the root on."""

    childs: list[Organization]
    path: list[Organization]
    total_childs: int
