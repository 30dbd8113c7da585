"""Whether people can be called on."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from roster.core.availability.models import LONGEST_ABSENCE, Day, Second
from roster.dialects.native.wire.base import Input, Instant, Output

Moment = Annotated[datetime, Meta(tz=True)]


class Preference(Output, frozen=True, kw_only=True):
    """What somebody has said: for one organisation, or without any for all others. Who says nothing is available."""

    organisation_id: UUID | None
    available: bool
    changed_at: Instant | None


class Said(Input, frozen=True, kw_only=True):
    """Whether one can be called on from now on."""

    available: bool


class OrganisationQuery(Input, frozen=True, kw_only=True):
    """Which organisation the changes are for; without any, those for all."""

    organisation_id: UUID | None = None


class WeeklyChange(Output, frozen=True, kw_only=True):
    """A change that comes every week: on `day` (0 is Sunday) at `second` of that day, in UTC."""

    id: UUID
    organisation_id: UUID | None
    day: int
    second: int
    available: bool
    active: bool


class WeeklyChangeWrite(Input, frozen=True, kw_only=True):
    """A weekly change as it is to be; one that is not active is kept, and does nothing."""

    day: Day
    second: Second
    available: bool
    organisation_id: UUID | None = None
    active: bool = True


class PlannedChange(Output, frozen=True, kw_only=True):
    """A change that comes once."""

    id: UUID
    organisation_id: UUID | None
    at: Instant
    available: bool


class PlannedChangeCreate(Input, frozen=True, kw_only=True):
    """A change to be planned."""

    at: Moment
    available: bool
    organisation_id: UUID | None = None


class Absence(Output, frozen=True, kw_only=True):
    """A time for which one is not available, whatever else was said."""

    starts_at: Instant
    ends_at: Instant


class AbsenceWrite(Input, frozen=True, kw_only=True):
    """The same to be planned."""

    starts_at: Moment
    seconds: Annotated[int, Meta(ge=1, le=LONGEST_ABSENCE)]


class MemberAvailability(Output, frozen=True, kw_only=True):
    """Of a member: what they prefer in the organisation, and whether that holds now or they are away.

    Who has not joined yet is not available.
    """

    user_id: UUID
    number: int
    preferred: bool
    available: bool


class Counts(Output, frozen=True, kw_only=True):
    """Active members who are available now, and who are not."""

    available: int
    not_available: int


class TreeCounts(Output, frozen=True, kw_only=True):
    """Of the organisation alone, and of it with all below, where everybody counts once."""

    alone: Counts
    whole: Counts
