"""Searches (contract: UserSearchPayload, RoleSearchPayload). The query itself is read by `query`."""

from typing import Annotated, Any

from msgspec import Meta

from roster.dialects.fulfillmenttools.wire.base import SearchOptions, Wire

Window = Annotated[int, Meta(ge=1, le=250)]


class SearchPayload(Wire, frozen=True, kw_only=True):
    """What is searched for, in which order, and which part of it; forwards with `size` and `after`, else backwards."""

    query: dict[str, Any]
    size: Window | None = None
    after: str | None = None
    last: Window | None = None
    before: str | None = None
    start_after_id: str | None = None
    sort: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=1)] | None = None
    options: SearchOptions | None = None
