"""Exports: streamed at once."""

from typing import Final

from roster.core.transfer import service
from roster.core.transfer.models import ExportOptions, Format
from roster.dialects.native import query as queries
from roster.dialects.native.wire import platform as wire
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, StepUpRequired
from roster.kit.filters import InvalidFilter
from roster.storage.runtime import Runtime
from roster.web.operation import Operations
from roster.web.reply import Stream

ops: Final = Operations(tag="Imports and exports")

_FORMS: Final[dict[str, Format]] = {"ndjson": "roster", "csv": "csv"}


@ops.get(
    "/exports",
    id="exportUsers",
    needs="transfers.write; for password hashes everything, and a recent sign-in",
    errors=(Forbidden, StepUpRequired, InvalidFilter),
    produces="application/x-ndjson",
    also_produces=("text/csv; charset=utf-8",),
    returns=Stream,
)
async def export(runtime: Runtime, actor: Actor, query: wire.ExportQuery) -> Stream:
    """Export people as a stream: NDJSON, which an import takes back as it is, or CSV."""
    form = _FORMS[query.format]
    fields = tuple(each.strip() for each in (query.fields or "").split(",") if each.strip())
    options = ExportOptions(where=queries.parse_filter(query.filter), fields=fields, secrets=query.secrets)
    chunks = await service.stream_export(runtime, actor, form, options)
    name = ("Content-Disposition", f'attachment; filename="users-{actor.realm_slug}.{query.format}"')
    return Stream(chunks, service.MEDIA_TYPES[form], headers=(name,))
