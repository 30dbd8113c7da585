"""A step in the life of something, and what somebody had."""

from datetime import datetime
from uuid import UUID

import msgspec

from roster.kit.ids import RoleId


class Revision(msgspec.Struct, frozen=True):
    """One change: when, by whom, from which device; `deleted` says that it was deleted from then on."""

    at: datetime
    by: UUID | None
    device_id: UUID | None
    deleted: bool


class Held(msgspec.Struct, frozen=True):
    """A role that somebody had, within these places or, without any, everywhere."""

    role_id: RoleId
    contexts: dict[str, list[str]]
