"""What all entities have in common: numbers for what they refer to, and extended properties in the dialect's facet."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from roster.dialects.onslip360 import catalogue
from roster.kit.patch import is_set

FACET: Final = catalogue.NAME


class Faceted(Protocol):
    """What keeps something that only one dialect knows."""

    @property
    def facets(self) -> Mapping[str, Any]:
        """By dialect name."""
        ...


class Numbers(msgspec.Struct, frozen=True):
    """The integers that stand for what entities refer to: people, devices, and labels by entity."""

    people: Mapping[UUID, int] = {}
    devices: Mapping[UUID, int] = {}
    labels: Mapping[UUID, Sequence[int]] = {}


def facet_of(entity: Faceted) -> Mapping[str, Any]:
    """What only this dialect knows of an entity."""
    return cast("Mapping[str, Any]", entity.facets.get(FACET) or {})


def extended_of(entity: Faceted) -> Mapping[str, Any]:
    """The extended properties of an entity."""
    return {name: value for name, value in facet_of(entity).items() if name.startswith("_")}


def facets(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, dict[str, object]] | UnsetType:
    """The dialect's facet replaced; nothing when it stays the same."""
    return UNSET if before == after else {FACET: dict(after)}


def beside(entity: msgspec.Struct, extended: Mapping[str, object]) -> object:
    """An entity with its extended properties."""
    return {**msgspec.to_builtins(entity), **extended} if extended else entity


def number(identifier: UUID | None, numbers: Mapping[UUID, int]) -> int | UnsetType:
    """The number that stands for an identifier, where there is one."""
    return UNSET if identifier is None else numbers.get(identifier, UNSET)


def or_none(value: Any) -> Any:
    """None for what was not said."""
    return value if is_set(value) else None
