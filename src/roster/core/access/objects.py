"""Permission lists of single objects and of classes, as stored; `lists` has the rule."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from roster.core.access import lists, lists_store, store
from roster.core.access.errors import ListNotFound
from roster.core.access.models import AccessList, ObjectClass, Rights
from roster.core.audit import service as audit
from roster.kit.actor import Actor, Grants
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.ids import UserId
from roster.storage.memory import Memory
from roster.storage.tx import Tx

Lists = Mapping[str, AccessList]

_MAX_RECORDS = 1000
_SIGHT = frozenset({"users.read", "users.read_basic"})
_KNOWN = Memory[object, frozenset[str]]("class grants", 20_000)


async def right(tx: Tx, what: str, object_id: UUID) -> bool | None:
    """What the object's own list says about the actor.

    None when it has no list, or when that leaves the answer to the list of a class: what that one gives is in the
    actor's grants already. Holders of everything need no list.
    """
    if tx.actor.may("*") or not await any_lists(tx):
        return None
    found = await _chain(tx, str(object_id))
    return lists.ask(tx.actor, what, str(object_id), found)


async def with_classes(tx: Tx, actor: Actor, classes: Sequence[ObjectClass]) -> Grants:
    """The actor's grants, and what the lists of these classes add, as stored or by default.

    Only for front doors that have such lists; the answer is remembered until the realm's access version changes.
    Whoever is limited to places does not see people elsewhere because a list shows people to everybody.
    """
    if actor.may("*"):
        return actor.grants
    names = tuple(each.default.object for each in classes)
    key = (actor.realm_id, actor.access_version, actor.person_id, actor.grants.unlimited, names)
    given = _KNOWN.recall(tx.runtime, key)
    if given is None:
        given = await _given(tx, actor, classes)
        if actor.access_version is not None:
            _KNOWN.keep(tx.runtime, key, given)
    if actor.grants.is_limited:
        given -= _SIGHT
    return msgspec.structs.replace(actor.grants, everywhere=actor.grants.everywhere | given)


async def gives_more(tx: Tx, role: str) -> bool:
    """Whether the realm's lists give those who have the role of this name something that they do not give the actor."""
    if tx.actor.may("*") or not await any_lists(tx):
        return False
    return lists.would_add(tx.actor, [role], await lists_store.given_in_lists(tx, [role]))


async def gives_person_more(tx: Tx, user_id: UserId, roles: Sequence[str]) -> bool:
    """Whether the realm's lists give this person, who has these roles, something that they do not give the actor.

    The list of the person's own record does not count: it says what they may do with themselves.
    """
    if tx.actor.may("*") or tx.actor.is_user(user_id) or not await any_lists(tx):
        return False
    names = [str(user_id), *roles]
    return lists.would_add(tx.actor, names, await lists_store.given_in_lists(tx, names, but=str(user_id)))


async def get(tx: Tx, name: str, defaults: Lists) -> AccessList:
    """A list; `defaults` are those that hold until they are stored. Raises ListNotFound, Forbidden.

    Needs everything, or a record that gives `full`.
    """
    found = {**defaults, **(await _chain(tx, name))}
    _require_full(tx, name, found)
    if name not in found:
        raise ListNotFound
    return found[name]


async def put(
    tx: Tx,
    name: str,
    records: Sequence[Rights],
    *,
    parent: str | None,
    version: int | None,
    defaults: Lists,
) -> AccessList:
    """Replace a list. Raises InvalidInput, StaleVersion, Forbidden; needs the same as `get`."""
    found = {**defaults, **(await _chain(tx, name))}
    _require_full(tx, name, found)
    _check(records)
    if parent is not None and parent not in defaults and not await _chain(tx, parent):
        raise InvalidInput.of("parent", "unknown_list", "There is no such list to inherit from.")
    stored = found[name].version if name in found else 0
    saved = None if version not in (None, stored) else await lists_store.put_list(tx, name, parent, records, version)
    if saved is None:
        raise StaleVersion(stored=stored, sent=version or 0)
    await store.void_realm_grants(tx)
    await audit.record(tx, "access_list.changed", "access_list", None, {"object": [None, name]})
    return saved


async def _given(tx: Tx, actor: Actor, classes: Sequence[ObjectClass]) -> frozenset[str]:
    found: dict[str, AccessList] = {each.default.object: each.default for each in classes}
    if await any_lists(tx):
        for each in classes:
            found.update(await _chain(tx, each.default.object))
    return frozenset(
        permission
        for each in classes
        for permission, rights in each.grants.items()
        if all(lists.decide(actor, what, each.default.object, found) for what in rights)
    )


def _check(records: Sequence[Rights]) -> None:
    if len(records) > _MAX_RECORDS:
        raise InvalidInput.of("records", "too_many", f"A list has at most {_MAX_RECORDS} records.")
    for record in records:
        if not record.who or not lists.is_valid_pattern(record.who):
            raise InvalidInput.of("records", "invalid_pattern", "A record names nobody that can be matched.")


def _require_full(tx: Tx, name: str, found: Lists) -> None:
    if not tx.actor.may("*") and not lists.decide(tx.actor, "full", name, found):
        raise Forbidden


async def any_lists(tx: Tx) -> bool:
    """Whether the realm has any list at all; remembered until the realm's access version changes."""
    remembered: dict[UUID, tuple[int | None, bool]] = tx.runtime.memo.setdefault("listed", {})
    known = remembered.get(tx.realm_id)
    version = tx.actor.access_version
    if known is None or version is None or known[0] != version:
        known = (version, await lists_store.has_lists(tx))
        remembered[tx.realm_id] = known
    return known[1]


async def _chain(tx: Tx, name: str) -> dict[str, AccessList]:
    """The list and those it inherits from."""
    found: dict[str, AccessList] = {}
    current: str | None = name
    while current and current not in found and len(found) < lists.MAX_PARENTS:
        stored = await lists_store.look_up_list(tx, current)
        if stored is None:
            break
        found[current] = stored
        current = stored.parent
    return found
