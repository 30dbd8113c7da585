"""Permission names and system roles, from `catalogue.toml`, and how the directory calls them."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Final, Literal, cast

import msgspec

from roster.core.access.models import ADMINISTRATOR
from roster.core.access.numbers import Given
from roster.core.access.vocabulary import BuiltIn, Catalogue, Key
from roster.kit.actor import Actor

NAME: Final = "onslip360"
"""Of the dialect; stands before its names where the directory keeps them."""
_PREFIX: Final = NAME + ":"

SystemRole = Literal["admin", "cashier", "service", "employee"]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    platform: frozenset[str]
    roles: dict[SystemRole, tuple[str, ...]]
    means: dict[str, tuple[str, ...]]


def _read() -> _File:
    text = resources.files(__package__ or "").joinpath("catalogue.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


_FILE: Final = _read()
PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = _FILE.means
"""All names, each with what it means in the directory."""


def permission(name: str) -> str:
    """A permission name as the directory keeps it."""
    return _PREFIX + name


def name_of(permission: str) -> str | None:
    """The permission name that the directory keeps so, if it is one of ours."""
    return permission.removeprefix(_PREFIX) if permission.startswith(_PREFIX) else None


def held(actor: Actor) -> list[str]:
    """The permission names that the actor holds; those of the platform only for who runs all realms."""
    return sorted(
        name
        for name in PERMISSIONS
        if actor.grants.holds(permission(name)) and (name not in _FILE.platform or actor.is_platform)
    )


ROLE_NAMES: Final[Mapping[SystemRole, str]] = {
    "admin": ADMINISTRATOR,
    **{each: permission(each) for each in _FILE.roles},
}
"""What the directory calls the system roles."""
_SYSTEM_ROLES: Final[Mapping[str, SystemRole]] = {name: role for role, name in ROLE_NAMES.items()}

CATALOGUE: Final = Catalogue(
    NAME,
    {name: Key(name, means) for name, means in PERMISSIONS.items()},
    tuple(
        BuiltIn(ROLE_NAMES[role], f"System role {role} of Onslip 360", tuple(map(permission, names)))
        for role, names in _FILE.roles.items()
    ),
)
"""For the directory's vocabulary of permissions."""


def system_role(role: Given) -> SystemRole | None:
    """The system role that a role of the directory is, if it is one."""
    _, name, built_in = role
    return _SYSTEM_ROLES.get(name) if built_in else None


def role_names(roles: Iterable[SystemRole]) -> list[str]:
    """What the directory calls these."""
    return [ROLE_NAMES[each] for each in dict.fromkeys(roles)]


def split(permissions: Iterable[str]) -> tuple[list[str], list[str]]:
    """Permission names as the directory keeps them, and apart from these the names that we do not know (yet)."""
    given = list(dict.fromkeys(permissions))
    known = [permission(each) for each in given if each in PERMISSIONS]
    return known, [each for each in given if each not in PERMISSIONS]


def shown(permissions: Iterable[str], unknown: Iterable[object]) -> list[str]:
    """The permission names of a stored role: ours, all of them for `*`, and the unknown ones as they were sent."""
    stored = set(permissions)
    ours = [name for name in PERMISSIONS if permission(name) in stored or "*" in stored]
    return sorted({*ours, *cast("Iterable[str]", unknown)})
