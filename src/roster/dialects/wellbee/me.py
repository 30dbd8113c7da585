"""`/me`: whoever asks (contract, group me)."""

from typing import Final

from roster.core.users import service as users
from roster.dialects.wellbee import lookup
from roster.dialects.wellbee.documents import Document
from roster.kit.errors import Unauthenticated
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="me")


@ops.get("/me", id="me-get")
async def get_me(tx: Tx) -> Document:
    """The person who asks, with roles, scopes and profile."""
    if tx.actor.user_id is None:
        raise Unauthenticated
    return await lookup.one(tx, await users.get(tx, tx.actor.user_id), expand=True)
