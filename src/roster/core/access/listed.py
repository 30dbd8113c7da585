"""What the permission lists of single objects say about an actor, all at once: for pages of what they may see."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import lists, lists_store, objects
from roster.core.access.models import AccessList
from roster.kit import ids
from roster.storage.memory import Memory
from roster.storage.tx import Tx


class Exceptions(msgspec.Struct, frozen=True):
    """Objects that the actor may see although, or may not see whatever, the general rules say."""

    shown: tuple[UUID, ...] = ()
    hidden: tuple[UUID, ...] = ()


NONE: Final = Exceptions()
_KNOWN: Final = Memory[object, Exceptions]("listed objects", 2000)


async def exceptions(tx: Tx) -> Exceptions:
    """Those of the realm; none for holders of everything. Remembered until the realm's access version changes."""
    if tx.actor.may("*") or not await objects.any_lists(tx):
        return NONE
    actor = tx.actor
    key = (actor.realm_id, actor.access_version, actor.person_id, actor.grants.unlimited)
    found = _KNOWN.recall(tx.runtime, key)
    if found is None:
        found = _read(tx, await lists_store.all_lists(tx))
        if actor.access_version is not None:
            _KNOWN.keep(tx.runtime, key, found)
    return found


def _read(tx: Tx, stored: Iterable[AccessList]) -> Exceptions:
    known = {each.object: each for each in stored}
    shown: list[UUID] = []
    hidden: list[UUID] = []
    for name in known:
        object_id = ids.parse(name)
        answer = lists.ask(tx.actor, "read", name, known) if object_id else None
        if object_id is not None and answer is not None:
            (shown if answer else hidden).append(object_id)
    return Exceptions(tuple(shown), tuple(hidden))
