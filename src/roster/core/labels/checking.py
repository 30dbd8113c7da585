"""What labels and their categories have in common: limits, permissions, and what the trail says about a deletion."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.labels.models import Category, Facets, Label, OrgLabel
from roster.kit.errors import InvalidInput, RosterError
from roster.storage.tx import Tx

_MAX_FACETS: Final = 16_384
_DELETION: Final = ("deleted_at", "deleted_by", "deleted_from")


def require_write(tx: Tx, missing: type[RosterError]) -> None:
    """Raise unless the actor may change labels: Forbidden, or `missing` for those who may not even see them."""
    if not tx.actor.may("labels.write"):
        access.require(tx, "labels.read", otherwise=missing)
        access.require(tx, "labels.write")


def is_name(name: str) -> bool:
    """Whether this can be shown as a name."""
    return bool(name.strip()) and name.isprintable()


def check(name: str, facets: Facets) -> None:
    """Raise InvalidInput for a name that cannot be shown, or too much of what only dialects know."""
    if not is_name(name):
        raise InvalidInput.of("name", "invalid_name", "A name is not empty and has no control signs.")
    if len(msgspec.json.encode(facets)) > _MAX_FACETS:
        raise InvalidInput.of("facets", "too_large", "What dialects know of this takes at most 16 KiB.")


def merged(before: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is there after a change; facets are merged by dialect."""
    facets = {**before["facets"], **given.get("facets", {})}
    return {**before, **given, "facets": facets}


def deleted(before: Label | OrgLabel | Category, after: Label | OrgLabel | Category) -> dict[str, list[object]]:
    """When and by whom something was deleted, or no longer is."""
    return audit.differences(before, after, _DELETION)
