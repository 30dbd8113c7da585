"""SQL of the trail and of the outbox, which is written with it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.core.audit.models import Entry
from roster.kit.ids import uuid7
from roster.storage.joint import Part
from roster.storage.sql import Listing
from roster.storage.tx import Tx

COLUMNS = (
    "id, at, action, actor_kind, actor_id, actor_name, acting_for, acting_for_name, session_id, device_id, dialect,"
    " request_id, address, subject_kind, subject_id, changes"
)
_NAME_OF_7 = "coalesce((SELECT username FROM users WHERE realm_id = $1 AND id = $7), '')"
_NAME_OF_8 = "coalesce((SELECT username FROM users WHERE realm_id = $1 AND id = $8), '')"
"""As whom somebody acts is written down by name too, whatever becomes of that person."""
_OF_WHAT_IS_DONE = (
    """
entry AS (
    INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, acting_for, acting_for_name,
        session_id, device_id, dialect, request_id, address, subject_kind, subject_id, changes)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, """
    + _NAME_OF_8
    + """, $9, $10, $11, $12, $13, $14, $15, $16 FROM (SELECT FROM done LIMIT 1) made
), event AS (
    INSERT INTO outbox_events (realm_id, id, at, type, subject_id, payload)
    SELECT $1, $17, $2, $4, $15, $18 FROM (SELECT FROM done LIMIT 1) made
)
"""
)
ENTRIES = Listing(columns=COLUMNS, tables="audit_entries", condition="realm_id = $1")
_INSERT = (
    """
WITH entry AS (
    INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, acting_for, acting_for_name,
        session_id, device_id, dialect, request_id, address, subject_kind, subject_id, changes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, """
    + _NAME_OF_8
    + """, $9, $10, $11, $12, $13, $14, $15, $16)
)
INSERT INTO outbox_events (realm_id, id, at, type, subject_id, payload) VALUES ($1, $17, $2, $4, $15, $18)
"""
)
_INSERT_MANY = (
    """
WITH entry AS (
    INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, acting_for, acting_for_name,
        session_id, device_id, dialect, request_id, address, subject_kind, subject_id)
    SELECT $1, $2, t.entry_id, $3, $4, $5, $6, $7, """
    + _NAME_OF_7
    + """, $8, $9, $10, $11, $12, $13, t.subject_id
    FROM unnest($14::uuid[], $15::uuid[]) AS t (entry_id, subject_id)
)
INSERT INTO outbox_events (realm_id, id, at, type, subject_id, payload)
SELECT $1, t.event_id, $2, $3, t.subject_id, '{}' FROM unnest($16::uuid[], $15::uuid[]) AS t (event_id, subject_id)
"""
)

_INSERT_EACH = (
    """
WITH entry AS (
    INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, acting_for, acting_for_name,
        session_id, device_id, dialect, request_id, address, subject_kind, subject_id, changes)
    SELECT $1, $2, t.entry_id, $3, $4, $5, $6, $7, """
    + _NAME_OF_7
    + """, $8, $9, $10, $11, $12, $13, t.subject_id, t.changes::jsonb
    FROM unnest($14::uuid[], $15::uuid[], $17::text[]) AS t (entry_id, subject_id, changes)
)
INSERT INTO outbox_events (realm_id, id, at, type, subject_id, payload)
SELECT $1, t.event_id, $2, $3, t.subject_id, t.payload::jsonb
FROM unnest($16::uuid[], $15::uuid[], $18::text[]) AS t (event_id, subject_id, payload)
"""
)
# A subject is made once: the entry and the event about that can have its id, and a million need not be thought up.
_INSERT_FROM = (
    """
WITH entry AS (
    INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, acting_for, acting_for_name,
        session_id, device_id, dialect, request_id, address, subject_kind, subject_id)
    SELECT $1, $2, id, $3, $4, $5, $6, $7, """
    + _NAME_OF_7
    + """, $8, $9, $10, $11, $12, $13, id FROM """
)
_AND_EVENTS_FROM = """
)
INSERT INTO outbox_events (realm_id, id, at, type, subject_id, payload)
SELECT $1, id, $2, $3, id, '{}' FROM """


def who(tx: Tx) -> tuple[object, ...]:
    """The columns from `actor_kind` to `address`."""
    actor, origin = tx.actor, tx.actor.origin
    return (
        actor.kind.value,
        actor.user_id,
        actor.name,
        actor.acting_for,
        actor.session_id,
        origin.device_id,
        origin.dialect,
        origin.request_id,
        origin.address,
    )


async def insert(
    tx: Tx, action: str, subject_kind: str, subject_id: UUID | None, changes: Mapping[str, Sequence[object]]
) -> None:
    await tx.run(_INSERT, *_values(tx, action, subject_kind, subject_id, changes))


def of_what_is_done(
    tx: Tx, action: str, subject_kind: str, subject_id: UUID | None, changes: Mapping[str, Sequence[object]]
) -> Part:
    return Part(_OF_WHAT_IS_DONE, _values(tx, action, subject_kind, subject_id, changes))


def _values(
    tx: Tx, action: str, subject_kind: str, subject_id: UUID | None, changes: Mapping[str, Sequence[object]]
) -> tuple[object, ...]:
    payload = {"fields": sorted(changes)} if changes else {}
    about = (subject_kind, subject_id, changes)
    return (tx.realm_id, tx.now, uuid7(), action, *who(tx), *about, uuid7(), payload)


async def insert_many(tx: Tx, action: str, subject_kind: str, subject_ids: Sequence[UUID]) -> None:
    await tx.run(
        _INSERT_MANY,
        tx.realm_id,
        tx.now,
        action,
        *who(tx),
        subject_kind,
        [uuid7() for _ in subject_ids],
        list(subject_ids),
        [uuid7() for _ in subject_ids],
    )


async def insert_each(
    tx: Tx, action: str, subject_kind: str, changes: Mapping[UUID, Mapping[str, Sequence[object]]]
) -> None:
    await tx.run(
        _INSERT_EACH,
        tx.realm_id,
        tx.now,
        action,
        *who(tx),
        subject_kind,
        [uuid7() for _ in changes],
        list(changes),
        [uuid7() for _ in changes],
        [msgspec.json.encode(each).decode() for each in changes.values()],
        [msgspec.json.encode({"fields": sorted(each)}).decode() for each in changes.values()],
    )


async def insert_from(tx: Tx, action: str, subject_kind: str, table: LiteralString) -> None:
    statement = _INSERT_FROM + table + _AND_EVENTS_FROM + table
    await tx.run(statement, tx.realm_id, tx.now, action, *who(tx), subject_kind)


async def of_subject(tx: Tx, subject_id: UUID, limit: int) -> list[Entry]:
    return await tx.all(
        Entry,
        "SELECT " + COLUMNS + " FROM audit_entries WHERE realm_id = $1 AND subject_id = $2"
        " ORDER BY at DESC, id DESC LIMIT $3",
        tx.realm_id,
        subject_id,
        limit,
    )


async def since(tx: Tx, subject_id: UUID, at: datetime, actions: Sequence[str], limit: int) -> list[Entry]:
    return await tx.all(
        Entry,
        "SELECT " + COLUMNS + " FROM audit_entries WHERE realm_id = $1 AND subject_id = $2 AND at > $3"
        " AND action = ANY($4) ORDER BY at DESC, id DESC LIMIT $5",
        tx.realm_id,
        subject_id,
        at,
        list(actions),
        limit,
    )


async def last(tx: Tx, subject_id: UUID, at: datetime, actions: Sequence[str]) -> Entry | None:
    return await tx.maybe(
        Entry,
        "SELECT " + COLUMNS + " FROM audit_entries WHERE realm_id = $1 AND subject_id = $2 AND at <= $3"
        " AND action = ANY($4) ORDER BY at DESC, id DESC LIMIT 1",
        tx.realm_id,
        subject_id,
        at,
        list(actions),
    )


async def reach(tx: Tx) -> datetime | None:
    return await tx.value("SELECT at FROM audit_entries WHERE realm_id = $1 ORDER BY at, id LIMIT 1", tx.realm_id)


async def steps(tx: Tx, subject_id: UUID, actions: Sequence[str], limit: int) -> list[Entry]:
    return await tx.all(
        Entry,
        "SELECT " + COLUMNS + " FROM audit_entries WHERE realm_id = $1 AND subject_id = $2 AND action = ANY($3)"
        " ORDER BY at DESC, id DESC LIMIT $4",
        tx.realm_id,
        subject_id,
        list(actions),
        limit,
    )


async def forget(tx: Tx, user_id: UUID) -> None:
    await tx.run(
        "UPDATE audit_entries SET changes = '{}' WHERE realm_id = $1 AND subject_id = $2 AND changes <> '{}'",
        tx.realm_id,
        user_id,
    )
    await tx.run(
        "UPDATE audit_entries SET address = '' WHERE realm_id = $1 AND subject_id = $2 AND actor_id IS NULL"
        " AND address <> ''",
        tx.realm_id,
        user_id,
    )
    await tx.run(
        "UPDATE audit_entries SET acting_for_name = '', address = CASE WHEN actor_id IS NULL THEN '' ELSE address END"
        " WHERE realm_id = $1 AND acting_for = $2",
        tx.realm_id,
        user_id,
    )
    await tx.run(
        "UPDATE audit_entries SET actor_name = '', address = '' WHERE realm_id = $1 AND actor_id = $2",
        tx.realm_id,
        user_id,
    )


def _month(at: datetime, later: int = 0) -> datetime:
    years, month = divmod(at.month - 1 + later, 12)
    return datetime(at.year + years, month + 1, 1, tzinfo=UTC)


async def prepare_months(tx: Tx, first: datetime, months: int) -> None:
    for later in range(months):
        start, end = _month(first, later), _month(first, later + 1)
        await tx.value("SELECT make_audit_month($1, $2)", start, end)


async def drop_months(tx: Tx, before: datetime) -> int:
    return await tx.value("SELECT drop_audit_months($1)", _month(before))
