"""Use cases around imports and exports. All need `transfers.write`."""

from collections.abc import AsyncIterable, AsyncIterator
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import recent
from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.tokens import acting
from roster.core.transfer import store
from roster.core.transfer.errors import TransferNotFound, TransferState
from roster.core.transfer.exporting import forms, pages
from roster.core.transfer.models import ExportOptions, Format, ImportOptions, Part, Transfer
from roster.jobs import queue
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, TooLarge
from roster.kit.ids import TransferId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

RUN: Final = "transfer.run"
"""The job's name; its arguments are `realm_id` and `transfer_id`."""
FORMATS: Final = ("roster", "csv", "keycloak", "fruster")
EXPORT_FORMATS: Final = ("roster", "csv")
MEDIA_TYPES: Final = {"roster": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_KEPT: Final = timedelta(days=30)
_OUTPUT_KEPT: Final = timedelta(days=7)
_DOWNLOADING: Final = timedelta(days=1)
"""How much later an output goes than it can be asked for, so that no download is cut short."""
_UPLOADING: Final = timedelta(days=1)
_PIECE: Final = 1 << 20
_MOST_BYTES: Final = 8 << 30


async def start_import(
    tx: Tx, form: Format, *, name: str = "", options: ImportOptions | None = None, dry_run: bool = False
) -> Transfer:
    """An import that waits for its file: `append_source`, then `submit`. Raises Forbidden, InvalidInput."""
    access.require(tx, "transfers.write")
    _checked(form, FORMATS)
    return await store.insert(
        tx,
        TransferId(uuid7()),
        "import",
        form,
        name=name[:200],
        options=msgspec.to_builtins(options or ImportOptions()),
        actor=acting.kept(tx.actor),
        dry_run=dry_run,
    )


async def append_source(
    runtime: Runtime, actor: Actor, transfer_id: TransferId, chunks: AsyncIterable[bytes]
) -> Transfer:
    """Store the whole file; when this returns it is safe. Raises TransferNotFound, TransferState, TooLarge."""
    async with runtime.read(actor) as tx:
        transfer = await get(tx, transfer_id)
    if transfer.kind != "import" or transfer.state != "queued" or transfer.bytes_total is not None:
        raise TransferState
    size = number = 0
    async for content in _in_pieces(chunks):
        size += len(content)
        if size > _MOST_BYTES:
            raise TooLarge(f"A file has at most {_MOST_BYTES >> 30} GiB.")
        async with runtime.write(actor) as tx:
            await store.put_source(tx, transfer_id, number, content)
        number += 1
    async with runtime.write(actor) as tx:
        return await store.uploaded(tx, transfer_id, size)


async def submit(tx: Tx, transfer_id: TransferId) -> Transfer:
    """Have it run by a job, which is deferred in this transaction. Raises TransferNotFound, TransferState."""
    access.require(tx, "transfers.write")
    transfer = await store.lock(tx, transfer_id)
    if transfer.state != "queued" or transfer.bytes_total is None:
        raise TransferState
    # One import after another: each keeps two cores busy. An export does not wait for an import.
    args = {"realm_id": str(tx.realm_id), "transfer_id": str(transfer_id)}
    await queue.defer(tx, RUN, args, queue="transfers", lock=transfer.kind)
    return transfer


async def start_export(tx: Tx, form: Format, *, name: str = "", options: ExportOptions | None = None) -> Transfer:
    """An export that a job writes; `output` reads it afterwards. Raises Forbidden, InvalidInput, InvalidFilter."""
    access.require(tx, "transfers.write")
    chosen = options or ExportOptions()
    await _check_export(tx, form, chosen)
    transfer = await store.insert(
        tx,
        TransferId(uuid7()),
        "export",
        form,
        name=name[:200],
        options=msgspec.to_builtins(chosen),
        actor=acting.kept(tx.actor),
        bytes_total=0,
    )
    return await submit(tx, transfer.id)


async def get(tx: Tx, transfer_id: TransferId) -> Transfer:
    """An import or export with its progress. Raises TransferNotFound."""
    access.require(tx, "transfers.write")
    return await store.find(tx, transfer_id)


async def page(tx: Tx, kind: str, *, before: UUID | None = None, limit: int = 100) -> list[Transfer]:
    """Imports or exports, newest first, from the one behind `before`."""
    access.require(tx, "transfers.write")
    return await store.page(tx, kind, before, min(limit, 1000))


async def cancel(tx: Tx, transfer_id: TransferId) -> Transfer:
    """Stop it before its next batch; what was merged stays. Raises TransferNotFound, TransferState."""
    access.require(tx, "transfers.write")
    await store.lock(tx, transfer_id)
    return await store.end(tx, transfer_id, "cancelled")


async def report(runtime: Runtime, actor: Actor, transfer_id: TransferId, form: str = "roster") -> AsyncIterator[bytes]:
    """What was wrong with which rows, as NDJSON or, with `csv`, as a table: row, field, code, text.

    Raises TransferNotFound before anything is sent.
    """
    async with runtime.read(actor) as tx:
        await get(tx, transfer_id)
    lines = pieces(runtime, actor, transfer_id, "report")
    return forms.report_table(lines) if form == "csv" else lines


async def output(runtime: Runtime, actor: Actor, transfer_id: TransferId) -> AsyncIterator[bytes]:
    """What an export has written, for a week.

    Raises TransferNotFound, TransferState, Forbidden before anything is sent.
    """
    async with runtime.read(actor) as tx:
        transfer = await get(tx, transfer_id)
        if transfer.kind != "export":
            raise TransferNotFound
        if transfer.state != "done" or transfer.finished_at is None or transfer.finished_at < tx.now - _OUTPUT_KEPT:
            raise TransferState
        pages.require_secrets(tx, msgspec.convert(transfer.options, ExportOptions))
    return pieces(runtime, actor, transfer_id, "output")


async def stream_export(
    runtime: Runtime, actor: Actor, form: Format, options: ExportOptions | None = None
) -> AsyncIterator[bytes]:
    """The file of an export at once, for readers who wait for it. Raises as `start_export` before anything is sent."""
    chosen = options or ExportOptions()
    async with runtime.write(actor) as tx:
        access.require(tx, "transfers.write")
        await _check_export(tx, form, chosen)
        attributes = await pages.columns(tx, form)
        await audit.record(tx, "users.exported", "realm", tx.realm_id, {"format": [None, form]})
    return _written(runtime, actor, pages.form_of(form, chosen, attributes), chosen)


async def sweep(tx: Tx) -> int:
    """Remove uploads that never ended, old outputs, and at last the whole transfer; the number of rows."""
    outputs = await store.sweep_outputs(tx, tx.now - _OUTPUT_KEPT - _DOWNLOADING)
    return outputs + await store.sweep(tx, finished=tx.now - _KEPT, begun=tx.now - _UPLOADING)


async def pieces(runtime: Runtime, actor: Actor, transfer_id: TransferId, part: Part) -> AsyncIterator[bytes]:
    """A stored file, piece by piece; the caller has checked that the actor may have it."""
    number = 0
    while True:
        async with runtime.read(actor) as tx:
            content = await store.piece(tx, transfer_id, part, number)
        if content is None:
            return
        yield content
        number += 1


async def _written(runtime: Runtime, actor: Actor, form: forms.Form, options: ExportOptions) -> AsyncIterator[bytes]:
    yield form.head()
    after: str | None = None
    while True:
        async with runtime.read(actor) as tx:
            found = await pages.page(tx, form, options, after)
        yield found.content
        if found.after is None:
            return
        after = found.after


async def _check_export(tx: Tx, form: str, options: ExportOptions) -> None:
    _checked(form, EXPORT_FORMATS)
    pages.require_secrets(tx, options)
    if options.secrets:
        await recent.require_recent_sign_in(tx)
    pages.checked_fields(options)
    await pages.check_filter(tx, options)


def _checked(form: str, known: tuple[str, ...]) -> None:
    if form not in known:
        raise InvalidInput.of("format", "unknown_format", f"The format is one of {', '.join(known)}.")


async def _in_pieces(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        while len(waiting) >= _PIECE:
            yield bytes(waiting[:_PIECE])
            del waiting[:_PIECE]
    if waiting:
        yield bytes(waiting)
