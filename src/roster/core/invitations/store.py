"""SQL of invitations, and of those that are made by a job."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from roster.core.invitations.errors import BatchNotFound
from roster.core.invitations.models import Batch, Invitee, Open, Options, Outcome
from roster.kit.ids import OrgId, UserId
from roster.storage.trimming import trim
from roster.storage.tx import Tx

_BATCH = (
    "id, org_id, state, people, invited, updated, skipped, failed, options, link, actor, error, created_at, created_by,"
    " finished_at"
)
_OPEN = (
    "i.id, m.org_id, m.user_id, i.generation, u.username, u.email, u.status, i.expires_at, i.sent_at,"
    " u.email IS NULL OR u.email_verified_at IS NOT NULL"
)
_FROM = (
    " FROM invitations i JOIN memberships m ON m.realm_id = i.realm_id AND m.id = i.id AND m.state = 'pending'"
    " JOIN users u ON u.realm_id = i.realm_id AND u.id = m.user_id AND u.deleted_at IS NULL"
)


async def put(tx: Tx, membership_ids: Sequence[UUID], expires_at: datetime) -> dict[UUID, int]:
    """Invitations of pending members, new ones or sent anew; the generation of each."""
    rows = await tx.rows(
        "INSERT INTO invitations AS i (realm_id, id, created_at, created_by, sent_at, expires_at)"
        " SELECT $1, t.id, $2, $3, $2, $4 FROM unnest($5::uuid[]) AS t (id)"
        " ON CONFLICT (realm_id, id) DO UPDATE SET sent_at = excluded.sent_at, expires_at = excluded.expires_at"
        " RETURNING i.id, i.generation",
        tx.realm_id,
        tx.now,
        tx.actor.user_id,
        expires_at,
        list(membership_ids),
    )
    return dict(rows)


async def live(tx: Tx, membership_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these that have not expired."""
    rows = await tx.rows(
        "SELECT id FROM invitations WHERE realm_id = $1 AND id = ANY($2) AND expires_at > $3",
        tx.realm_id,
        list(membership_ids),
        tx.now,
    )
    return {found for (found,) in rows}


async def look_up(tx: Tx, invitation_id: UUID) -> Open | None:
    return await tx.maybe(
        Open, "SELECT " + _OPEN + _FROM + " WHERE i.realm_id = $1 AND i.id = $2", tx.realm_id, invitation_id
    )


async def delete(tx: Tx, invitation_id: UUID) -> None:
    await tx.run("DELETE FROM invitations WHERE realm_id = $1 AND id = $2", tx.realm_id, invitation_id)


async def of_user(tx: Tx, user_id: UserId) -> list[Open]:
    return await tx.all(
        Open,
        "SELECT " + _OPEN + _FROM + " WHERE m.realm_id = $1 AND m.user_id = $2 AND i.expires_at > $3 ORDER BY i.id",
        tx.realm_id,
        user_id,
        tx.now,
    )


async def insert_batch(
    tx: Tx,
    batch_id: UUID,
    org_id: OrgId,
    sets: Sequence[Sequence[Invitee]],
    *,
    options: Options,
    link: str,
    actor: dict[str, object],
) -> None:
    await tx.run(
        "INSERT INTO invitation_batches (realm_id, id, org_id, people, options, link, actor, created_at, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.realm_id,
        batch_id,
        org_id,
        sum(map(len, sets)),
        msgspec.to_builtins(options),
        link,
        actor,
        tx.now,
        tx.actor.user_id,
    )
    await tx.run_many(
        "INSERT INTO invitation_sets (realm_id, batch_id, number, people) VALUES ($1, $2, $3, $4)",
        [(tx.realm_id, batch_id, number, msgspec.to_builtins(each)) for number, each in enumerate(sets)],
    )


async def find_batch(tx: Tx, org_id: OrgId, batch_id: UUID) -> Batch:
    return await tx.one(
        Batch,
        "SELECT " + _BATCH + " FROM invitation_batches WHERE realm_id = $1 AND org_id = $2 AND id = $3",
        tx.realm_id,
        org_id,
        batch_id,
        missing=BatchNotFound,
    )


async def lock_batch(tx: Tx, batch_id: UUID) -> Batch:
    return await tx.one(
        Batch,
        "SELECT " + _BATCH + " FROM invitation_batches WHERE realm_id = $1 AND id = $2 FOR UPDATE",
        tx.realm_id,
        batch_id,
        missing=BatchNotFound,
    )


async def next_set(tx: Tx, batch_id: UUID) -> tuple[int, list[Invitee]] | None:
    """The first set of people who have not been invited; the batch is locked."""
    rows = await tx.rows(
        "SELECT number, people FROM invitation_sets WHERE realm_id = $1 AND batch_id = $2 AND outcomes IS NULL"
        " ORDER BY number LIMIT 1",
        tx.realm_id,
        batch_id,
    )
    return (rows[0][0], msgspec.convert(rows[0][1], list[Invitee])) if rows else None


async def put_outcomes(tx: Tx, batch_id: UUID, number: int, outcomes: Sequence[Outcome], counts: Sequence[int]) -> None:
    """What became of a set; `counts` are of invited, updated, skipped and failed."""
    await tx.run(
        "UPDATE invitation_sets SET people = '[]', outcomes = $4 WHERE realm_id = $1 AND batch_id = $2 AND number = $3",
        tx.realm_id,
        batch_id,
        number,
        msgspec.to_builtins(outcomes),
    )
    await tx.run(
        "UPDATE invitation_batches SET invited = invited + $3, updated = updated + $4, skipped = skipped + $5,"
        " failed = failed + $6 WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        batch_id,
        *counts,
    )


async def outcomes(tx: Tx, batch_id: UUID, number: int) -> list[Outcome] | None:
    """Of one set; None when it is not there or was not tried yet."""
    found = await tx.value(
        "SELECT outcomes FROM invitation_sets WHERE realm_id = $1 AND batch_id = $2 AND number = $3",
        tx.realm_id,
        batch_id,
        number,
    )
    return None if found is None else msgspec.convert(found, list[Outcome])


async def end_batch(tx: Tx, batch_id: UUID, state: str, error: str | None = None) -> None:
    await tx.run(
        "UPDATE invitation_batches SET state = $3, error = $4, finished_at = $5"
        " WHERE realm_id = $1 AND id = $2 AND state = 'queued'",
        tx.realm_id,
        batch_id,
        state,
        error,
        tx.now,
    )
    await tx.run(
        "UPDATE invitation_sets SET people = '[]' WHERE realm_id = $1 AND batch_id = $2", tx.realm_id, batch_id
    )


async def sweep_batches(tx: Tx, before: datetime) -> int:
    return await trim(tx, "invitation_batches", "created_at < $2 AND state <> 'queued'", before)
