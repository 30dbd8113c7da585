"""A message of the queue."""

from datetime import datetime
from uuid import UUID

import msgspec

from roster.kit.ids import RealmId


class Message(msgspec.Struct, frozen=True):
    """A message of the queue; `sealed` holds its template's values until it is sent or given up."""

    realm_id: RealmId
    id: UUID
    user_id: UUID | None
    channel: str
    recipient: str
    template: str
    locale: str | None
    sealed: bytes | None
    state: str
    attempts: int
    error: str | None
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
