"""Users and their account. `name` is the display name, `alias` the user name. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import UNSET, UnsetType

from roster.core.access.numbers import Given
from roster.core.flows.models import ChosenKeys
from roster.core.history.models import Revision
from roster.core.realms.models import Realm
from roster.core.users.models import User, UserChange, UserDraft
from roster.dialects.onslip360 import catalogue, reading, wire
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping.base import Numbers
from roster.dialects.onslip360.reading import Extended
from roster.kit.clock import instant

OWN: Final = frozenset({"name", "alias", "email", "pin", "password"})
"""What `edit-personal-info` lets people change about themselves (seed, Permissions)."""
_PASSED_OVER: Final = frozenset({"id", "created", "updated", "updated_by", "updated_from"})


# users


def user_out(user: User, roles: Sequence[Given], numbers: Numbers, *, demon: bool = False) -> object:
    """A user as stored. Extended properties stand beside the members.

    Lists come by here a thousand times, mostly with people who have little of all this.
    """
    created = instant(user.created_at)
    found = wire.StoredUser(
        id=user.number,
        name=name_of(user),
        alias=user.username,
        email=user.email or "",
        identity_number=user.personal_number or UNSET,
        demon=demon or UNSET,
        system_roles=_system_roles(roles) if roles else UNSET,
        roles=[number for number, _, built_in in roles if not built_in] or UNSET if roles else UNSET,
        created=created,
        updated=created if user.updated_at == user.created_at else instant(user.updated_at),
        deleted=instant(user.deleted_at) if user.deleted_at else UNSET,
        updated_by=base.number(user.updated_by, numbers.people),
        updated_from=base.number(user.updated_from, numbers.devices),
        tags=user.tags or UNSET,
        labels=list(numbers.labels.get(user.id, ())) or UNSET,
    )
    return base.beside(found, base.extended_of(user)) if user.facets else found


def _system_roles(roles: Sequence[Given]) -> list[catalogue.SystemRole] | UnsetType:
    return [role for each in roles if (role := catalogue.system_role(each)) is not None] or UNSET


def name_of(user: User) -> str:
    """The full name; people who came through another front door may have it in parts, or none."""
    if user.display_name:
        return user.display_name
    return " ".join(filter(None, (user.given_name, user.family_name))) or user.username


def user_draft(body: wire.User, extended: Extended) -> UserDraft:
    """A user to be made."""
    kept = reading.merged({}, extended)
    return UserDraft(
        username=body.alias,
        email=body.email or None,
        display_name=body.name,
        personal_number=base.or_none(body.identity_number) or None,
        tags=base.or_none(body.tags) or [],
        facets={catalogue.NAME: kept} if kept else {},
    )


def user_replaced(body: wire.User, extended: Extended, before: User) -> UserChange:
    """A user as it shall be: what is left out is removed."""
    return UserChange(
        username=body.alias,
        email=body.email or None,
        display_name=body.name,
        personal_number=base.or_none(body.identity_number) or None,
        tags=base.or_none(body.tags) or [],
        facets=base.facets(base.extended_of(before), reading.merged({}, extended)),
    )


def user_change(body: wire.UserPatch, extended: Extended, before: User) -> UserChange:
    """What a request says about a user; what is left out stays."""
    known = base.extended_of(before)
    return UserChange(
        username=body.alias,
        email=UNSET if isinstance(body.email, UnsetType) else body.email or None,
        display_name=body.name,
        personal_number=UNSET if isinstance(body.identity_number, UnsetType) else body.identity_number or None,
        tags=UNSET if isinstance(body.tags, UnsetType) else body.tags or [],
        facets=base.facets(known, reading.merged(known, extended)) if extended else UNSET,
    )


def keys(body: wire.User | wire.UserPatch) -> ChosenKeys:
    """The keys of password and PIN as sent; absent ones stay as they are. Raises InvalidInput."""
    password = reading.key(body.password, "password") if isinstance(body.password, str) else None
    return ChosenKeys(password, reading.key(body.pin, "pin") if isinstance(body.pin, str) else None)


def is_personal(body: wire.UserPatch, extended: Extended) -> bool:
    """Whether a change is about nothing but what `edit-personal-info` allows."""
    named = {name for name in body.__struct_fields__ if getattr(body, name) is not UNSET}
    return named - _PASSED_OVER <= OWN and not extended


def wanted_roles(
    held: Sequence[Given], system: Iterable[catalogue.SystemRole] | None, custom: Sequence[str] | None
) -> list[str] | None:
    """The names of all roles somebody shall have; None leaves that half, or all of them, as it is.

    Roles that are built in for other front doors are nothing that could be said here, so they stay.
    """
    if system is None and custom is None:
        return None
    others = [each[1] for each in held if each[2] and catalogue.system_role(each) is None]
    if system is None:
        names = [each[1] for each in held if catalogue.system_role(each) is not None]
    else:
        names = catalogue.role_names(system)
    if custom is None:
        custom = [name for _, name, built_in in held if not built_in]
    return [*names, *custom, *others]


def revision_out(found: Revision, people: Mapping[UUID, int], devices: Mapping[UUID, int]) -> wire.Revision:
    """One step in the life of an entity."""
    return wire.Revision(
        updated=instant(found.at),
        deleted=instant(found.at) if found.deleted else UNSET,
        updated_by=base.number(found.by, people),
        updated_from=base.number(found.device_id, devices),
    )


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
