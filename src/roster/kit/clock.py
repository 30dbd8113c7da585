"""The only place that reads the time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import msgspec

_TEXT = cast("Callable[[datetime], str]", msgspec.to_builtins)


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def instant(at: datetime) -> str:
    """RFC 3339 with milliseconds and `Z`, the form in which every front door writes times.

    The fraction is always there, because clients compare such texts.
    """
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    text = _TEXT(at)  # `…:04.123456Z` or `…:04Z`; a fraction of what `isoformat` takes, and a list holds many times
    return text[:23] + "Z" if at.microsecond else text[:19] + ".000Z"


def alike(at: datetime) -> tuple[datetime, datetime]:
    """The first and the last moment that `instant` writes like this one."""
    first = at.microsecond // 1000 * 1000
    return at.replace(microsecond=first), at.replace(microsecond=first + 999)
