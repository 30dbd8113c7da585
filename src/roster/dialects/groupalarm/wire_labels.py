"""Requests and answers about labels, member by member."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.dialects.groupalarm.wire import Id, LabelRef, spelled
from roster.dialects.groupalarm.wire_organizations import Organization

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Color = Annotated[str, Meta(pattern=r"^(#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8}))?$")]
"""Hex; empty without any."""
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Number = Annotated[int, Meta(ge=1)]
People = Annotated[list[Number], Meta(max_length=20_000)]


class SmartLabelConfiguration(msgspec.Struct, frozen=True, rename=spelled):
    """Rule of a computed label: who carries all of these labels, or one of them."""

    conjunction_type: Literal["and", "or"] = "and"
    geofence_ids: Annotated[list[int], Meta(max_length=100)] | None = None
    label_ids: Annotated[list[Number], Meta(max_length=100)] | None = None


class Label(msgspec.Struct, frozen=True, rename=spelled):
    """A label; `assignees` are numbers of members, `availableUsers` counts those of them who can be called on now."""

    assignees: list[int]
    available_users: int
    color: str
    description: str
    id: int
    minimum_users: int
    name: str
    organization_id: int
    pauseable_users: list[int] | None
    priority: int
    smart_label_configuration: SmartLabelConfiguration | UnsetType = UNSET
    substitute: "Label | UnsetType" = UNSET


class LabelWrite(msgspec.Struct, frozen=True, rename=spelled):
    """A label as sent. It replaces what was there, but for `assignees`, which stay when they are left out."""

    organization_id: Number
    name: Name
    assignees: People | None = None
    color: Color = ""
    description: Annotated[str, Meta(max_length=10_000)] = ""
    id: Id = 0
    minimum_users: Count = 0
    pauseable_users: People | None = None
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    smart_label_configuration: SmartLabelConfiguration | None = None
    substitute: LabelRef | None = None


class LabelList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of labels."""

    labels: list[Label]
    total: int


class OrganizationWithLabels(msgspec.Struct, frozen=True, rename=spelled):
    """An organisation of the caller, with the labels that the caller carries there."""

    labels: list[Label]
    organization: Organization


class OrganizationsWithLabelList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of these."""

    organizations_with_labels: list[OrganizationWithLabels]
    total_organizations: int


class Message(msgspec.Struct, frozen=True):
    """The short answer of operations on labels."""

    message: str
