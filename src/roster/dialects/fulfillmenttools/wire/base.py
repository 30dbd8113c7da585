"""What requests and answers of all subjects are made of."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
ContextType = Literal["FACILITY", "FACILITY_GROUP", "ROLE", "USER_ROLE", "ZONE"]


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request or an answer; members are in camel case."""


class ContextLimitation(Wire, frozen=True, kw_only=True):
    """Narrows one dimension to a list of ids; an empty list is nothing at all."""

    type: ContextType
    values: Annotated[list[str], Meta(max_length=500)]


class PageInfo(Wire, frozen=True, kw_only=True):
    """The window of a search. The cursors are empty when the page is."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str
    end_cursor: str


class SearchOptions(Wire, frozen=True, kw_only=True):
    """Switches of a search."""

    with_total: bool | UnsetType = UNSET


class Nothing(Wire, frozen=True, kw_only=True):
    """An empty object, where clients fail on an empty answer."""
