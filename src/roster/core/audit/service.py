"""Writing and reading the trail."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.core.audit import store
from roster.core.audit.fields import FIELDS
from roster.core.audit.models import Entry
from roster.kit.errors import Forbidden
from roster.kit.filters import Filter, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.joint import Part
from roster.storage.tx import Tx

Changes = Mapping[str, Sequence[object]]


def made(new: object, names: Iterable[str]) -> dict[str, list[object]]:
    """What to record of something that was made: all that it has in these fields."""
    return {name: [None, _plain(new, name)] for name in names}


def differences(before: object, after: object, names: Iterable[str]) -> dict[str, list[object]]:
    """What to record of a change: those of these fields that differ."""
    return {
        name: [_plain(before, name), _plain(after, name)]
        for name in names
        if getattr(before, name) != getattr(after, name)
    }


def _plain(of: object, name: str) -> object:
    return msgspec.to_builtins(getattr(of, name))


async def record(
    tx: Tx, action: str, subject_kind: str, subject_id: UUID | None, changes: Changes | None = None
) -> None:
    """Write one entry and one outbox event of the same name, in the caller's transaction.

    `changes` maps a field to [before, after]. The event carries the fields' names only, never their values.
    """
    await store.insert(tx, action, subject_kind, subject_id, changes or {})


def trail(tx: Tx, action: str, subject_kind: str, subject_id: UUID | None, changes: Changes | None = None) -> Part:
    """What `record` writes, to go along in the statement of the change itself, if that changes anything (`done`)."""
    return store.of_what_is_done(tx, action, subject_kind, subject_id, changes or {})


async def record_many(tx: Tx, action: str, subject_kind: str, subject_ids: Sequence[UUID]) -> None:
    """Write the same entry and event for each of many subjects, in one statement."""
    if subject_ids:
        await store.insert_many(tx, action, subject_kind, subject_ids)


async def record_each(tx: Tx, action: str, subject_kind: str, changes: Mapping[UUID, Changes]) -> None:
    """Write an entry and an event for each of many subjects, each with its own changes, in one statement."""
    if changes:
        await store.insert_each(tx, action, subject_kind, changes)


async def record_made(tx: Tx, action: str, subject_kind: str, table: LiteralString) -> None:
    """Write an entry and an event for the making of each subject whose id stands in a temporary table, column `id`."""
    await store.insert_from(tx, action, subject_kind, table)


async def search(tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Entry]:
    """A page of the trail, newest first unless sorted otherwise. Needs `audit.read`."""
    if not tx.actor.may("audit.read"):
        raise Forbidden
    return await listing.fetch(
        tx,
        store.ENTRIES,
        Entry,
        fields=FIELDS,
        where=where,
        sorts=sorts or (Sort("at", descending=True),),
        page=page,
        may_see_private=True,
    )


async def of_subject(tx: Tx, subject_id: UUID, limit: int) -> list[Entry]:
    """The newest entries about one subject; the caller has checked that the actor may know them."""
    return await store.of_subject(tx, subject_id, limit)


async def since(tx: Tx, subject_id: UUID, at: datetime, actions: Sequence[str], limit: int) -> list[Entry]:
    """What was done to one subject after that moment, of these actions, newest first. Nothing is checked."""
    return await store.since(tx, subject_id, at, actions, limit)


async def last(tx: Tx, subject_id: UUID, at: datetime, actions: Sequence[str]) -> Entry | None:
    """What was done last to one subject until that moment, of these actions. Nothing is checked."""
    return await store.last(tx, subject_id, at, actions)


async def reach(tx: Tx) -> datetime | None:
    """When the realm's oldest entry was written that is still there."""
    return await store.reach(tx)


async def steps(tx: Tx, subject_id: UUID, actions: Sequence[str], limit: int) -> list[Entry]:
    """What was done to one subject, of these actions, newest first. Nothing is checked."""
    return await store.steps(tx, subject_id, actions, limit)


async def forget(tx: Tx, subject_id: UUID) -> None:
    """Take a person out of the trail: what happened stays, who and which values go (GDPR, article 17)."""
    await store.forget(tx, subject_id)


async def prepare_months(tx: Tx, first: datetime, months: int) -> None:
    """Make the partitions for the month of `first` and the ones after it."""
    await store.prepare_months(tx, first, months)


async def drop_months(tx: Tx, before: datetime) -> int:
    """Drop whole months that ended before `before`; the number of dropped partitions."""
    return await store.drop_months(tx, before)
