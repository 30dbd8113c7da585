"""Labels and their categories."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from roster.core.labels.models import Name, Words
from roster.dialects.native.wire.base import Input, Instant, Output, SearchQuery
from roster.dialects.native.wire.devices import Deleted


class LabelsQuery(SearchQuery, frozen=True, kw_only=True):
    """Which labels or categories."""

    deleted: Deleted = False


class Category(Output, frozen=True, kw_only=True):
    """A group of labels. `resources` say what it is meant for, which is a hint and nothing more."""

    id: UUID
    number: int
    name: str
    resources: list[str]
    tags: list[str]
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None
    deleted_at: Instant | None
    deleted_by: UUID | None


class CategoryCreate(Input, frozen=True, kw_only=True):
    """A category to be made."""

    name: Name
    resources: Words = []
    tags: Words = []


class CategoryPatch(Input, frozen=True, kw_only=True):
    """A merge patch of a category."""

    name: Name | UnsetType = UNSET
    resources: Words | UnsetType = UNSET
    tags: Words | UnsetType = UNSET


class Label(Output, frozen=True, kw_only=True):
    """A badge for people and things, in one category."""

    id: UUID
    number: int
    name: str
    category_id: UUID
    tags: list[str]
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None
    deleted_at: Instant | None
    deleted_by: UUID | None


class LabelCreate(Input, frozen=True, kw_only=True):
    """A label to be made."""

    name: Name
    category_id: UUID
    tags: Words = []


class LabelPatch(Input, frozen=True, kw_only=True):
    """A merge patch of a label."""

    name: Name | UnsetType = UNSET
    category_id: UUID | UnsetType = UNSET
    tags: Words | UnsetType = UNSET


class OrgLabel(Output, frozen=True, kw_only=True):
    """A badge of an organisation for its members."""

    id: UUID
    number: int
    organisation_id: UUID
    name: str
    tags: list[str]
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None
    deleted_at: Instant | None
    deleted_by: UUID | None


class OrgLabelCreate(Input, frozen=True, kw_only=True):
    """A label of an organisation to be made."""

    name: Name
    tags: Words = []


class OrgLabelPatch(Input, frozen=True, kw_only=True):
    """A merge patch of a label of an organisation."""

    name: Name | UnsetType = UNSET
    tags: Words | UnsetType = UNSET


class Carrier(Output, frozen=True, kw_only=True):
    """A member who carries a label."""

    user_id: UUID
    number: int
