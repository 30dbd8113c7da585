"""Running an import: batch after batch, each one a transaction that moves the checkpoint too.

While one batch is merged the next one is read, checked and copied to its own staging table on a second connection.
Whatever happens, the directory holds exactly the rows up to the checkpoint, and the import goes on behind it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from roster.core.access import service as access
from roster.core.attributes import service as attributes
from roster.core.audit import service as audit
from roster.core.transfer import sources, store
from roster.core.transfer.errors import TransferCancelled, TransferRunning
from roster.core.transfer.merging import merge as merging
from roster.core.transfer.merging.batch import Batch, Job
from roster.core.transfer.merging.rows import Rows
from roster.core.transfer.merging.staging import stage
from roster.core.transfer.models import ImportOptions, ReportLine, Summary, Transfer, Watch
from roster.kit.actor import Actor
from roster.kit.ids import TransferId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_ROWS: Final = 5000
"""Of a batch: enough for sets to pay off, little enough for a quick answer to a cancellation."""
_SECONDS: Final = 5.0
"""That reading a batch takes at most; hashing readable passwords is slow."""
_PIECE: Final = 1 << 20


async def run(
    runtime: Runtime,
    actor: Actor,
    transfer_id: TransferId,
    chunks: AsyncIterator[bytes],
    *,
    watch: Watch | None = None,
) -> Transfer:
    """Import what is left of the source; the transfer when it is done.

    Raises MalformedSource, TransferCancelled, TransferRunning, Forbidden, Unavailable; the checkpoint stays good.
    """
    async with alone(runtime, actor, transfer_id):
        async with runtime.write(actor) as tx:
            access.require(tx, "transfers.write")
            transfer = await store.take_up(tx, transfer_id) or await store.find(tx, transfer_id)
            known = await attributes.current(tx)
        if transfer.is_over:
            return transfer
        source = sources.reader(transfer.format, after=transfer.checkpoint, known=known)
        rows = Rows(source, chunks, size=_ROWS, seconds=_SECONDS)
        await _Pipeline(runtime, actor, transfer, rows, watch).run()
        return await _finish(runtime, actor, transfer_id)


@asynccontextmanager
async def alone(runtime: Runtime, actor: Actor, transfer_id: TransferId) -> AsyncIterator[None]:
    """Work on a transfer as the only one. Raises TransferRunning.

    The lock belongs to a connection, so it goes with a process that is killed; no clock decides who is alive.
    """
    async with runtime.write(actor) as tx:
        if not await store.is_sole_runner(tx, transfer_id):
            raise TransferRunning
        keeping = asyncio.create_task(_keep(tx))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _keep(tx: Tx) -> None:
    """Servers end transactions in which nothing happens for long."""
    while True:
        await asyncio.sleep(60)
        await tx.value("SELECT 1")


class _Pipeline:
    def __init__(self, runtime: Runtime, actor: Actor, transfer: Transfer, rows: Rows, watch: Watch | None) -> None:
        self._runtime, self._actor, self._rows, self._watch = runtime, actor, rows, watch
        self._job = Job(
            transfer.id, transfer.format, msgspec.convert(transfer.options, ImportOptions), transfer.dry_run
        )
        self._checkpoint = transfer.checkpoint

    async def run(self) -> None:
        """Two batches at a time: the one that is merged, and the one that is staged."""
        tasks: list[asyncio.Task[None]] = []
        try:
            while not self._rows.is_over and not any(map(_has_failed, tasks)):
                staged = asyncio.Event()
                tasks = [*tasks[-1:], asyncio.create_task(self._batch(staged, tasks[-1] if tasks else None))]
                await staged.wait()
            await tasks[-1]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _batch(self, staged: asyncio.Event, before: Awaitable[None] | None) -> None:
        try:
            async with self._runtime.write(self._actor) as tx:
                batch = await stage(tx, self._rows, hashing_for_good=not self._job.dry_run)
                staged.set()
                if before is not None:
                    await before
                transfer = await self._merge(tx, batch)
        finally:
            staged.set()
        self._checkpoint = transfer.checkpoint
        if self._watch is not None:
            self._watch(transfer)

    async def _merge(self, tx: Tx, batch: Batch) -> Transfer:
        transfer = await store.lock(tx, self._job.transfer_id)
        if transfer.state == "cancelled":
            raise TransferCancelled
        if transfer.state != "running" or transfer.checkpoint != self._checkpoint:
            raise TransferRunning
        counts, made = await merging.merge(tx, self._job, batch, self._rows.source.roles)
        for piece in _pieces(sorted(batch.report, key=lambda line: line.row)):
            await store.add_piece(tx, self._job.transfer_id, "report", piece)
        return await store.advance(
            tx,
            self._job.transfer_id,
            checkpoint=max(batch.last_row, transfer.checkpoint),
            bytes_done=batch.bytes_done,
            counts=(counts.created, counts.updated, counts.unchanged, batch.failed),
            summary=msgspec.to_builtins(_added(msgspec.convert(transfer.summary, Summary), made)),
        )


def _has_failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _pieces(lines: list[ReportLine]) -> list[bytes]:
    """NDJSON in pieces of moderate size."""
    found: list[bytes] = []
    encoder, piece = msgspec.json.Encoder(), bytearray()
    for line in lines:
        piece += encoder.encode(line) + b"\n"
        if len(piece) >= _PIECE:
            found.append(bytes(piece))
            piece.clear()
    return [*found, bytes(piece)] if piece else found


def _added(before: Summary, made: Summary) -> Summary:
    fields = {name: before.fields.get(name, 0) + made.fields.get(name, 0) for name in {**before.fields, **made.fields}}
    return Summary(
        fields=fields,
        roles_created=list(dict.fromkeys([*before.roles_created, *made.roles_created])),
        roles_renamed={**before.roles_renamed, **made.roles_renamed},
        roles_given=before.roles_given + made.roles_given,
        passwords=before.passwords + made.passwords,
        second_factors=before.second_factors + made.second_factors,
        notes=before.notes + made.notes,
    )


async def _finish(runtime: Runtime, actor: Actor, transfer_id: TransferId) -> Transfer:
    async with runtime.write(actor) as tx:
        transfer = await store.end(tx, transfer_id, "done")
        if not transfer.dry_run:
            await audit.record(tx, "users.imported", "transfer", transfer_id, _outcome(transfer))
        return transfer


def _outcome(transfer: Transfer) -> dict[str, list[object]]:
    counts = {
        "created": transfer.rows_created,
        "updated": transfer.rows_updated,
        "unchanged": transfer.rows_unchanged,
        "failed": transfer.rows_failed,
    }
    return {name: [None, count] for name, count in {**counts, "name": transfer.name}.items()}
