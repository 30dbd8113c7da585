"""Roles by number, for front doors whose identifiers are integers."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from roster.core.access import numbers_store
from roster.core.access.numbers_store import Given
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.storage.tx import Tx

__all__ = ["Given", "names", "of", "roles_of"]


async def roles_of(tx: Tx, user_ids: Sequence[UserId]) -> dict[UUID, list[Given]]:
    """The roles that people have without limits: number, name, and whether it is built in, in order of the number.

    The caller has checked that the actor may see these people.
    """
    return await numbers_store.given(tx, user_ids) if user_ids else {}


async def of(tx: Tx, role_ids: Iterable[UUID]) -> list[Given]:
    """The same of roles by their ids, those left out that are gone. Nothing is checked."""
    return await numbers_store.by_id(tx, role_ids)


async def names(tx: Tx, numbers: Sequence[int], *, field: str = "roles") -> list[str]:
    """The names of the roles with these numbers, which are not built in: those have names that everybody knows.

    Raises InvalidInput, about `field`, when one does not exist.
    """
    if not numbers:
        return []
    found = await numbers_store.names(tx, numbers)
    for number in numbers:
        if number not in found:
            raise InvalidInput.of(field, "unknown_role", f"There is no role {number}.")
    return [found[number] for number in numbers]
