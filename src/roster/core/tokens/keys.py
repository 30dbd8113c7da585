"""The signing keys of realms: made when first needed, remembered by the process, and replaced on demand."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from joserfc.jwk import ECKey

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.realms import service as realms
from roster.core.realms.models import RealmSettings
from roster.core.tokens import jose, store
from roster.core.tokens.jose import Key
from roster.core.tokens.models import StoredKey
from roster.kit.errors import Internal
from roster.kit.ids import RealmId
from roster.storage.tx import Tx

_KNOWN_REALMS: Final = 10_000
_PURPOSE: Final = "signing-key"


class KeySet(msgspec.Struct, frozen=True):
    """A realm's keys as they were when the realm had this version; replacing them makes the version grow."""

    realm_id: RealmId
    realm_version: int
    keys: dict[str, Key]

    @property
    def signing(self) -> Key | None:
        """The one that signs; a realm that never signed has none."""
        return next((key for key in self.keys.values() if not key.retired), None)


async def signing(tx: Tx) -> Key:
    """The key that signs for the realm acted in."""
    if "signing key" in tx.memo:
        return tx.memo["signing key"]
    realm = await realms.current(tx)
    known = _known(tx).get(realm.slug)
    if known is None or (known.realm_id, known.realm_version) != (realm.id, realm.version) or not known.signing:
        known = await load(tx, realm.slug)
    return (known and known.signing) or await _create(tx)


async def verifying(tx: Tx, slug: str, kid: str) -> Key | None:
    """The realm's key of this name. The store is asked when the process does not know it."""
    known = _known(tx).get(slug)
    if known is None or kid not in known.keys:
        known = await load(tx, slug)
    return known.keys.get(kid) if known else None


async def is_current(tx: Tx, slug: str, kid: str, realm_version: int) -> bool:
    """Whether the key is still one of the realm's, whose version has just been read."""
    known = _known(tx).get(slug)
    if known is None or known.realm_version != realm_version:
        known = await load(tx, slug)
    return known is not None and kid in known.keys


def realm_of(tx: Tx, slug: str) -> RealmId | None:
    """The realm of this slug, when its keys were read; somebody may have given it to another meanwhile."""
    known = _known(tx).get(slug)
    return None if known is None else known.realm_id


async def load(tx: Tx, slug: str) -> KeySet | None:
    """Read a realm's keys and remember them; None when there is no such realm."""
    rows = await store.keys_of(tx, slug)
    if not rows:
        return None
    keep = _still_verifying_since(tx, rows[0])
    keys = [_opened(tx, row) for row in rows if row.retired_at is None or row.retired_at > keep]
    found = KeySet(rows[0].realm_id, rows[0].realm_version, {key.kid: key for key in keys if key is not None})
    known = _known(tx)
    if len(known) >= _KNOWN_REALMS:
        known.clear()
    known[slug] = found
    return found


async def jwks(tx: Tx) -> dict[str, object]:
    """The public keys of the realm acted in, as a JSON Web Key Set (RFC 7517)."""
    await signing(tx)
    if "signing key" in tx.memo:
        return {"keys": [tx.memo["signing key"].public()]}
    known = await load(tx, (await realms.current(tx)).slug)
    return {"keys": [key.public() for key in known.keys.values()] if known else []}


async def replace(tx: Tx, *, at_once: bool = False) -> str:
    """Sign with a new key from now on, whose name is told. Needs `realm.write`.

    What the old key signed stays good until it expires; with `at_once`, for a key that got into wrong hands, all of
    it fails on the next request.
    """
    access.require(tx, "realm.write")
    await (store.delete_keys if at_once else store.retire_keys)(tx)
    key = await _create(tx)
    await audit.record(tx, "realm.key_replaced", "realm", tx.realm_id, {"kid": [None, key.kid]})
    return key.kid


async def _create(tx: Tx) -> Key:
    """Not remembered by the process before the transaction has been committed, but by the transaction itself."""
    material = jose.generate()
    key = Key(material.thumbprint(), jose.ALGORITHM, material, retired=False)
    private = msgspec.json.encode(material.as_dict(private=True))
    sealed = tx.runtime.keyring.seal(_PURPOSE, private, _row(tx.realm_id, key.kid))
    if await store.insert_key(tx, key.kid, algorithm=jose.ALGORITHM, public_jwk=key.public(), sealed=sealed):
        tx.memo["signing key"] = key
        return key
    known = await load(tx, (await realms.current(tx)).slug)
    if known is None or known.signing is None:
        raise Internal
    return known.signing


def _opened(tx: Tx, row: StoredKey) -> Key | None:
    if row.kid is None or row.algorithm is None or row.sealed is None:
        return None
    private = tx.runtime.keyring.open(_PURPOSE, row.sealed, _row(row.realm_id, row.kid))
    if private is None:
        raise Internal("The signing key cannot be opened with this installation's secret key.")
    material = ECKey.import_key(msgspec.json.decode(private, type=dict[str, str | list[str]]))
    return Key(row.kid, row.algorithm, material, retired=row.retired_at is not None)


def _still_verifying_since(tx: Tx, row: StoredKey) -> datetime:
    """A key that retired before has signed nothing that could still be good."""
    settings = msgspec.convert(row.settings, RealmSettings)
    lasting = max(settings.access_token_for, settings.verification_for, settings.recovery_for, settings.mfa_step_for)
    return tx.now - timedelta(seconds=lasting)


def _row(realm_id: RealmId, kid: str) -> bytes:
    return realm_id.bytes + kid.encode()


def _known(tx: Tx) -> dict[str, KeySet]:
    return tx.runtime.memo.setdefault("key sets", {})
