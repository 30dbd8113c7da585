"""Devices by number, for front doors whose identifiers are integers."""

from collections.abc import Iterable
from uuid import UUID

from roster.core.devices import numbers_store
from roster.storage.tx import Tx


async def of(tx: Tx, device_ids: Iterable[UUID | None]) -> dict[UUID, int]:
    """The numbers of these devices, deleted ones included. Nothing is checked."""
    wanted = {each for each in device_ids if each is not None}
    return await numbers_store.numbers(tx, wanted) if wanted else {}
