"""Lists and times."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from roster.dialects.native.wire import base
from roster.kit import clock
from roster.kit.pages import Slice

A = TypeVar("A")
B = TypeVar("B")

instant = clock.instant


def maybe(at: datetime | None) -> str | None:
    """The time as text, if there is one."""
    return None if at is None else instant(at)


def listing(found: Slice[A], out: Callable[[A], B]) -> base.Listing[B]:
    """A page of anything."""
    return base.Listing(
        items=[out(each) for each in found.items],
        next_cursor=found.next,
        previous_cursor=found.previous,
        total=found.total,
    )


def after(items: Iterable[UUID], limit: int) -> str | None:
    """The cursor of a list in order of ids: the last id of a page that is full."""
    ids = list(items)
    return str(ids[-1]) if len(ids) == limit else None
