"""The permission catalogue (contract, GET /api/permissions)."""

from collections.abc import Container, Sequence
from typing import Final

from roster.dialects.fulfillmenttools import catalogue
from roster.dialects.fulfillmenttools.wire import access as wire
from roster.kit.errors import Forbidden, InvalidInput
from roster.web.operation import Operations

ops: Final = Operations(tag="User Management (Core)")


@ops.get("/api/permissions", id="getPermissions", needs="PERMISSION_READ", errors=(Forbidden, InvalidInput))
async def get_permissions(query: wire.PermissionsQuery) -> wire.PermissionsResponse:
    """List the permission catalogue.

    Entries have no id, so the key of the last one seen continues the list.
    """
    _require_known("key", query.key, catalogue.KEYS)
    _require_known("group", query.group, catalogue.GROUPS)
    _require_known("startAfterId", query.start_after_id, catalogue.KEYS)
    found = [
        key for key, each in catalogue.KEYS.items() if query.key in {None, key} and query.group in {None, each.group}
    ]
    page = _behind(query.start_after_id, found)[: query.size]
    return wire.PermissionsResponse(permissions=[_shown(key) for key in page], total=len(found))


def _require_known(name: str, value: str | None, known: Container[str]) -> None:
    if value is not None and value not in known:
        raise InvalidInput.of(name, "unknown", "There is no such value.")


def _behind(key: str | None, found: Sequence[str]) -> Sequence[str]:
    """What comes after the key in the whole catalogue, also where the filters leave the key itself out."""
    if key is None:
        return found
    place = list(catalogue.KEYS)
    return [each for each in found if place.index(each) > place.index(key)]


def _shown(key: str) -> wire.Permission:
    known = catalogue.KEYS[key]
    return wire.Permission(key=key, group=known.group, sub_group=known.subgroup, operation=known.operation)
