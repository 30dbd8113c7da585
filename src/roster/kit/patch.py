"""Changes in which "absent" differs from "null": a field that is UNSET stays as it is, None clears it."""

from typing import Any, TypeGuard, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["UNSET", "UnsetType", "changed", "is_set", "present"]

T = TypeVar("T")


def is_set(value: T | UnsetType) -> TypeGuard[T]:
    """Whether the caller named this field."""
    return value is not UNSET


def present(change: msgspec.Struct) -> dict[str, Any]:
    """The fields of a change that the caller named, with their values."""
    values = {name: getattr(change, name) for name in change.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


def changed(before: msgspec.Struct, change: msgspec.Struct) -> dict[str, object]:
    """The named fields whose value really differs from the one in `before`."""
    return {name: value for name, value in present(change).items() if getattr(before, name) != value}
