"""Imports: uploaded as a stream, carried out by a job, watched and stopped here."""

from collections.abc import AsyncIterator
from typing import Final

from roster.core.transfer import service
from roster.core.transfer.errors import TransferNotFound, TransferState
from roster.core.transfer.models import ImportOptions, Transfer
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base, platform
from roster.dialects.native.wire import platform as wire
from roster.dialects.native.wire.base import Listing, PageQuery
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, TooLarge
from roster.kit.ids import TransferId
from roster.kit.pages import InvalidCursor
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import multipart
from roster.web.operation import Operations
from roster.web.reply import Reply, Stream
from roster.web.request import Request

ops: Final = Operations(tag="Imports and exports")

_NEEDS: Final = "transfers.write"
_LARGEST: Final = 8 << 30
_FILES: Final = (
    "application/x-ndjson",
    "application/json",
    "text/csv",
    "application/octet-stream",
    multipart.FORM_DATA,
)
REPORTS: Final = {"ndjson": ("roster", "application/x-ndjson"), "csv": ("csv", "text/csv; charset=utf-8")}


@ops.post(
    "/imports",
    id="startImport",
    status=202,
    needs=_NEEDS + "; for what changes about people who exist what that takes too",
    errors=(Forbidden, TooLarge, TransferState),
    returns=wire.Import,
    consumes=_FILES,
    body_limit=_LARGEST,
)
async def start(
    runtime: Runtime, actor: Actor, request: Request, query: wire.ImportQuery, upload: AsyncIterator[bytes]
) -> Reply:
    """Upload a file of people; a job imports it. When this answers the file is safe, also from a crash.

    The body is the file itself, or a multipart form with it. People who exist are matched, never doubled; hashes of
    other systems are kept and work. A dry run only counts what would happen.
    """
    content_type = request.header("content-type") or ""
    is_form = content_type.lower().startswith(multipart.FORM_DATA)
    chunks = multipart.file_of(content_type, upload) if is_form else upload
    options = ImportOptions(existing=query.existing)
    async with runtime.write(actor) as tx:
        started = await service.start_import(tx, query.format, name=query.name, options=options, dry_run=query.dry_run)
    await service.append_source(runtime, actor, started.id, chunks)
    async with runtime.write(actor) as tx:
        submitted = await service.submit(tx, started.id)
    return Reply(202, platform.import_out(submitted), (("Location", f"{request.prefix}/imports/{started.id}"),))


@ops.get("/imports", id="listImports", needs=_NEEDS, errors=(Forbidden, InvalidCursor))
async def list_imports(tx: Tx, query: PageQuery) -> Listing[wire.Import]:
    """Imports and how far they are, newest first."""
    found = await service.page(tx, "import", before=queries.id_of(query.cursor), limit=query.limit)
    items = [platform.import_out(each) for each in found]
    return Listing(items=items, next_cursor=base.after((each.id for each in found), query.limit))


@ops.get("/imports/{import_id}", id="getImport", needs=_NEEDS, errors=(TransferNotFound, Forbidden))
async def get(tx: Tx, import_id: TransferId) -> wire.Import:
    """One import and how far it is."""
    return platform.import_out(await _import(tx, import_id))


@ops.get(
    "/imports/{import_id}/report",
    id="getImportReport",
    needs=_NEEDS,
    errors=(TransferNotFound, Forbidden),
    produces="application/x-ndjson",
    also_produces=("text/csv; charset=utf-8",),
    returns=Stream,
)
async def report(runtime: Runtime, actor: Actor, import_id: TransferId, query: wire.ReportQuery) -> Stream:
    """What was wrong with which rows: row, field, code and a sentence, never a value of the file."""
    form, media = REPORTS[query.format]
    async with runtime.read(actor) as tx:
        await _import(tx, import_id)
    chunks = await service.report(runtime, actor, import_id, form)
    name = ("Content-Disposition", f'attachment; filename="report-{import_id}.{query.format}"')
    return Stream(chunks, media, headers=(name,))


@ops.post(
    "/imports/{import_id}/cancel",
    id="cancelImport",
    needs=_NEEDS,
    errors=(TransferNotFound, TransferState, Forbidden),
)
async def cancel(tx: Tx, import_id: TransferId) -> wire.Import:
    """Stop an import before its next batch; what was merged until then stays."""
    await _import(tx, import_id)
    return platform.import_out(await service.cancel(tx, import_id))


async def _import(tx: Tx, import_id: TransferId) -> Transfer:
    found = await service.get(tx, import_id)
    if found.kind != "import":
        raise TransferNotFound
    return found
