"""The dialect's permission keys and built-in roles, from `catalogue.toml` (contract: x-permission-catalogue)."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final

import msgspec

NAME: Final = "fulfillmenttools"
"""Of the dialect; stands before its keys where the directory keeps them."""
_PREFIX: Final = NAME + ":"


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A permission key. `means` is what it gives in the directory."""

    group: str
    subgroup: str
    operation: str
    means: tuple[str, ...] = ()


class BuiltIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role that every tenant has. `includes` names the role whose permissions it has besides its own."""

    name: str
    description: str
    permissions: tuple[str, ...] = ()
    includes: str | None = None
    every_key: bool = False
    ceiling: dict[str, list[str]] = {}
    requires: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: dict[str, Key]
    roles: tuple[BuiltIn, ...]


def _read() -> _File:
    text = resources.files(__package__ or "").joinpath("catalogue.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


_FILE: Final = _read()
KEYS: Final[Mapping[str, Key]] = _FILE.keys
"""All keys, in the order in which they are listed."""
GROUPS: Final = frozenset(each.group for each in KEYS.values())
ROLES: Final[Mapping[str, BuiltIn]] = {each.name: each for each in _FILE.roles}


def permission(key: str) -> str:
    """The key as the directory keeps it."""
    return _PREFIX + key


def key_of(permission: str) -> str | None:
    """The dialect's key that a permission of the directory is, if it is one."""
    return permission.removeprefix(_PREFIX) if permission.startswith(_PREFIX) else None


def keys_of(role: BuiltIn) -> tuple[str, ...]:
    """All keys of a built-in role, those of the role it includes among them."""
    if role.every_key:
        return tuple(KEYS)
    included = keys_of(ROLES[role.includes]) if role.includes else ()
    return included + role.permissions
