"""Realms as this process remembers them: until the database says that something about one has changed.

Who asks for the realm acted in (`current`) knows its version, and a remembered realm of that version is true in any
case. Whoever knows no more than its name or id believes it as everything that is remembered (`storage/voids.py`).
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from roster.core.realms import store
from roster.core.realms.models import Realm
from roster.kit.ids import RealmId
from roster.storage.tx import Tx
from roster.storage.voids import Kept, Marks

_KNOWN_REALMS: Final = 10_000
_LONGEST: Final = timedelta(minutes=1)


class _Read(msgspec.Struct, frozen=True):
    """A realm and until when it is believed at most."""

    realm: Realm
    until: datetime


class _Known(msgspec.Struct):
    """`kept` has marks where it was read so that it may be believed."""

    realms: dict[RealmId, Realm] = {}
    kept: dict[RealmId, Kept[_Read]] = {}
    ids: dict[str, RealmId] = {}


async def current(tx: Tx) -> Realm:
    """The realm acted in.

    The actor was built from a statement that read the realm's version, so a remembered realm of that version is
    still true; without a version (some anonymous callers) it is believed like any other.
    """
    if "realm" in tx.memo:
        return tx.memo["realm"]
    realm = _known(tx).realms.get(tx.realm_id)
    if realm is None or realm.version != tx.actor.realm_version:
        realm = await by_id(tx, tx.realm_id)
    tx.memo["realm"] = realm
    return realm


async def by_slug(tx: Tx, slug: str) -> Realm:
    """The realm of this name, also one that is switched off. Raises RealmNotFound."""
    realm_id = _known(tx).ids.get(slug)
    believed = _believed(tx, realm_id)
    if believed is not None and believed.slug == slug:
        return believed
    marks = _marks(tx, realm_id)
    realm = await store.by_slug(tx, slug)
    return _remembered(tx, realm, marks if realm.id == realm_id else None)


async def by_id(tx: Tx, realm_id: RealmId) -> Realm:
    """The realm, also one that is switched off. Raises RealmNotFound."""
    believed = _believed(tx, realm_id)
    if believed is not None:
        return believed
    marks = _marks(tx, realm_id)
    return _remembered(tx, await store.by_id(tx, realm_id), marks)


def _believed(tx: Tx, realm_id: RealmId | None) -> Realm | None:
    """Not within a transaction, which may have changed the realm."""
    kept = None if realm_id is None else _known(tx).kept.get(realm_id)
    if kept is None or not tx.is_single or tx.now >= kept.value.until or not tx.runtime.voids.hold(kept.marks):
        return None
    return kept.value.realm


def _marks(tx: Tx, realm_id: RealmId | None) -> Marks | None:
    """As they are before reading; None for what is not to be believed."""
    may_be_kept = tx.is_single and not tx.is_copy
    return tx.runtime.voids.marks(realm_id) if realm_id is not None and may_be_kept else None


def _remembered(tx: Tx, realm: Realm, marks: Marks | None) -> Realm:
    """What a transaction has changed is not: when it is rolled back, another change gets the same version."""
    if not tx.is_single and (realm.id, realm.version) != (tx.realm_id, tx.actor.realm_version):
        return realm
    known = _known(tx)
    if len(known.realms) >= _KNOWN_REALMS or len(known.ids) >= _KNOWN_REALMS:
        tx.runtime.memo["realms"] = known = _Known()
    known.realms[realm.id] = realm
    known.ids[realm.slug] = realm.id
    if marks is not None:
        known.kept[realm.id] = Kept(_Read(realm, tx.now + _LONGEST), marks)
    return realm


def _known(tx: Tx) -> _Known:
    return tx.runtime.memo.setdefault("realms", _Known())
