"""An event, and a place in the order of all events."""

from datetime import datetime
from uuid import UUID

import msgspec

from roster.kit.ids import RealmId

Position = tuple[int, int]
"""A place in the order of events: the writing transaction, and the place within it."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened. `payload` holds identifiers and field names, no personal data."""

    realm_id: RealmId
    id: UUID
    transaction: int
    position: int
    at: datetime
    type: str
    subject_id: UUID | None
    payload: dict[str, object]

    @property
    def place(self) -> Position:
        """Where it stands in the order."""
        return self.transaction, self.position
