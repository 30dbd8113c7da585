"""Labels and their categories."""

from msgspec import UNSET

from roster.core.labels.models import (
    Category,
    CategoryChange,
    CategoryDraft,
    Label,
    LabelChange,
    LabelDraft,
    OrgLabel,
    OrgLabelChange,
    OrgLabelDraft,
)
from roster.core.memberships.models import Carrier
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.wire import labels
from roster.kit.ids import CategoryId


def category_out(category: Category) -> labels.Category:
    """A category."""
    return labels.Category(
        id=category.id,
        number=category.number,
        name=category.name,
        resources=category.resources,
        tags=category.tags,
        version=category.version,
        created_at=instant(category.created_at),
        created_by=category.created_by,
        updated_at=instant(category.updated_at),
        updated_by=category.updated_by,
        deleted_at=maybe(category.deleted_at),
        deleted_by=category.deleted_by,
    )


def category_draft(body: labels.CategoryCreate) -> CategoryDraft:
    """What the caller named."""
    return CategoryDraft(name=body.name, resources=body.resources, tags=body.tags)


def category_change(body: labels.CategoryPatch) -> CategoryChange:
    """What the caller named."""
    return CategoryChange(name=body.name, resources=body.resources, tags=body.tags)


def label_out(label: Label) -> labels.Label:
    """A label."""
    return labels.Label(
        id=label.id,
        number=label.number,
        name=label.name,
        category_id=label.category_id,
        tags=label.tags,
        version=label.version,
        created_at=instant(label.created_at),
        created_by=label.created_by,
        updated_at=instant(label.updated_at),
        updated_by=label.updated_by,
        deleted_at=maybe(label.deleted_at),
        deleted_by=label.deleted_by,
    )


def label_draft(body: labels.LabelCreate) -> LabelDraft:
    """What the caller named."""
    return LabelDraft(name=body.name, category_id=CategoryId(body.category_id), tags=body.tags)


def label_change(body: labels.LabelPatch) -> LabelChange:
    """What the caller named."""
    category_id = UNSET if body.category_id is UNSET else CategoryId(body.category_id)
    return LabelChange(name=body.name, category_id=category_id, tags=body.tags)


def org_label_out(label: OrgLabel) -> labels.OrgLabel:
    """A label of an organisation."""
    return labels.OrgLabel(
        id=label.id,
        number=label.number,
        organisation_id=label.org_id,
        name=label.name,
        tags=label.tags,
        version=label.version,
        created_at=instant(label.created_at),
        created_by=label.created_by,
        updated_at=instant(label.updated_at),
        updated_by=label.updated_by,
        deleted_at=maybe(label.deleted_at),
        deleted_by=label.deleted_by,
    )


def org_label_draft(body: labels.OrgLabelCreate) -> OrgLabelDraft:
    """What the caller named."""
    return OrgLabelDraft(name=body.name, tags=body.tags)


def org_label_change(body: labels.OrgLabelPatch) -> OrgLabelChange:
    """What the caller named."""
    return OrgLabelChange(name=body.name, tags=body.tags)


def carrier_out(carrier: Carrier) -> labels.Carrier:
    """A member who carries a label."""
    return labels.Carrier(user_id=carrier.user_id, number=carrier.number)
