"""Outgoing messages: whether they went out; and what they say, while no mail server is configured."""

from typing import Final
from uuid import UUID

from roster.core.access.errors import Escalation
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base, platform
from roster.dialects.native.wire import platform as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden
from roster.kit.pages import InvalidCursor
from roster.messaging import mailbox
from roster.messaging.errors import MessageNotFound
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Messages")


@ops.get("/messages", id="listMessages", needs="messages.read", errors=(Forbidden, InvalidCursor))
async def list_messages(tx: Tx, query: wire.MessagesQuery) -> Listing[wire.Message]:
    """Messages, newest first."""
    found = await mailbox.page(
        tx, state=query.state, user_id=query.user_id, before=queries.id_of(query.cursor), limit=query.limit
    )
    items = [platform.message_out(each) for each in found]
    return Listing(items=items, next_cursor=base.after((each.id for each in found), query.limit))


@ops.get(
    "/messages/{message_id}",
    id="getMessage",
    needs="messages.read, and no fewer permissions than its reader has",
    errors=(MessageNotFound, Forbidden, Escalation),
)
async def get_message(tx: Tx, message_id: UUID) -> wire.RenderedMessage:
    """One message. Its text is shown in the development mailbox only: while no mail server is configured."""
    return platform.rendered_out(*await mailbox.read(tx, message_id))
