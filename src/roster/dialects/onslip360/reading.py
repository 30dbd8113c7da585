"""From the members of a request to a struct and the extended properties beside it. Pure."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from roster.dialects.onslip360 import wire
from roster.kit.errors import InvalidInput
from roster.web import problems

T = TypeVar("T", bound=wire.Write | wire.Patch)
Extended = dict[str, str | None]

_NAME: Final = re.compile(r"_[a-z0-9]+-[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_MOST: Final = 100
_LONGEST: Final = 10_000


def read(kind: type[T], members: Mapping[str, Any]) -> tuple[T, Extended]:
    """What was sent as a `kind`, and its extended properties. Raises InvalidInput with every problem."""
    extended = {name: value for name, value in members.items() if _NAME.fullmatch(name)}
    _check(extended)
    plain = {name: value for name, value in members.items() if name not in extended}
    try:
        return msgspec.convert(plain, kind), extended
    except msgspec.ValidationError as error:
        return problems.from_json(plain, kind, error), extended


def _check(extended: Mapping[str, object]) -> None:
    if len(extended) > _MOST:
        raise InvalidInput.of("body", "too_many", f"An entity has at most {_MOST} extended properties.")
    for name, value in extended.items():
        if value is not None and not isinstance(value, str):
            raise InvalidInput.of(name[:200], "wrong_type", "An extended property is a string.")
        if len(value or "") > _LONGEST or len(name) > 200:
            raise InvalidInput.of(name[:200], "too_long", f"An extended property has at most {_LONGEST} characters.")


def merged(before: Mapping[str, object], change: Mapping[str, str | None]) -> dict[str, object]:
    """Extended properties after a change: null removes, the others stay."""
    return {name: value for name, value in {**before, **change}.items() if value is not None}


def key(text: str, member: str) -> bytes:
    """The bytes of a key in base64. Raises InvalidInput."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise InvalidInput.of(member, "wrong_value", "A key is given in base64, and is not empty.")
    return found
