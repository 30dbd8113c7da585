"""All that is below an organisation, as grants need it: ids as texts, the organisation's own among them."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from roster.core.orgs import store
from roster.kit import ids
from roster.kit.ids import OrgId
from roster.storage.memory import Memory
from roster.storage.tx import Tx

Trees = Mapping[str, frozenset[str]]
"""Ids by the id of the organisation above them."""

_CHANGED: Final = "organisations moved"
_KNOWN: Final = Memory[tuple[UUID, str], tuple[int, frozenset[str]]]("organisations below", 5000)


async def below(tx: Tx, roots: Iterable[str], version: int | None = None) -> Trees:
    """The trees that begin at these organisations; those that do not exist are left out. Nothing is checked.

    Remembered under the realm's access version: `version`, or else the one the actor was read with; without either,
    and in a transaction that changes trees itself, they are read.
    """
    wanted = sorted(set(roots))
    version = tx.actor.access_version if version is None else version
    if version is None or _CHANGED in tx.memo:
        return await _read(tx, wanted)
    known = {each: _KNOWN.recall(tx.runtime, (tx.realm_id, each)) for each in wanted}
    found = {each: ids for each, (at, ids) in _present(known) if at == version}
    missing = [each for each in wanted if each not in found]
    if missing:
        read = await _read(tx, missing)
        found.update(read)
        for each, ids_below in read.items():
            _KNOWN.keep(tx.runtime, (tx.realm_id, each), (version, ids_below))
    return found


async def changed(tx: Tx) -> None:
    """What roles reach is different from now on: grants and trees are read anew, here and by every worker."""
    tx.memo[_CHANGED] = True
    await store.raise_access_version(tx)


def _present(
    known: Mapping[str, tuple[int, frozenset[str]] | None],
) -> Iterable[tuple[str, tuple[int, frozenset[str]]]]:
    return ((each, value) for each, value in known.items() if value is not None)


async def _read(tx: Tx, roots: Iterable[str]) -> dict[str, frozenset[str]]:
    named = [OrgId(org_id) for each in roots if (org_id := ids.parse(each)) is not None]
    if not named:
        return {}
    return {str(root): frozenset(map(str, below)) for root, below in await store.trees(tx, named)}
