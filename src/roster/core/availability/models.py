"""What people say about whether they can be called on."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from roster.kit.ids import OrgId, UserId

MOST = 200
"""Weekly and planned changes of one person together."""
LONGEST_ABSENCE = 366 * 86_400
"""Seconds."""

Day = Annotated[int, Meta(ge=0, le=6)]
Second = Annotated[int, Meta(ge=0, le=86_399)]


class Preference(msgspec.Struct, frozen=True):
    """What a person has said, for one organisation or, without `org_id`, for all others. `changed_at` is None for what
    holds because nothing was said: people are available.
    """

    org_id: OrgId | None
    available: bool
    changed_at: datetime | None


class Status(msgspec.Struct, frozen=True):
    """Of a member in an organisation: what they prefer, and whether that holds now or they are away."""

    preferred: bool
    available: bool


class Weekly(msgspec.Struct, frozen=True):
    """A change that comes every week: on `day` (0 is Sunday), `second` of that day, both in UTC."""

    id: UUID
    number: int
    user_id: UserId
    org_id: OrgId | None
    available: bool
    active: bool
    day: int
    second: int


class WeeklyDraft(msgspec.Struct, frozen=True):
    """A weekly change as it is to be; one that is not active is kept, and does nothing."""

    day: Day
    second: Second
    available: bool
    org_id: OrgId | None = None
    active: bool = True


class Planned(msgspec.Struct, frozen=True):
    """A change that comes once."""

    id: UUID
    number: int
    user_id: UserId
    org_id: OrgId | None
    available: bool
    at: datetime


class Absence(msgspec.Struct, frozen=True):
    """A time for which a person is not available whatever else they have said."""

    user_id: UserId
    starts_at: datetime
    ends_at: datetime


class Counts(msgspec.Struct, frozen=True):
    """Active members of an organisation who are available now, and who are not."""

    available: int
    not_available: int


class TreeCounts(msgspec.Struct, frozen=True):
    """The same of an organisation alone, and of it with all below it, where everybody counts once."""

    alone: Counts
    whole: Counts


class Due(msgspec.Struct, frozen=True):
    """A change whose time has come. `day` and `second` are of weekly ones."""

    id: UUID
    user_id: UserId
    org_id: OrgId | None
    available: bool
    day: int | None
    second: int | None
    due_at: datetime
