"""Parts of search results: by cursor in both directions, or behind an entry (notes, section 6)."""

from typing import Any, Final
from uuid import UUID

from roster.dialects.fulfillmenttools.wire.base import PageInfo
from roster.dialects.fulfillmenttools.wire.search import SearchPayload
from roster.kit.errors import InvalidInput
from roster.kit.pages import Page, Slice

DEFAULT: Final = 20
_EXCLUDED: Final = (
    ("after", "before"),
    ("after", "last"),
    ("before", "size"),
    ("size", "last"),
    *(("startAfterId", other) for other in ("after", "before", "last")),
)
"""What cannot stand beside each other: the first four are documented, the old way to go on knows one direction."""


def page(given: SearchPayload, behind: UUID | None = None) -> Page:
    """The part that is asked for. `behind` is what `startAfterId` stands for. Raises InvalidInput."""
    _require_one_way(given)
    backwards = given.last is not None or given.before is not None
    return Page(
        (given.last if backwards else given.size) or DEFAULT,
        cursor=given.before if backwards else given.after,
        backwards=backwards,
        total=given.options is not None and given.options.with_total is True,
        behind=behind,
        edges=True,
    )


def info(found: Slice[Any]) -> PageInfo:
    """The window of a result."""
    return PageInfo(
        has_next_page=found.next is not None,
        has_previous_page=found.previous is not None,
        start_cursor=found.first or "",
        end_cursor=found.last or "",
    )


def _require_one_way(given: SearchPayload) -> None:
    members = {
        "size": given.size,
        "after": given.after,
        "last": given.last,
        "before": given.before,
        "startAfterId": given.start_after_id,
    }
    for one, other in _EXCLUDED:
        if members[one] is not None and members[other] is not None:
            raise InvalidInput.of(one, "contradiction", f"This cannot be used together with {other}.")
