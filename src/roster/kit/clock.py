"""The only place that reads the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import msgspec

_TEXT = cast("Callable[[datetime], str]", msgspec.to_builtins)

_SLACK = 30.0
"""Seconds by which a clock may be set back without anybody minding."""


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def steady() -> float:
    """Seconds since some moment: only for how long something lasts in this process, whatever the clock is set to."""
    return time.monotonic()


class Watch:
    """Notices that the clock was set back: what was written before may lie hours ahead, and would be waited for."""

    def __init__(self) -> None:
        self._seen: float | None = None

    def was_set_back(self) -> bool:
        """Whether it was since `settle`; also when nobody knows yet what it was before."""
        return self._seen is None or self._seen - _set_to() > _SLACK

    def settle(self) -> None:
        """What had to be done about it is done."""
        self._seen = _set_to()


def _set_to() -> float:
    return now().timestamp() - steady()


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
