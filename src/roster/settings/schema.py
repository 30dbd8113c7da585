"""The tree as a list of keys, read from its structs."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from roster.settings.section import SECRET, Section
from roster.settings.tree import Provider, Settings

_NOT_GIVEN = ("data", "origins")


class Leaf(msgspec.Struct, frozen=True):
    """What may stand at one key."""

    type: Any
    is_secret: bool

    @property
    def is_list(self) -> bool:
        """Whether text holds several values, separated by commas."""
        return getattr(self.type, "__origin__", None) is tuple


def _leaves(section: type[Section], above: str) -> Iterator[tuple[str, Leaf]]:
    for field in msgspec.structs.fields(section):
        key = f"{above}{field.encode_name}"
        if key in _NOT_GIVEN:
            continue
        if key == "providers":
            yield from _leaves(Provider, "providers.*.")
            continue
        annotation: Any = field.type
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from _leaves(annotation, f"{key}.")
        else:
            yield key, Leaf(annotation, _is_secret(annotation))


def _is_secret(annotation: Any) -> bool:
    """Whether the type, or an alternative of a union, is marked as secret."""
    parts = (annotation, *getattr(annotation, "__args__", ()))
    return any(SECRET in getattr(part, "__metadata__", ()) for part in parts)


SCHEMA: Mapping[str, Leaf] = dict(_leaves(Settings, ""))
"""Every key; those of a provider with `*` for its name."""
SECRETS = [key for key, each in SCHEMA.items() if each.is_secret]


def leaf(key: str) -> Leaf | None:
    """What belongs at this key; None when there is no such setting."""
    first, *rest = key.split(".")
    if first == "providers" and len(rest) == 2 and rest[0]:
        return SCHEMA.get(f"providers.*.{rest[1]}")
    return SCHEMA.get(key) if "*" not in key else None


def walk(section: Section, above: str = "") -> Iterator[tuple[str, object]]:
    """Every key below with its value."""
    for field in msgspec.structs.fields(type(section)):
        key, value = f"{above}{field.encode_name}", getattr(section, field.name)
        if key in _NOT_GIVEN:
            continue
        if isinstance(value, Section):
            yield from walk(value, f"{key}.")
        elif key == "providers":
            for name, provider in value.items():
                yield from walk(provider, f"{key}.{name}.")
        else:
            yield key, value
