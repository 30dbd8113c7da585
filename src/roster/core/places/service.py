"""Registering places, and who is in which group of them."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final
from uuid import UUID

from roster.core.audit import service as audit
from roster.core.places import store
from roster.core.places.errors import GroupGivesMore, TooManyMembers
from roster.core.places.fields import FIELDS
from roster.core.places.models import GROUP, KINDS, MAX_MEMBERS, MAX_MEMBERS_IN_ALL, Place, PlaceDraft
from roster.kit import values
from roster.kit.errors import Forbidden, InvalidInput, Problem, require_version
from roster.kit.filters import Filter, Sort
from roster.kit.pages import Page, Slice
from roster.storage import listing
from roster.storage.memory import Memory
from roster.storage.tx import Tx

Groups = Mapping[str, frozenset[str]]
"""Facilities by group; a group that has none, or that nobody has registered, is not among these."""

_LONGEST: Final = 200
_IN_ORDER: Final = (Sort("kind"), Sort("key"))
_CHANGED: Final = "places changed"
_KNOWN: Final = Memory[UUID, tuple[int, Groups]]("groups of places", 500)


async def groups(tx: Tx, version: int | None = None) -> Groups:
    """The facilities of the realm's groups; who asks is not asked for permissions, as this is for evaluating them.

    Remembered under the realm's access version: `version`, or else the one the actor was read with; without either,
    and in a transaction that changes places itself, they are read.
    """
    version = tx.actor.access_version if version is None else version
    if version is None or _CHANGED in tx.memo:
        return await _read(tx)
    known = _KNOWN.recall(tx.runtime, tx.realm_id)
    if known is None or known[0] != version:
        known = _KNOWN.keep(tx.runtime, tx.realm_id, (version, await _read(tx)))
    return known[1]


async def search(tx: Tx, where: Filter | None, sorts: Sequence[Sort], page: Page) -> Slice[Place]:
    """A page of registered places, by kind and key unless sorted otherwise. Needs `places.read`.

    Raises Forbidden, InvalidFilter, InvalidCursor.
    """
    _require(tx, "places.read")
    return await listing.fetch(
        tx,
        store.PLACES,
        Place,
        fields=FIELDS,
        where=where,
        sorts=sorts or _IN_ORDER,
        page=page,
        may_see_private=True,
    )


async def get(tx: Tx, kind: str, key: str) -> Place:
    """One place. Raises PlaceNotFound, Forbidden. Needs `places.read`."""
    _require(tx, "places.read")
    return await store.find(tx, kind, key)


async def put(tx: Tx, kind: str, key: str, draft: PlaceDraft, *, version: int | None = None) -> Place:
    """Register a place, or say anew what it is; saying the same again changes nothing. Needs `places.write`.

    Version 0 is the place that nobody has registered yet. Raises InvalidInput, StaleVersion, Forbidden; of groups also
    TooManyMembers, and GroupGivesMore to whoever lacks what others may do within it.
    """
    _require(tx, "places.write")
    draft = PlaceDraft(draft.name, sorted(set(draft.members)))
    _check(kind, key, draft)
    await store.lock_all(tx)
    before = await store.look_up(tx, kind, key)
    _require_version(before, version)
    if before is not None and (before.name, before.members) == (draft.name, draft.members):
        return before
    members = before.members if before else []
    if draft.members != members:
        await _require_room(tx, key, draft.members)
        await _require_holding(tx, key)
    after = await store.put(tx, kind, key, draft)
    await _changed(tx, "place.changed" if before else "place.created", after, _differences(before, after))
    return after


async def delete(tx: Tx, kind: str, key: str, *, version: int | None = None) -> None:
    """Forget a place; roles and assignments that name it stay as they are. Needs `places.write`.

    Raises PlaceNotFound, StaleVersion, Forbidden; of groups with members also GroupGivesMore.
    """
    _require(tx, "places.write")
    await store.lock_all(tx)
    before = await store.find(tx, kind, key)
    _require_version(before, version)
    if before.members:
        await _require_holding(tx, key)
    await store.delete(tx, kind, key)
    await _changed(tx, "place.deleted", before, _differences(before, None))


async def _read(tx: Tx) -> Groups:
    return {key: frozenset(members) for key, members in await store.groups(tx)}


def _require(tx: Tx, permission: str) -> None:
    if not tx.actor.may(permission):
        raise Forbidden


def _require_version(stored: Place | None, version: int | None) -> None:
    require_version(stored.version if stored else 0, version)


async def _require_room(tx: Tx, key: str, members: Sequence[str]) -> None:
    if members and await store.members_elsewhere(tx, key) + len(members) > MAX_MEMBERS_IN_ALL:
        raise TooManyMembers


async def _require_holding(tx: Tx, key: str) -> None:
    """Who is in a group decides where others may do what their roles say, as giving them these roles would."""
    if tx.actor.may("*"):
        return
    given = await store.permissions_within(tx, key)
    if not all(tx.actor.may(permission) for permission in given):
        raise GroupGivesMore


def _check(kind: str, key: str, draft: PlaceDraft) -> None:
    problems = [Problem("kind", "unknown_kind", f"A place is one of {', '.join(sorted(KINDS))}.")]
    if kind in KINDS:
        problems = [*_key_problems("key", key), *_name_problems(draft.name), *_member_problems(kind, draft.members)]
    if problems:
        raise InvalidInput(problems)


def _key_problems(field: str, key: str) -> list[Problem]:
    if not key or key != key.strip() or not key.isprintable():
        return [Problem(field, "invalid_key", "A key is not empty, and has no control signs nor spaces around it.")]
    return [Problem(field, "too_long", f"Use at most {_LONGEST} characters.")] if len(key) > _LONGEST else []


def _name_problems(name: str) -> list[Problem]:
    if not name.isprintable() or not values.storable(name):
        return [Problem("name", "invalid_name", "A name has no control signs.")]
    return [Problem("name", "too_long", f"Use at most {_LONGEST} characters.")] if len(name) > _LONGEST else []


def _member_problems(kind: str, members: Sequence[str]) -> list[Problem]:
    if members and kind != GROUP:
        return [Problem("members", "not_a_group", "Only groups of facilities have members.")]
    if len(members) > MAX_MEMBERS:
        return [Problem("members", "too_many", f"A group has at most {MAX_MEMBERS} members.")]
    found = (problem for each in members for problem in _key_problems("members", each))
    return list(islice(found, 1))


def _differences(before: Place | None, after: Place | None) -> dict[str, list[object]]:
    """Of members only those who left and those who came."""
    found: dict[str, list[object]] = {}
    if before is None or after is None:
        found = {name: [getattr(before, name, None), getattr(after, name, None)] for name in ("kind", "key")}
    names = [before.name if before else None, after.name if after else None]
    if names[0] != names[1]:
        found["name"] = list(names)
    old, new = set(before.members if before else ()), set(after.members if after else ())
    if old != new:
        found["members"] = [sorted(old - new), sorted(new - old)]
    return found


async def _changed(tx: Tx, action: str, place: Place, changes: Mapping[str, Sequence[object]]) -> None:
    await store.raise_access_version(tx)
    tx.memo[_CHANGED] = True
    await audit.record(tx, action, "place", place.id, changes)
