"""Services and methods of access entries, and the default roles of organisations, from `catalogue.toml`.

A pair of service and method is a permission key, as `groupalarm:user.edit`; the directory knows what it means.
"""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Final

import msgspec

from roster.core.access.vocabulary import BuiltIn, Catalogue, Key
from roster.dialects.groupalarm.mapping import NAME

_PREFIX: Final = NAME + ":"
_METHODS: Final[Mapping[str, str]] = {
    "GET": "read",
    "POST": "create",
    "PUT": "edit",
    "PATCH": "edit",
    "DELETE": "delete",
}


class _Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    description: str
    read: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()


class _Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    description: str
    keys: tuple[str, ...] = ()
    every_key: bool = False
    inheritable: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    services: dict[str, _Service]
    roles: dict[str, _Role]


def _read() -> _File:
    text = resources.files(__package__ or "").joinpath("catalogue.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


_FILE: Final = _read()
SERVICES: Final[Mapping[str, str]] = {name: each.description for name, each in _FILE.services.items()}
"""All services, with what they are for."""
_KEYS: Final[Mapping[str, Key]] = {
    f"{name}.{action}": Key(f"{name}.{action}", means=getattr(each, action), group=name, operation=action)
    for name, each in _FILE.services.items()
    for action in ("read", "create", "edit", "delete")
    if getattr(each, action)
}


def permission(key: str) -> str:
    """A key as the directory keeps it. Raises KeyError for one that does not exist."""
    return _PREFIX + _KEYS[key].name


CATALOGUE: Final = Catalogue(
    NAME,
    _KEYS,
    org_roles=tuple(
        BuiltIn(
            name,
            each.description,
            tuple(permission(key) for key in (_KEYS if each.every_key else each.keys)),
            inheritable=each.inheritable,
        )
        for name, each in _FILE.roles.items()
    ),
)
"""For the directory's vocabulary of permissions."""


def methods_of(service: str) -> list[str]:
    """The HTTP methods that a service has."""
    return [method for method, action in _METHODS.items() if f"{service}.{action}" in _KEYS]


def knows(service: str, method: str) -> bool:
    """Whether access entries may name this pair."""
    return service in SERVICES and method in _METHODS


def permissions(services: Iterable[str], methods: Iterable[str]) -> set[str]:
    """What an access entry gives: each method of each service, as far as the service has it."""
    actions = {_METHODS[each] for each in methods}
    pairs = (f"{service}.{action}" for service in services for action in actions)
    return {permission(key) for key in pairs if key in _KEYS}


def granted(held: Iterable[str]) -> Mapping[str, list[str]]:
    """Services and methods that permissions of the directory give, for roles without access entries of their own."""
    known = {each.removeprefix(_PREFIX) for each in held if each.startswith(_PREFIX)}
    found = {
        service: [method for method in methods_of(service) if f"{service}.{_METHODS[method]}" in known]
        for service in SERVICES
    }
    return {service: methods for service, methods in found.items() if methods}


def meanings(permission: str) -> tuple[str, ...]:
    """What a key, as the directory keeps it, means there. Raises KeyError for one that does not exist."""
    return _KEYS[permission.removeprefix(_PREFIX)].means


def own(held: Iterable[str]) -> set[str]:
    """Those of a role's permissions that are ours."""
    return {each for each in held if each.startswith(_PREFIX)}


def others(held: Iterable[str]) -> list[str]:
    """Permissions that are none of ours, which a role keeps whatever its access entries say."""
    return [each for each in held if not each.startswith(_PREFIX)]
