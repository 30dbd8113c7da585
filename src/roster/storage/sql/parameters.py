"""Placeholders, and the one cast that says a text is SQL of our own."""

from typing import LiteralString, TypeAlias, cast

Compiled: TypeAlias = tuple[LiteralString, tuple[object, ...]]
"""SQL and the values of its parameters."""


def numbered(prefix: LiteralString, number: int) -> LiteralString:
    """`$1`, `cursor_0`: a literal and a number that we counted. The one cast to LiteralString."""
    return cast("LiteralString", f"{prefix}{number:d}")


class Parameters:
    """Values for the placeholders of one statement, of which the first `taken` are in use."""

    def __init__(self, taken: int = 0) -> None:
        self._taken = taken
        self._values: list[object] = []

    def add(self, value: object, type_: LiteralString) -> LiteralString:
        """The placeholder that stands for this value."""
        self._values.append(value)
        return numbered("$", self._taken + len(self._values)) + "::" + type_

    @property
    def values(self) -> tuple[object, ...]:
        """All values added, in order."""
        return tuple(self._values)
