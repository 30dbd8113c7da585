"""Requests and answers about availability, member by member."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from roster.dialects.groupalarm.wire import Id, spelled

ChangeStatus = Literal["available", "unavailable"]
"""What holds after a change."""
Moment = Annotated[datetime, Meta(tz=True)]
TimeOfDay = Annotated[str, Meta(max_length=8, pattern="^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$")]
"""In UTC."""


class UserOrganizationAvailability(msgspec.Struct, frozen=True, rename=spelled):
    """What somebody has said; `organizationID` 0 is for all organisations of which nothing else is said."""

    organization_id: int
    preference: bool
    user_id: int


class UserOrganizationAvailabilityWrite(msgspec.Struct, frozen=True, rename=spelled):
    """The same as it is sent; `userID` is the caller's, if it is there at all."""

    preference: bool
    organization_id: Id = 0
    user_id: Id = 0


class UserAvailabilityChange(msgspec.Struct, frozen=True):
    """The one absence of a person; `duration` is in seconds."""

    duration: int
    start_time: Moment
    user_id: Id = 0


class RecurringUserAvailabilityChangeWrite(msgspec.Struct, frozen=True, rename=spelled):
    """A change that comes every week, as it is to be; `changeDay` 0 is Sunday."""

    change_day: Annotated[int, Meta(ge=0, le=6)]
    change_status: ChangeStatus
    change_time: TimeOfDay
    active: bool = True
    id: Id = 0
    organization_id: Id = 0
    user_id: Id = 0


class RecurringUserAvailabilityChange(msgspec.Struct, frozen=True, rename=spelled):
    """A change that comes every week."""

    active: bool
    change_day: int
    change_status: ChangeStatus
    change_time: str
    id: int
    organization_id: int
    user_id: int


class RecurringUserAvailabilityChangesList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of them."""

    entries: list[RecurringUserAvailabilityChange]
    total: int


class ScheduledUserAvailabilityChangeWrite(msgspec.Struct, frozen=True, rename=spelled):
    """A change that comes once, as it is sent."""

    change_status: ChangeStatus
    change_time: Moment
    user_id: Id = 0


class ScheduledUserAvailabilityChange(msgspec.Struct, frozen=True, rename=spelled):
    """A change that comes once."""

    change_status: ChangeStatus
    change_time: datetime
    id: int
    user_id: int


class ScheduledUserAvailabilityChangesList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of them."""

    entries: list[ScheduledUserAvailabilityChange]
    total: int


class AvailableUsersCount(msgspec.Struct, frozen=True, rename=spelled):
    """Members by what they are; events are not known here, so that nobody is in one."""

    count_available: int
    count_in_event: int
    count_not_available: int


class OrganizationAvailabilityCounts(msgspec.Struct, frozen=True, rename=spelled):
    """Of an organisation alone, and of it with all below."""

    count_in_root: AvailableUsersCount
    count_total: AvailableUsersCount
