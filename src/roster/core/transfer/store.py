"""SQL of imports and exports themselves: their rows, and their files in pieces."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from roster.core.transfer.errors import TransferNotFound, TransferState
from roster.core.transfer.models import Part, Transfer
from roster.kit.ids import TransferId
from roster.storage.trimming import trim
from roster.storage.tx import Tx

_COLUMNS = (
    "id, kind, format, state, dry_run, options, name, fingerprint, bytes_total, bytes_done, checkpoint, rows_created,"
    " rows_updated, rows_unchanged, rows_failed, summary, actor, error, created_at, created_by, started_at, seen_at,"
    " finished_at"
)


async def insert(
    tx: Tx,
    transfer_id: TransferId,
    kind: str,
    form: str,
    *,
    name: str,
    options: Mapping[str, object],
    actor: Mapping[str, object],
    dry_run: bool = False,
    fingerprint: str | None = None,
    bytes_total: int | None = None,
) -> Transfer:
    return await tx.one(
        Transfer,
        "INSERT INTO transfers (realm_id, id, kind, format, name, options, actor, dry_run, fingerprint, bytes_total,"
        " created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING " + _COLUMNS,
        tx.realm_id,
        transfer_id,
        kind,
        form,
        name,
        options,
        actor,
        dry_run,
        fingerprint,
        bytes_total,
        tx.now,
        tx.actor.user_id,
        missing=TransferNotFound,
    )


async def find(tx: Tx, transfer_id: TransferId) -> Transfer:
    return await tx.one(
        Transfer,
        "SELECT " + _COLUMNS + " FROM transfers WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        transfer_id,
        missing=TransferNotFound,
    )


async def lock(tx: Tx, transfer_id: TransferId) -> Transfer:
    return await tx.one(
        Transfer,
        "SELECT " + _COLUMNS + " FROM transfers WHERE realm_id = $1 AND id = $2 FOR UPDATE",
        tx.realm_id,
        transfer_id,
        missing=TransferNotFound,
    )


async def page(tx: Tx, kind: str, before: UUID | None, limit: int) -> list[Transfer]:
    """Newest first; identifiers grow with time."""
    return await tx.all(
        Transfer,
        "SELECT " + _COLUMNS + " FROM transfers WHERE realm_id = $1 AND kind = $2 AND ($3::uuid IS NULL OR id < $3)"
        " ORDER BY id DESC LIMIT $4",
        tx.realm_id,
        kind,
        before,
        limit,
    )


async def unfinished(
    tx: Tx, fingerprint: str, form: str, *, dry_run: bool, options: Mapping[str, object]
) -> Transfer | None:
    return await tx.maybe(
        Transfer,
        "SELECT " + _COLUMNS + " FROM transfers WHERE realm_id = $1 AND fingerprint = $2 AND format = $3"
        " AND dry_run = $4 AND options = $5 AND kind = 'import' AND state IN ('queued', 'running')"
        " ORDER BY id DESC LIMIT 1",
        tx.realm_id,
        fingerprint,
        form,
        dry_run,
        options,
    )


async def uploaded(tx: Tx, transfer_id: TransferId, size: int) -> Transfer:
    return await tx.one(
        Transfer,
        "UPDATE transfers SET bytes_total = $3 WHERE realm_id = $1 AND id = $2 AND state = 'queued'"
        " AND bytes_total IS NULL RETURNING " + _COLUMNS,
        tx.realm_id,
        transfer_id,
        size,
        missing=TransferState,
    )


async def take_up(tx: Tx, transfer_id: TransferId) -> Transfer | None:
    """Begin or go on; None when there is nothing left to do."""
    return await tx.maybe(
        Transfer,
        "UPDATE transfers SET state = 'running', started_at = coalesce(started_at, $3), seen_at = $3"
        " WHERE realm_id = $1 AND id = $2 AND state IN ('queued', 'running') RETURNING " + _COLUMNS,
        tx.realm_id,
        transfer_id,
        tx.now,
    )


async def advance(
    tx: Tx,
    transfer_id: TransferId,
    *,
    checkpoint: int,
    bytes_done: int,
    counts: Sequence[int],
    summary: Mapping[str, object],
) -> Transfer:
    """`counts` are those of the batch: created, updated, unchanged, failed."""
    return await tx.one(
        Transfer,
        "UPDATE transfers SET checkpoint = $3, bytes_done = greatest(bytes_done, $4), rows_created = rows_created + $5,"
        " rows_updated = rows_updated + $6, rows_unchanged = rows_unchanged + $7, rows_failed = rows_failed + $8,"
        " summary = $9, seen_at = $10 WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        tx.realm_id,
        transfer_id,
        checkpoint,
        bytes_done,
        *counts,
        summary,
        tx.now,
        missing=TransferNotFound,
    )


async def end(tx: Tx, transfer_id: TransferId, state: str, error: str | None = None) -> Transfer:
    """The source, which holds people's data and hashes, goes at once."""
    await tx.run("DELETE FROM transfer_seen WHERE realm_id = $1 AND transfer_id = $2", tx.realm_id, transfer_id)
    await drop_part(tx, transfer_id, "source")
    return await tx.one(
        Transfer,
        "UPDATE transfers SET state = $3, error = $4, finished_at = $5, seen_at = $5,"
        " bytes_done = CASE WHEN $3 = 'done' THEN coalesce(bytes_total, bytes_done) ELSE bytes_done END"
        " WHERE realm_id = $1 AND id = $2 AND state IN ('queued', 'running') RETURNING " + _COLUMNS,
        tx.realm_id,
        transfer_id,
        state,
        error,
        tx.now,
        missing=TransferState,
    )


async def is_sole_runner(tx: Tx, transfer_id: TransferId) -> bool:
    """Whether nobody else works on it; until the end of the transaction, which a killed process does not outlive."""
    return await tx.value(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('transfer' || $1::uuid::text, 0))", transfer_id
    )


async def put_source(tx: Tx, transfer_id: TransferId, number: int, content: bytes) -> None:
    """A piece of the file, while it is waited for: a cancellation meanwhile has removed those before."""
    put = await tx.run(
        "INSERT INTO transfer_chunks (realm_id, transfer_id, part, number, content)"
        " SELECT realm_id, id, 'source', $3, $4 FROM transfers"
        " WHERE realm_id = $1 AND id = $2 AND state = 'queued' AND bytes_total IS NULL FOR SHARE",
        tx.realm_id,
        transfer_id,
        number,
        content,
        conflicts={"transfer_chunks_pkey": TransferState},
    )
    if not put:
        raise TransferState


async def add_piece(tx: Tx, transfer_id: TransferId, part: Part, content: bytes) -> None:
    """Behind the last one; the caller holds a lock on the transfer."""
    await tx.run(
        "INSERT INTO transfer_chunks (realm_id, transfer_id, part, number, content)"
        " SELECT $1, $2, $3, coalesce(max(number) + 1, 0), $4 FROM transfer_chunks"
        " WHERE realm_id = $1 AND transfer_id = $2 AND part = $3",
        tx.realm_id,
        transfer_id,
        part,
        content,
    )


async def piece(tx: Tx, transfer_id: TransferId, part: Part, number: int) -> bytes | None:
    return await tx.value(
        "SELECT content FROM transfer_chunks WHERE realm_id = $1 AND transfer_id = $2 AND part = $3 AND number = $4",
        tx.realm_id,
        transfer_id,
        part,
        number,
    )


async def drop_part(tx: Tx, transfer_id: TransferId, part: Part) -> None:
    await tx.run(
        "DELETE FROM transfer_chunks WHERE realm_id = $1 AND transfer_id = $2 AND part = $3",
        tx.realm_id,
        transfer_id,
        part,
    )


async def sweep_outputs(tx: Tx, before: datetime) -> int:
    """Files of exports that were finished before; the number of their pieces removed."""
    return await trim(
        tx,
        "transfer_chunks",
        "part = 'output' AND transfer_id IN (SELECT id FROM transfers WHERE realm_id = $1 AND finished_at < $2)",
        before,
    )


async def sweep(tx: Tx, *, finished: datetime, begun: datetime) -> int:
    """Transfers that were finished before, and uploads that began before and never ended; the number removed."""
    return await trim(
        tx,
        "transfers",
        "finished_at < $2 OR (state = 'queued' AND bytes_total IS NULL AND created_at < $3)",
        finished,
        begun,
    )
