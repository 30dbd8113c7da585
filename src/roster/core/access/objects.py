"""Permission lists of single objects and of classes, as stored; `lists` has the rule."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from roster.core.access import lists, store
from roster.core.access.errors import ListNotFound
from roster.core.access.models import AccessList, Rights
from roster.core.audit import service as audit
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.storage.tx import Tx

_MAX_RECORDS = 1000


async def right(tx: Tx, what: str, object_id: UUID) -> bool | None:
    """What the object's own list says about the actor; None when it has none. Holders of everything need no list."""
    if tx.actor.may("*") or not await _any_lists(tx):
        return None
    found = await _chain(tx, str(object_id))
    return lists.decide(tx.actor, what, str(object_id), found) if found else None


async def class_right(tx: Tx, actor: Actor, what: str, name: str, defaults: Mapping[str, AccessList]) -> bool:
    """What the list of a class says, as stored or, until somebody changes it, by the dialect's defaults."""
    found = {**defaults, **(await _chain(tx, name))}
    return lists.decide(actor, what, name, found)


async def get(tx: Tx, name: str, defaults: Mapping[str, AccessList]) -> AccessList:
    """A list. Raises ListNotFound, Forbidden. Needs everything, or a record that gives `full`."""
    found = {**defaults, **(await _chain(tx, name))}
    if name not in found:
        raise ListNotFound
    _require_full(tx, name, found)
    return found[name]


async def put(
    tx: Tx,
    name: str,
    records: Sequence[Rights],
    *,
    parent: str | None,
    version: int | None,
    defaults: Mapping[str, AccessList],
) -> AccessList:
    """Replace a list. Raises InvalidInput, StaleVersion, Forbidden."""
    found = {**defaults, **(await _chain(tx, name))}
    _require_full(tx, name, found)
    stored = found.get(name)
    if version is not None and stored is not None and version != stored.version:
        raise StaleVersion(stored=stored.version, sent=version)
    _check(records)
    saved = await store.put_list(tx, name, parent, records)
    await store.void_realm_grants(tx)
    await audit.record(tx, "access_list.changed", "access_list", None, {"object": [None, name]})
    return saved


def _check(records: Sequence[Rights]) -> None:
    if len(records) > _MAX_RECORDS:
        raise InvalidInput.of("records", "too_many", f"A list has at most {_MAX_RECORDS} records.")
    for record in records:
        if not record.who or not lists.is_valid_pattern(record.who):
            raise InvalidInput.of("records", "invalid_pattern", "A record names nobody that can be matched.")


def _require_full(tx: Tx, name: str, found: Mapping[str, AccessList]) -> None:
    if not tx.actor.may("*") and not lists.decide(tx.actor, "special", name, found):
        raise Forbidden


async def _any_lists(tx: Tx) -> bool:
    """Whether the realm has any list at all; remembered until the realm's access version changes."""
    remembered = cast("dict[UUID, tuple[int | None, bool]]", tx.runtime.memo.setdefault("listed", {}))
    known = remembered.get(tx.realm_id)
    version = tx.actor.access_version
    if known is None or version is None or known[0] != version:
        known = (version, await store.has_lists(tx))
        remembered[tx.realm_id] = known
    return known[1]


async def _chain(tx: Tx, name: str) -> dict[str, AccessList]:
    """The list and those it inherits from."""
    found: dict[str, AccessList] = {}
    current: str | None = name
    while current and current not in found and len(found) < lists.MAX_PARENTS:
        stored = await store.look_up_list(tx, current)
        if stored is None:
            break
        found[current] = stored
        current = stored.parent
    return found
