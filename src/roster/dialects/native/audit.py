"""The audit trail."""

from typing import Final

from roster.core.attributes import service as attributes
from roster.core.audit import service
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base, platform
from roster.dialects.native.wire import platform as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden
from roster.kit.filters import InvalidFilter
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Audit")


@ops.get("/audit", id="listAudit", needs="audit.read", errors=(Forbidden, InvalidFilter, InvalidCursor))
async def list_entries(tx: Tx, query: wire.AuditQuery) -> Listing[wire.Entry]:
    """Who changed what, when and from where; newest first. Secrets never appear.

    For example `filter=subject_id eq "…" and action sw "user."`.
    """
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where = queries.parse_filter(query.filter)
    found = await service.search(tx, where, queries.parse_sort(query.sort), page)
    unseen = await attributes.unseen(tx)
    return base.listing(found, lambda entry: platform.entry_out(entry, unseen))
