"""What permissions there are: the directory's own, and the keys of front doors, which mean some of these.

A role may hold both. What it gives is worked out here: a key brings what it means, and whoever was given all that a
key means has the key too, so that a role made in one front door works in another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from roster.core.access import contexts
from roster.core.access.models import (
    ORG_ADMINISTRATOR,
    ORG_OWNER,
    ORG_PARTICIPANT,
    PERMISSIONS,
    RoleDraft,
)
from roster.kit.text import fold
from roster.storage.runtime import Runtime

_MOST_REMEMBERED: Final = 10_000
_MEMO: Final = "vocabulary"


class Key(msgspec.Struct, frozen=True):
    """A permission key of a front door; `means` are permissions of the directory, none for what Roster does not do."""

    name: str
    means: tuple[str, ...] = ()
    group: str = ""
    subgroup: str = ""
    operation: str = ""


class BuiltIn(msgspec.Struct, frozen=True):
    """A role that every realm, or every organisation, has because a front door documents it.

    `inheritable` is about roles of organisations, which hold in all organisations below it then.
    """

    name: str
    description: str
    permissions: tuple[str, ...]
    ceiling: Mapping[str, Sequence[str]] = {}
    requires: tuple[str, ...] = ()
    inheritable: bool = False

    def draft(self) -> RoleDraft:
        """The role as it is stored."""
        return RoleDraft(
            self.name, self.description, sorted(self.permissions), contexts.normal(self.ceiling), sorted(self.requires)
        )


class Catalogue(msgspec.Struct, frozen=True):
    """The keys of a front door, by name without prefix, its built-in roles, and those of every organisation.

    Of roles of organisations with the same name, in several front doors or in `ORG_ROLES`, every one adds its
    permissions to the one role that there is.
    """

    dialect: str
    keys: Mapping[str, Key]
    roles: tuple[BuiltIn, ...] = ()
    org_roles: tuple[BuiltIn, ...] = ()


_RUNNING: Final = (
    *("orgs.read", "orgs.write", "orgs.administer", "members.read", "members.write"),
    *("roles.read", "roles.create", "roles.write", "roles.assign", "labels.read", "labels.write"),
)
ORG_ROLES: Final = (
    BuiltIn(ORG_OWNER, "Owns the organisation and all below it", _RUNNING, inheritable=True),
    BuiltIn(ORG_ADMINISTRATOR, "Runs the organisation", _RUNNING),
    BuiltIn(ORG_PARTICIPANT, "Belongs to the organisation", ("orgs.read", "members.read", "labels.read")),
)
"""The roles that every organisation has, whatever front doors there are."""


class Vocabulary:
    """Every permission that a role may hold; keys of front doors are `dialect:KEY`."""

    def __init__(self, catalogues: Sequence[Catalogue] = ()) -> None:
        self.catalogues = tuple(catalogues)
        self.keys: Mapping[str, Key] = {
            f"{each.dialect}:{name}": key for each in catalogues for name, key in each.keys.items()
        }
        self.roles = tuple(role for each in catalogues for role in each.roles)
        self.org_roles = _merged(
            role for roles in (ORG_ROLES, *(each.org_roles for each in catalogues)) for role in roles
        )
        self._expanded: dict[frozenset[str], frozenset[str]] = {}

    def knows(self, permission: str) -> bool:
        """Whether there is such a permission."""
        return permission in PERMISSIONS or permission in self.keys

    def expand(self, permissions: Iterable[str]) -> frozenset[str]:
        """All that these give: themselves, what the keys among them mean, and keys that mean nothing beyond the rest.

        Only permissions that are named themselves bring keys, so that a key never brings another one. `*` is everything
        and stays alone.
        """
        named = frozenset(permissions)
        if "*" in named:
            return frozenset({"*"})
        known = self._expanded.get(named)
        if known is None:
            if len(self._expanded) >= _MOST_REMEMBERED:
                self._expanded.clear()
            known = self._expanded[named] = self._expand(named)
        return known

    def directory(self, permissions: Iterable[str]) -> list[str]:
        """Those of the directory itself, and keys for what Roster does not do; other keys are what they mean."""
        return sorted(each for each in permissions if each not in self.keys or not self.keys[each].means)

    def spell_out(self, permissions: Iterable[str]) -> frozenset[str]:
        """The same with every permission there is in place of `*`, for showing."""
        found = self.expand(permissions)
        return found | PERMISSIONS.keys() | self.keys.keys() if "*" in found else found

    def _expand(self, named: frozenset[str]) -> frozenset[str]:
        meant = {permission for each in named if each in self.keys for permission in self.keys[each].means}
        brought = {name for name, key in self.keys.items() if key.means and named.issuperset(key.means)}
        return named | meant | brought


def _merged(roles: Iterable[BuiltIn]) -> tuple[BuiltIn, ...]:
    found: dict[str, BuiltIn] = {}
    for role in roles:
        first = found.get(fold(role.name), role)
        permissions = tuple(sorted({*first.permissions, *role.permissions}))
        found[fold(role.name)] = msgspec.structs.replace(first, permissions=permissions)
    return tuple(found.values())


CORE: Final = Vocabulary()
"""The directory's own permissions, without any front door."""


def install(runtime: Runtime, catalogues: Sequence[Catalogue]) -> None:
    """Let a runtime know the front doors' permissions; the composition root does so once, at the start."""
    runtime.memo[_MEMO] = Vocabulary(catalogues)


def install_late(runtime: Runtime, catalogues: Callable[[], Sequence[Catalogue]]) -> None:
    """The same for whoever may never ask: the catalogues are brought when they are needed first."""
    runtime.memo[_MEMO] = _Late(catalogues)


def of(runtime: Runtime) -> Vocabulary:
    """The permissions that this installation knows."""
    found = runtime.memo.get(_MEMO)
    if isinstance(found, _Late):
        install(runtime, found.catalogues())
        return of(runtime)
    return found if isinstance(found, Vocabulary) else CORE


class _Late(msgspec.Struct, frozen=True):
    catalogues: Callable[[], Sequence[Catalogue]]
