"""`/admin/user`: people, for those who run the installation."""

from typing import Final

from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.dialects.wellbee import documents
from roster.kit.ids import UserId
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="admin")


@ops.get("/admin/user/{id}", id="admin-user-get", needs="admin.*", errors=(UserNotFound,))
async def get_user(tx: Tx, id: UserId) -> dict[str, object]:
    """One person."""
    return documents.user(await users.get(tx, id))
