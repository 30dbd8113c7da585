"""What an entry of the trail holds."""

from datetime import datetime
from uuid import UUID

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One change. `changes` maps a field to its value before and after; secrets never appear.

    Who acts in the name of another stands in `actor_…`, the other in `acting_for…`, by the name they had then.
    """

    id: UUID
    at: datetime
    action: str
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    acting_for: UUID | None
    acting_for_name: str
    session_id: UUID | None
    device_id: UUID | None
    dialect: str
    request_id: str
    address: str
    subject_kind: str
    subject_id: UUID | None
    changes: dict[str, object]
