"""People by number, for front doors whose identifiers are integers."""

from collections.abc import Collection, Iterable
from uuid import UUID

from roster.core.access import service as access
from roster.core.users import numbers_store
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit.ids import UserId
from roster.storage.tx import Tx


async def get(tx: Tx, number: int) -> User:
    """A person as far as the actor may see them; deleted ones too, for those who may restore. Raises UserNotFound."""
    found = await numbers_store.find(tx, number)
    if found.deleted_at is not None:
        await access.require_over(tx, "users.write", found.id, otherwise=UserNotFound)
    return await users.seen(tx, found)


async def id_of(tx: Tx, number: int) -> UserId:
    """Whose number this is. Nothing is checked: whoever calls decides what the actor learns. Raises UserNotFound."""
    found = await numbers_store.find(tx, number)
    if found.deleted_at is not None:
        raise UserNotFound
    return found.id


async def ids_of(tx: Tx, numbers: Collection[int]) -> dict[int, UserId]:
    """The same for several; numbers that nobody has are left out."""
    return await numbers_store.ids(tx, numbers) if numbers else {}


async def of(tx: Tx, user_ids: Iterable[UUID | None]) -> dict[UUID, int]:
    """The numbers of these people as far as they belong to this realm, erased ones included. Nothing is checked."""
    wanted = {each for each in user_ids if each is not None}
    return await numbers_store.numbers(tx, wanted) if wanted else {}
