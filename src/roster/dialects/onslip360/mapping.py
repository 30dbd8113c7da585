"""The directory's words and the wire's, both ways. Pure.

`name` is the display name, `alias` the user name. Extended properties are the dialect's facet of a person or a role.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.access.models import Role
from roster.core.access.numbers import Given
from roster.core.realms.models import Realm
from roster.core.users.models import User, UserChange, UserDraft
from roster.dialects.onslip360 import catalogue, reading, wire
from roster.dialects.onslip360.reading import Extended
from roster.kit.clock import instant
from roster.kit.patch import is_set

OWN: Final = frozenset({"name", "alias", "email", "pin", "password"})
"""What `edit-personal-info` lets people change about themselves (seed, Permissions)."""
_PASSED_OVER: Final = frozenset({"id", "created", "updated", "updated_by", "updated_from"})
_FACET: Final = catalogue.NAME
_UNKNOWN: Final = "permissions"
"""Under which a role keeps the permission names that are not known."""


class Numbers(msgspec.Struct, frozen=True):
    """The integers that stand for what entities refer to: people, devices, and labels by entity."""

    people: Mapping[UUID, int] = {}
    devices: Mapping[UUID, int] = {}
    labels: Mapping[UUID, list[int]] = {}


# users


def user_out(user: User, roles: Sequence[Given], numbers: Numbers, *, demon: bool = False) -> object:
    """A user as stored. Extended properties stand beside the members."""
    labels = numbers.labels.get(user.id)
    found = wire.StoredUser(
        id=user.number,
        name=name_of(user),
        alias=user.username,
        email=user.email or "",
        identity_number=user.personal_number or UNSET,
        demon=demon or UNSET,
        system_roles=[role for each in roles if (role := catalogue.system_role(each)) is not None] or UNSET,
        roles=[each[0] for each in roles if catalogue.system_role(each) is None] or UNSET,
        created=instant(user.created_at),
        updated=instant(user.updated_at),
        deleted=instant(user.deleted_at) if user.deleted_at else UNSET,
        updated_by=_number(user.updated_by, numbers.people),
        updated_from=_number(user.updated_from, numbers.devices),
        tags=user.tags or UNSET,
        labels=labels or UNSET,
    )
    return beside(found, extended_of(user))


def name_of(user: User) -> str:
    """The full name; people who came through another front door may have it in parts, or none."""
    parts = " ".join(filter(None, (user.given_name, user.family_name)))
    return user.display_name or parts or user.username


def extended_of(entity: User | Role) -> Mapping[str, Any]:
    """The extended properties of an entity."""
    facet = cast("Mapping[str, Any]", entity.facets.get(_FACET) or {})
    return {name: value for name, value in facet.items() if name.startswith("_")}


def beside(entity: msgspec.Struct, extended: Mapping[str, object]) -> object:
    """An entity with its extended properties."""
    return {**msgspec.to_builtins(entity), **extended} if extended else entity


def user_draft(body: wire.User, extended: Extended) -> UserDraft:
    """A user to be made."""
    kept = reading.merged({}, extended)
    return UserDraft(
        username=body.alias,
        email=body.email or None,
        display_name=body.name,
        personal_number=_or_none(body.identity_number) or None,
        tags=_or_none(body.tags) or [],
        facets={_FACET: kept} if kept else {},
    )


def user_replaced(body: wire.User, extended: Extended, before: User) -> UserChange:
    """A user as it shall be: what is left out is removed."""
    return UserChange(
        username=body.alias,
        email=body.email or None,
        display_name=body.name,
        personal_number=_or_none(body.identity_number) or None,
        tags=_or_none(body.tags) or [],
        facets=_facets(extended_of(before), reading.merged({}, extended)),
    )


def user_change(body: wire.UserPatch, extended: Extended, before: User) -> UserChange:
    """What a request says about a user; what is left out stays."""
    known = extended_of(before)
    return UserChange(
        username=body.alias,
        email=UNSET if isinstance(body.email, UnsetType) else body.email or None,
        display_name=body.name,
        personal_number=UNSET if isinstance(body.identity_number, UnsetType) else body.identity_number or None,
        tags=UNSET if isinstance(body.tags, UnsetType) else body.tags or [],
        facets=_facets(known, reading.merged(known, extended)) if extended else UNSET,
    )


def is_personal(body: wire.UserPatch, extended: Extended) -> bool:
    """Whether a change is about nothing but what `edit-personal-info` allows."""
    named = {name for name in body.__struct_fields__ if getattr(body, name) is not UNSET}
    return named - _PASSED_OVER <= OWN and not extended


def wanted_roles(
    held: Sequence[Given], system: Iterable[catalogue.SystemRole] | None, custom: Sequence[str] | None
) -> list[str] | None:
    """The names of all roles somebody shall have; None leaves that half, or all of them, as it is."""
    if system is None and custom is None:
        return None
    names = catalogue.role_names(system) if system is not None else []
    if system is None:
        names = [each[1] for each in held if catalogue.system_role(each) is not None]
    if custom is None:
        custom = [each[1] for each in held if catalogue.system_role(each) is None]
    return [*names, *custom]


def _facets(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, dict[str, object]] | UnsetType:
    """The dialect's facet replaced; nothing when it stays the same."""
    return UNSET if before == after else {_FACET: dict(after)}


# company


def company_out(realm: Realm) -> wire.Company:
    """The account of a realm; what the directory does not know about companies is empty."""
    return wire.Company(
        id=realm.number,
        name=realm.display_name or realm.slug,
        alias=realm.slug,
        org_number="",
        address="",
        phone_number="",
        locale=realm.settings.default_locale,
        created=instant(realm.created_at),
        updated=instant(realm.updated_at),
    )


def _number(identifier: UUID | None, numbers: Mapping[UUID, int]) -> int | UnsetType:
    return UNSET if identifier is None else numbers.get(identifier, UNSET)


def _or_none(value: Any) -> Any:
    return value if is_set(value) else None


def moment(text: str | None) -> datetime | None:
    """The time behind the @ of an address."""
    return None if text is None else datetime.fromisoformat(text)
