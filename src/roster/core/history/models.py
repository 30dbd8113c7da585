"""A step in the life of something."""

from datetime import datetime
from uuid import UUID

import msgspec


class Revision(msgspec.Struct, frozen=True):
    """One change: when, by whom, from which device; `deleted` says that it was deleted from then on."""

    at: datetime
    by: UUID | None
    device_id: UUID | None
    deleted: bool
