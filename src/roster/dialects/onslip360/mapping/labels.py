"""Labels and their categories. Pure."""

from typing import Any

from msgspec import UNSET, UnsetType

from roster.core.labels.models import Category, CategoryChange, CategoryDraft, Label, LabelChange, LabelDraft
from roster.dialects.onslip360 import reading, wire
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping.base import Numbers
from roster.dialects.onslip360.reading import Extended
from roster.kit.clock import instant
from roster.kit.ids import CategoryId


def label_out(label: Label, numbers: Numbers) -> object:
    """A label as stored."""
    found = wire.StoredLabel(name=label.name, label_category=label.category_number, **_stored(label, numbers))
    return base.beside(found, base.extended_of(label))


def category_out(category: Category, numbers: Numbers) -> object:
    """A category as stored."""
    found = wire.StoredLabelCategory(
        name=category.name, resources=category.resources or UNSET, **_stored(category, numbers)
    )
    return base.beside(found, base.extended_of(category))


def label_draft(body: wire.Label, extended: Extended, category: CategoryId) -> LabelDraft:
    """A label to be made."""
    facet = reading.merged({}, extended)
    return LabelDraft(body.name, category, {base.FACET: facet} if facet else {}, base.or_none(body.tags) or [])


def label_replaced(body: wire.Label, extended: Extended, category: CategoryId) -> LabelChange:
    """A label as it shall be."""
    facet = reading.merged({}, extended)
    return LabelChange(body.name, category, {base.FACET: facet}, base.or_none(body.tags) or [])


def label_change(
    body: wire.LabelPatch, extended: Extended, before: Label, category: CategoryId | UnsetType
) -> LabelChange:
    """What a request says about a label."""
    facet = base.extended_of(before)
    return LabelChange(body.name, category, base.facets(facet, reading.merged(facet, extended)), _cleared(body.tags))


def category_draft(body: wire.LabelCategory, extended: Extended) -> CategoryDraft:
    """A category to be made."""
    facet = reading.merged({}, extended)
    return CategoryDraft(
        body.name,
        base.or_none(body.resources) or [],
        {base.FACET: facet} if facet else {},
        base.or_none(body.tags) or [],
    )


def category_replaced(body: wire.LabelCategory, extended: Extended) -> CategoryChange:
    """A category as it shall be."""
    facet = reading.merged({}, extended)
    return CategoryChange(
        body.name, base.or_none(body.resources) or [], {base.FACET: facet}, base.or_none(body.tags) or []
    )


def category_change(body: wire.LabelCategoryPatch, extended: Extended, before: Category) -> CategoryChange:
    """What a request says about a category."""
    facet = base.extended_of(before)
    changed = base.facets(facet, reading.merged(facet, extended))
    return CategoryChange(body.name, _cleared(body.resources), changed, _cleared(body.tags))


def _cleared(value: list[str] | UnsetType | None) -> list[str] | UnsetType:
    return value if isinstance(value, UnsetType) else value or []


def _stored(entity: Label | Category, numbers: Numbers) -> dict[str, Any]:
    """What every stored entity has."""
    return {
        "id": entity.number,
        "created": instant(entity.created_at),
        "updated": instant(entity.updated_at),
        "deleted": instant(entity.deleted_at) if entity.deleted_at else UNSET,
        "updated_by": base.number(entity.updated_by, numbers.people),
        "updated_from": base.number(entity.updated_from, numbers.devices),
        "tags": entity.tags or UNSET,
        "labels": list(numbers.labels.get(entity.id, ())) or UNSET,
    }
