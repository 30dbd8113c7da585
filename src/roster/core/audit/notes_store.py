"""SQL of entries that other programs write."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from roster.core.audit.models import Entry
from roster.core.audit.store import COLUMNS, who
from roster.kit.errors import Internal
from roster.kit.ids import uuid7
from roster.storage.tx import Tx


async def insert(tx: Tx, user_id: UUID, action: str, at: datetime, changes: Mapping[str, object]) -> Entry:
    return await tx.one(
        Entry,
        "INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, acting_for, session_id,"
        " device_id, dialect, request_id, address, subject_kind, subject_id, changes)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'user', $14, $15) RETURNING " + COLUMNS,
        tx.realm_id,
        at,
        uuid7(),
        action,
        *who(tx),
        user_id,
        changes,
        missing=Internal,
    )
