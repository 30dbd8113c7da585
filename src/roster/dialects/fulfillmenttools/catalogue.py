"""The dialect's permission keys and built-in roles, from `catalogue.toml` (contract: x-permission-catalogue)."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final

import msgspec

from roster.core.access.vocabulary import BuiltIn, Catalogue, Key

NAME: Final = "fulfillmenttools"
"""Of the dialect; stands before its keys where the directory keeps them."""
_PREFIX: Final = NAME + ":"


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group: str
    subgroup: str
    operation: str
    means: tuple[str, ...] = ()


class _Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`includes` names the role whose permissions it has besides its own."""

    name: str
    description: str
    permissions: tuple[str, ...] = ()
    includes: str | None = None
    every_key: bool = False
    ceiling: dict[str, list[str]] = {}
    requires: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: dict[str, _Key]
    roles: tuple[_Role, ...]


def _read() -> _File:
    text = resources.files(__package__ or "").joinpath("catalogue.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


def permission(key: str) -> str:
    """The key as the directory keeps it."""
    return _PREFIX + key


def key_of(permission: str) -> str | None:
    """The dialect's key that a permission of the directory is, if it is one."""
    return permission.removeprefix(_PREFIX) if permission.startswith(_PREFIX) else None


def _keys(file: _File) -> Mapping[str, Key]:
    return {
        name: Key(name, means=each.means, group=each.group, subgroup=each.subgroup, operation=each.operation)
        for name, each in file.keys.items()
    }


def _roles(file: _File) -> tuple[BuiltIn, ...]:
    known = {each.name: each for each in file.roles}

    def keys_of(role: _Role) -> tuple[str, ...]:
        if role.every_key:
            return tuple(file.keys)
        return (keys_of(known[role.includes]) if role.includes else ()) + role.permissions

    return tuple(
        BuiltIn(
            each.name, each.description, tuple(map(permission, keys_of(each))), each.ceiling, requires=each.requires
        )
        for each in file.roles
    )


_FILE: Final = _read()
KEYS: Final = _keys(_FILE)
"""All keys, in the order in which they are listed."""
GROUPS: Final = frozenset({"ADMIN", "CORE", *(each.group for each in KEYS.values())})
"""All that are documented; the two old ones have no keys any more."""
CATALOGUE: Final = Catalogue(NAME, KEYS, _roles(_FILE))
