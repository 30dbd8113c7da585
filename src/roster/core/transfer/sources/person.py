"""A person as a file describes them, and how one row of a file is told about."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.core.access import contexts
from roster.core.users.models import UserChange
from roster.kit import values
from roster.kit.errors import Problem

LONGEST = 256 * 1024
"""Bytes of one row; nobody's data is longer."""
DEEPEST = 32
_SECRET = Annotated[str, Meta(max_length=1024)]
_INSTANT = Annotated[datetime, Meta(tz=True)]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of context and one of its values; without value it says "nothing of this kind"."""

    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, Meta(min_length=1, max_length=200)] | None


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role that is limited to places, or owned."""

    role: str
    contexts: list[Place] = []
    is_owner: bool = False

    @property
    def places(self) -> dict[str, list[str]]:
        """The contexts as the core has them."""
        return contexts.of_pairs((each.kind, each.value) for each in self.contexts)


class Person(UserChange, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A person in the form of a roster file: one such object a line. What is not named stays as it is.

    `password_hash` is a text in one of the forms of `core.credentials.forms`, `password` a readable password that is
    hashed on the way in, `totp` the Base32 seed of an authenticator. Fields that only an export can say are read over.
    """

    id: UUID | None = None
    email_verified_at: _INSTANT | UnsetType | None = UNSET
    phone_verified_at: _INSTANT | UnsetType | None = UNSET
    created_at: _INSTANT | None = None
    roles: list[str | Given] = []  # noqa: RUF012 - structs copy their defaults
    password: _SECRET | None = None
    password_hash: _SECRET | None = None
    totp: _SECRET | None = None
    number: int | None = None
    version: int | None = None
    updated_at: datetime | None = None


class Read(msgspec.Struct, frozen=True, gc=False):
    """One row of a source: the person, or nobody; and what is wrong or was left out."""

    row: int
    person: Person | None
    problems: tuple[Problem, ...] = ()


class Source(Protocol):
    """Takes a file piece by piece and gives its rows; neither ever holds much of it.

    Raises MalformedSource when the file as a whole cannot be read.
    """

    roles: dict[str, str]
    """Roles that the file defines, with their descriptions, as far as they were met."""

    def feed(self, data: bytes) -> Iterator[Read]:
        """The rows that this piece completes."""
        ...

    def finish(self) -> Iterator[Read]:
        """The rows that the end of the file completes."""
        ...


def refused(row: int, field: str, code: str, text: str) -> Read:
    """A row that describes nobody."""
    return Read(row, None, (Problem(field, code, text),))


def checked(row: int, made: Callable[[], tuple[Person, tuple[Problem, ...]]]) -> Read:
    """The row that `made` reads; whatever it stumbles over becomes the row's problem, without a value from the file."""
    try:
        person, notes = made()
    except msgspec.ValidationError as error:
        sentence, _, where = str(error).partition(" - at `$.")
        return refused(row, where.rstrip("`")[:200], "invalid_value", _without_values(sentence))
    except UnicodeDecodeError:
        return refused(row, "", "not_utf8", "The row is not valid UTF-8.")
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        return refused(row, "", "malformed", str(error)[:200] if isinstance(error, msgspec.DecodeError) else _MALFORMED)
    except RecursionError:
        return refused(row, "", "too_deep", "The row is nested too deeply.")
    return Read(row, person, notes)


_MALFORMED = "The row cannot be read."


def _without_values(sentence: str) -> str:
    if sentence.startswith("Invalid enum value"):
        return "The value is none of those allowed."
    return sentence[:200] if values.storable(sentence) else _MALFORMED


def unstorable(value: Any, depth: int = 0) -> Problem | None:
    """What keeps PostgreSQL from holding a value at any depth: NUL, halves of surrogate pairs, endless nesting."""
    if depth > DEEPEST:
        return Problem("", "too_deep", "The row is nested too deeply.")
    if isinstance(value, str):
        if values.storable(value):
            return None
        return Problem("", "invalid_text", "The row has characters that cannot be stored.")
    parts: Iterator[Any] = iter(())
    if isinstance(value, dict):
        parts = iter([*value, *value.values()])  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    elif isinstance(value, list):
        parts = iter(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return next((found for part in parts if (found := unstorable(part, depth + 1))), None)
