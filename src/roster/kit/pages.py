"""Parts of long results: by offset, or by a cursor that says after which row to go on, in both directions.

A cursor holds the sort values of one row. Its signature covers the whole question (whose list, filter, sort keys and
their kinds), so a cursor is good for that question only, and its values have the types the question gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from roster.kit import secrets
from roster.kit.errors import InvalidInput
from roster.kit.filters import Fields, Filter, Sort
from roster.kit.values import Kind

MAX_LIMIT = 1000
MAX_OFFSET = 2**31
_SIGNATURE = 32
_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.FOLDED: str,
    Kind.INTEGER: int | Decimal,  # a whole number in a custom field comes as a decimal
    Kind.NUMBER: Decimal,
    Kind.BOOLEAN: bool,
    Kind.INSTANT: datetime,
    Kind.UUID: UUID,
}

T = TypeVar("T")


class InvalidCursor(InvalidInput):
    """Not a cursor of ours, or one of another question."""

    code = "invalid_cursor"
    text = "The cursor does not belong to this list."


class Page(msgspec.Struct, frozen=True):
    """Which part is wanted. Raises InvalidInput when the numbers are out of range or contradict each other.

    `backwards` walks from the cursor, or from the end, towards the start; the items still come in the order asked
    for. None goes the way the cursor itself points: `Slice.next` forwards, `Slice.previous` backwards. `behind` starts
    after the row with this id, for front doors that know no cursors. `edges` asks for the cursors of the first and the
    last item whether or not there may be more.
    """

    limit: int
    offset: int = 0
    cursor: str | None = None
    backwards: bool | None = None
    total: bool = False
    behind: UUID | None = None
    edges: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInput.of("limit", "out_of_range", f"A page has 1 to {MAX_LIMIT} items.")
        if not 0 <= self.offset <= MAX_OFFSET:
            raise InvalidInput.of("offset", "out_of_range", "The offset is out of range.")
        if bool(self.offset) + (self.cursor is not None) + (self.behind is not None) > 1:
            raise InvalidInput.of("offset", "contradiction", "A page starts at an offset or at a cursor, not both.")


class Slice(msgspec.Struct, Generic[T], frozen=True):
    """One part of a result. `total` only when asked for; `next` and `previous` when there may be more that way.

    `first` and `last` are the cursors of the outermost items, when the page asked for its edges.
    """

    items: list[T]
    total: int | None = None
    next: str | None = None
    previous: str | None = None
    first: str | None = None
    last: str | None = None


class Walk:
    """One way through the answers to one question: opens the cursor that came in, makes those that go out.

    `about` names whose list it is (the feature, the realm, and what else narrows the list besides the filter).
    Raises InvalidCursor for a cursor that is forged, damaged, or was given out for another question.
    """

    def __init__(
        self,
        key: bytes,
        page: Page,
        *,
        where: Filter,
        sorts: Sequence[Sort],
        fields: Fields,
        about: Sequence[str | UUID],
    ) -> None:
        self.page = page
        self.where = where
        self.sorts = tuple(sorts)
        self._kinds = [*(fields[sort.field].kind for sort in sorts), Kind.UUID]
        self._about = about
        self._whole_key = key
        self.backwards = bool(page.backwards)
        self.after: tuple[object, ...] | None = None
        if page.cursor is not None:
            self._start(page.cursor)

    def cut(self, rows: Sequence[Sequence[Any]], model: Callable[..., T], total: int | None = None) -> Slice[T]:
        """The slice made of fetched rows: up to one more than the limit, each ending in its sort values and id."""
        kept = rows[: self.page.limit]
        more, came = len(rows) > len(kept), self.after is not None or self.page.offset > 0
        behind, ahead = (more, came) if self.backwards else (came, more)
        kept = kept[::-1] if self.backwards else kept
        width, edges = len(self._kinds), self.page.edges
        last = self._seal(kept[-1][-width:], backwards=False) if kept and (ahead or edges) else None
        first = self._seal(kept[0][-width:], backwards=True) if kept and (behind or edges) else None
        return Slice(
            items=[model(*row[:-width]) for row in kept],
            total=total,
            next=last if ahead else None,
            previous=first if behind else None,
            first=first if edges else None,
            last=last if edges else None,
        )

    def _seal(self, values: Sequence[object], *, backwards: bool) -> str:
        payload = msgspec.msgpack.encode((backwards, *values))
        return secrets.encode(self._sign(payload) + payload)

    def _start(self, cursor: str) -> None:
        data = secrets.decode(cursor) or b""
        signature, payload = data[:_SIGNATURE], data[_SIGNATURE:]
        if not compare_digest(signature, self._sign(payload)):
            raise InvalidCursor.of("cursor", "invalid_cursor", InvalidCursor.text)
        backwards, *values = msgspec.msgpack.decode(payload)
        self.backwards = backwards if self.page.backwards is None else self.page.backwards
        self.after = tuple(
            msgspec.convert(value, _TYPES[kind] | None) for kind, value in zip(self._kinds, values, strict=True)
        )

    @cached_property
    def _key(self) -> bytes:
        question = (self._about, self.where, self.sorts, self._kinds)
        return _signature(self._whole_key, msgspec.msgpack.encode(question))

    def _sign(self, payload: bytes) -> bytes:
        return _signature(self._key, payload)


def _signature(key: bytes, text: bytes) -> bytes:
    return blake2b(text, key=key, digest_size=_SIGNATURE).digest()
