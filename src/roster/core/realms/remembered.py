"""The realm acted in, remembered under its version."""

from roster.core.realms import store
from roster.core.realms.models import Realm
from roster.kit.ids import RealmId
from roster.storage.tx import Tx

_KNOWN_REALMS = 10_000


async def current(tx: Tx) -> Realm:
    """The realm acted in.

    The actor was built from a statement that read the realm's version, so a remembered realm of that version is
    still true; without a version (anonymous callers) it is read once per unit of work.
    """
    if "realm" in tx.memo:
        return tx.memo["realm"]
    known: dict[RealmId, Realm] = tx.runtime.memo.setdefault("realms", {})  # type: ignore[assignment]
    realm = known.get(tx.realm_id)
    if realm is None or realm.version != tx.actor.realm_version:
        realm = await store.by_id(tx, tx.realm_id)
        if len(known) >= _KNOWN_REALMS:
            known.clear()
        known[realm.id] = realm
    tx.memo["realm"] = realm
    return realm
