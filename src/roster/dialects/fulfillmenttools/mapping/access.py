"""Roles and ceilings: the directory's words and the wire's."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from msgspec import UNSET, UnsetType

from roster.core.access.models import Role, RoleChange, RoleDraft
from roster.core.access.vocabulary import Vocabulary
from roster.dialects.fulfillmenttools import catalogue
from roster.dialects.fulfillmenttools.errors import FIRST_VERSION
from roster.dialects.fulfillmenttools.wire import access as wire
from roster.dialects.fulfillmenttools.wire.base import ContextLimitation, ContextType
from roster.kit import clock
from roster.kit.errors import InvalidInput, Problem

KINDS: Final[Mapping[ContextType, str]] = {
    "FACILITY": "facility",
    "FACILITY_GROUP": "facility_group",
    "ZONE": "zone",
    "USER_ROLE": "user_role",
    "ROLE": "role",
}
"""The dialect's dimensions, and what the directory calls them."""
_SPELLED: Final = frozenset(KINDS.values())
_RESERVED: Final = "search"
_CUSTOM: Final = "customAttributes"


def role_out(role: Role, vocabulary: Vocabulary) -> wire.Role:
    """A role. The label is the name when it has none."""
    ceiling = contexts_out(role.ceiling)
    return wire.Role(
        name=role.name,
        display_name=role.display_name or role.name,
        description=role.description or UNSET,
        permissions=keys_out(role.permissions, vocabulary),
        context=ceiling,
        contexts=ceiling,
        context_limitations=ceiling,
        custom_attributes=_custom(role),
        version=role.version + FIRST_VERSION,
        created=clock.instant(role.created_at),
        last_modified=clock.instant(role.updated_at),
    )


def keys_out(permissions: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    """The dialect's keys that these permissions give, in the order of the catalogue."""
    return list(_keys(frozenset(permissions), vocabulary))


@lru_cache(1_000)
def _keys(permissions: frozenset[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Remembered: somebody may have one role in many places, and each is told with its keys."""
    given = vocabulary.spell_out(permissions)
    return tuple(key for key in catalogue.KEYS if catalogue.permission(key) in given)


def contexts_out(limits: Mapping[str, Sequence[str]]) -> list[ContextLimitation]:
    """The dimensions that the dialect knows."""
    return [ContextLimitation(type=kind, values=list(limits[name])) for kind, name in KINDS.items() if name in limits]


def contexts_in(given: Sequence[ContextLimitation], field: str) -> dict[str, list[str]]:
    """The directory's form of it. Raises InvalidInput for a dimension that is named twice."""
    found: dict[str, list[str]] = {}
    for at, each in enumerate(given):
        if KINDS[each.type] in found:
            raise InvalidInput.of(f"{field}[{at}].type", "duplicate", f"{each.type} is there twice.")
        found[KINDS[each.type]] = list(dict.fromkeys(each.values))
    return found


def role_draft(body: wire.RoleForCreation) -> RoleDraft:
    """A role to be made. Raises InvalidInput, also for a name that is no address of a role."""
    if body.name.lower() == _RESERVED:
        raise InvalidInput.of("name", "reserved_name", "This name stands for something else.")
    given = body.ceiling
    return RoleDraft(
        name=body.name,
        display_name=body.display_name or "",
        description=body.description or "",
        permissions=_permissions(body.permissions),
        ceiling={} if isinstance(given, UnsetType) else contexts_in(given, "context"),
        facets=_facets(body.custom_attributes),
    )


def role_replacement(role: Role, body: wire.RoleForUpdate, vocabulary: Vocabulary) -> RoleChange:
    """The role as it should be. Raises InvalidInput."""
    given = body.ceiling
    return RoleChange(
        display_name=body.display_name or "",
        description=body.description or "",
        permissions=_changed_permissions(role, body.permissions, vocabulary),
        ceiling=_changed_ceiling(role, [] if isinstance(given, UnsetType) else given),
        facets=_facets(body.custom_attributes),
    )


def role_patch(role: Role, body: wire.RoleForPatch, vocabulary: Vocabulary) -> RoleChange:
    """The members that were sent. Raises InvalidInput."""
    given, sent, custom = body.ceiling, body.permissions, body.custom_attributes
    return RoleChange(
        display_name=body.display_name,
        description=body.description,
        permissions=UNSET if isinstance(sent, UnsetType) else _changed_permissions(role, sent, vocabulary),
        ceiling=UNSET if isinstance(given, UnsetType) else _changed_ceiling(role, given),
        facets=UNSET if isinstance(custom, UnsetType) else _facets(custom),
    )


def _permissions(keys: Sequence[str]) -> list[str]:
    unknown = [at for at, key in enumerate(keys) if key not in catalogue.KEYS]
    if unknown:
        text = "There is no such permission."
        raise InvalidInput([Problem(f"permissions[{at}]", "unknown_permission", text) for at in unknown[:50]])
    return [catalogue.permission(key) for key in keys]


def _changed_permissions(role: Role, keys: Sequence[str], vocabulary: Vocabulary) -> list[str] | UnsetType:
    """What the keys are. Permissions that the role has from elsewhere stay, but for what the keys left out mean."""
    wanted, before = _permissions(keys), set(keys_out(role.permissions, vocabulary))
    if set(keys) == before:
        return UNSET
    gone = {"*", *(meaning for key in before.difference(keys) for meaning in catalogue.KEYS[key].means)}
    return [*wanted, *(each for each in role.permissions if each not in gone and not catalogue.key_of(each))]


def _changed_ceiling(role: Role, given: Sequence[ContextLimitation]) -> dict[str, list[str]]:
    """The limits sent, besides those that the dialect cannot show: without them the role would reach further."""
    unseen = {kind: values for kind, values in role.ceiling.items() if kind not in _SPELLED}
    return {**contexts_in(given, "context"), **unseen}


def _facets(custom: dict[str, Any] | UnsetType) -> dict[str, object]:
    own: dict[str, object] = {} if isinstance(custom, UnsetType) else {_CUSTOM: custom}
    return {catalogue.NAME: own}


def _custom(role: Role) -> dict[str, Any] | UnsetType:
    own = cast("Mapping[str, Any]", role.facets.get(catalogue.NAME) or {})
    return own.get(_CUSTOM, UNSET)
