"""A place."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

Kind = Literal["facility", "facility_group", "zone"]
KINDS: frozenset[str] = frozenset(get_args(Kind))
GROUP = "facility_group"
"""The kind that has members."""

MAX_MEMBERS = 10_000
"""Facilities in one group."""
MAX_MEMBERS_IN_ALL = 200_000
"""Facilities in all groups of a realm together, each counted as often as it is a member."""

Key = Annotated[str, Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(max_length=200)]


class Place(msgspec.Struct, frozen=True):
    """A registered place. `members` are the keys of a group's facilities, whether these are registered or not."""

    id: UUID
    kind: str
    key: str
    name: str
    members: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class PlaceDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is said about a place besides its kind and key."""

    name: Name = ""
    members: Annotated[list[Key], Meta(max_length=MAX_MEMBERS)] = []
