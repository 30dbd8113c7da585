"""Custom roles. Permission names that nobody knows yet are kept in the dialect's facet, with tags. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType

from roster.core.access.models import Role, RoleChange, RoleDraft
from roster.dialects.onslip360 import catalogue, reading, wire
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping.base import Numbers
from roster.dialects.onslip360.reading import Extended
from roster.kit.clock import instant

_UNKNOWN: Final = "permissions"
_TAGS: Final = "tags"


def role_out(role: Role, effective: Collection[str], numbers: Numbers) -> object:
    """A role; `effective` is all that its permissions give, so that roles of other front doors show theirs too."""
    facet = base.facet_of(role)
    found = wire.StoredRole(
        id=role.number,
        name=role.name,
        permissions=catalogue.shown(effective, facet.get(_UNKNOWN, ())) or UNSET,
        created=instant(role.created_at),
        updated=instant(role.updated_at),
        updated_by=base.number(role.updated_by, numbers.people),
        tags=facet.get(_TAGS) or UNSET,
        labels=list(numbers.labels.get(role.id, ())) or UNSET,
    )
    return base.beside(found, base.extended_of(role))


def role_draft(body: wire.Role, extended: Extended) -> RoleDraft:
    """A role to be made."""
    known, unknown = catalogue.split(base.or_none(body.permissions) or ())
    facet = _facet(reading.merged({}, extended), unknown, base.or_none(body.tags))
    return RoleDraft(name=body.name, permissions=known, facets={base.FACET: facet} if facet else {})


def role_replaced(body: wire.Role, extended: Extended, before: Role) -> RoleChange:
    """A role as it shall be: what is left out is removed. What other front doors gave it stays."""
    known, unknown = catalogue.split(base.or_none(body.permissions) or ())
    facet = _facet(reading.merged({}, extended), unknown, base.or_none(body.tags))
    return RoleChange(
        name=body.name, permissions=_beside(known, before), facets=_changed_facet(base.facet_of(before), facet)
    )


def role_change(body: wire.RolePatch, extended: Extended, before: Role) -> RoleChange:
    """What a request says about a role; what is left out stays."""
    facet = base.facet_of(before)
    permissions: list[str] | UnsetType = UNSET
    unknown: Any = facet.get(_UNKNOWN)
    if not isinstance(body.permissions, UnsetType):
        known, unknown = catalogue.split(body.permissions or ())
        permissions = _beside(known, before)
    tags = facet.get(_TAGS) if isinstance(body.tags, UnsetType) else body.tags
    wanted = _facet(reading.merged(base.extended_of(before), extended), unknown, tags)
    return RoleChange(name=body.name, permissions=permissions, facets=_changed_facet(facet, wanted))


def _facet(extended: Mapping[str, object], unknown: list[str] | None, tags: list[str] | None) -> dict[str, object]:
    found: dict[str, object] = dict(extended)
    if unknown:
        found[_UNKNOWN] = sorted(unknown)
    if tags:
        found[_TAGS] = list(dict.fromkeys(tags))
    return found


def _changed_facet(before: Mapping[str, object], after: dict[str, object]) -> dict[str, object] | UnsetType:
    return UNSET if before == after else {base.FACET: after}


def _beside(known: list[str], before: Role) -> list[str]:
    return [*(each for each in before.permissions if catalogue.name_of(each) is None), *known]
