"""A label, a category of labels, and what may be said of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import CategoryId, LabelId, OrgId

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)]
Facets = dict[str, dict[str, object]]


class Subject(StrEnum):
    """What labels can be attached to."""

    USER = "user"
    ROLE = "role"
    DEVICE = "device"
    CREDENTIAL = "credential"
    LABEL = "label"
    CATEGORY = "label_category"


class Category(msgspec.Struct, frozen=True):
    """A group of labels; `resources` say what it is meant for, which is a hint and nothing more."""

    id: CategoryId
    number: int
    name: str
    resources: list[str]
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


class CategoryDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A category to be made."""

    name: Name
    resources: Words = []
    facets: Facets = {}
    tags: Words = []


class CategoryChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a category: what is not named stays. A dialect's facet is replaced as a whole."""

    name: Name | UnsetType = UNSET
    resources: Words | UnsetType = UNSET
    facets: Facets | UnsetType = UNSET
    tags: Words | UnsetType = UNSET


class Label(msgspec.Struct, frozen=True):
    """A badge of the realm for people and things, in one category."""

    id: LabelId
    number: int
    name: str
    category_id: CategoryId
    category_number: int
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


class LabelDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label to be made."""

    name: Name
    category_id: CategoryId
    facets: Facets = {}
    tags: Words = []


class LabelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a label: what is not named stays. A dialect's facet is replaced as a whole."""

    name: Name | UnsetType = UNSET
    category_id: CategoryId | UnsetType = UNSET
    facets: Facets | UnsetType = UNSET
    tags: Words | UnsetType = UNSET


class OrgLabel(msgspec.Struct, frozen=True):
    """A badge of an organisation for its members; it is in no category."""

    id: LabelId
    number: int
    org_id: OrgId
    name: str
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


class OrgLabelDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label of an organisation to be made."""

    name: Name
    facets: Facets = {}
    tags: Words = []


class OrgLabelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of one: what is not named stays. A dialect's facet is replaced as a whole."""

    name: Name | UnsetType = UNSET
    facets: Facets | UnsetType = UNSET
    tags: Words | UnsetType = UNSET
