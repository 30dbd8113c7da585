"""Reading outgoing messages: whether they went out, and, while nothing is configured to carry them, what they say."""

from collections.abc import Sequence
from uuid import UUID

from roster.core.access import recent
from roster.core.access import service as access
from roster.kit.ids import UserId
from roster.messaging import carriers, delivery, store
from roster.messaging.models import Message
from roster.messaging.texts import Text
from roster.storage.tx import Tx


async def page(
    tx: Tx, *, state: str | None = None, user_id: UUID | None = None, before: UUID | None = None, limit: int = 100
) -> Sequence[Message]:
    """Messages of the realm, newest first, from the one before `before`. Needs `messages.read`."""
    access.require(tx, "messages.read")
    return await store.page(tx, state=state, user_id=user_id, before=before, limit=limit)


async def read(tx: Tx, message_id: UUID) -> tuple[Message, Text | None]:
    """One message and what it says; the text only in the development mailbox. Raises MessageNotFound, Escalation.

    Needs `messages.read`. The text holds links that sign in as its reader, so nobody reads those of their betters, and
    no application those of whoever lets it act for them.
    """
    access.require(tx, "messages.read")
    message = await store.find(tx, message_id)
    if message.channel in carriers.configured(tx.runtime.settings):
        return message, None
    if message.user_id is not None:
        recent.require_no_application(tx, UserId(message.user_id))
        await access.require_not_above(tx, UserId(message.user_id))
    return message, delivery.rendered(tx.runtime, message)
