"""Scopes that operations need and names of roles, from `catalogue.toml`, and how the directory calls them.

A scope that some operation needs is a permission key, as `wellbee:admin.*`; a role that has scopes which satisfy it by
the rule of `scopes.py` has the key. All other scopes are only carried, for services that know what they mean.
"""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Final

import msgspec

from roster.core.access.vocabulary import Catalogue, Key
from roster.dialects.wellbee import scopes

NAME: Final = "wellbee"
"""Of the dialect; stands before its names where the directory keeps them."""
_PREFIX: Final = NAME + ":"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scopes: dict[str, tuple[str, ...]]
    roles: dict[str, str]


def _read() -> _File:
    text = resources.files(__package__ or "").joinpath("catalogue.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


_FILE: Final = _read()


def permission(scope: str) -> str:
    """A scope that operations need, as the directory keeps it."""
    return _PREFIX + scope


def permissions(given: Iterable[str]) -> list[str]:
    """What a role with these scopes has in the directory."""
    held = tuple(given)
    if scopes.EVERYTHING in held:
        return ["*"]
    return sorted(permission(needed) for needed in _FILE.scopes if scopes.satisfies(held, needed))


def is_scope(permission: str) -> bool:
    """Whether a permission of the directory stands for scopes; `*` does."""
    return permission == "*" or permission.startswith(_PREFIX)


def scopes_of(held: Iterable[str]) -> list[str]:
    """The scopes that permissions of the directory amount to, for roles without scopes of their own."""
    named = frozenset(held)
    if "*" in named:
        return [scopes.EVERYTHING]
    return [each for each in _FILE.scopes if permission(each) in named]


_SHOWN: Final[Mapping[str, str]] = {stored: shown for shown, stored in _FILE.roles.items()}


def stored_name(role: str) -> str:
    """What the directory calls a role."""
    return _FILE.roles.get(role, role)


def shown_name(role: str) -> str:
    """What this API calls a role of the directory."""
    return _SHOWN.get(role, role)


CATALOGUE: Final = Catalogue(NAME, {name: Key(name, means) for name, means in _FILE.scopes.items()})
"""For the directory's vocabulary of permissions."""
