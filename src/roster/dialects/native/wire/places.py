"""Places."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from roster.core.places.models import MAX_MEMBERS, Key, Kind
from roster.dialects.native.wire.base import Input, Instant, Line, Output


class Place(Output, frozen=True, kw_only=True):
    """A place that roles can be limited to. `members` are the keys of a group's facilities; other kinds have none."""

    id: UUID
    kind: Kind
    key: str
    name: str
    members: list[str]
    version: int
    created_at: Instant
    updated_at: Instant


class PlacePut(Input, frozen=True, kw_only=True):
    """What a place is called, and of a group all its members; these need not be registered themselves."""

    name: Line = ""
    members: Annotated[list[Key], Meta(max_length=MAX_MEMBERS)] = []
