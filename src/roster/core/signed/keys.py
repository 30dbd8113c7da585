"""Which key must have signed: that of a person, their password, a device, or two of these together."""

from typing import Final

import msgspec

from roster.core.credentials import chosen, signing
from roster.core.credentials.chosen import Purpose
from roster.core.devices import service as devices
from roster.core.devices.models import Proven
from roster.core.limits import service as limits
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.signed import store
from roster.core.signed.identifiers import Named, Part
from roster.core.signed.models import Holder
from roster.kit import actor as actors
from roster.kit import hawk
from roster.kit.actor import Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import RealmId
from roster.kit.secrets import Keyring
from roster.kit.text import fold
from roster.storage.tx import Tx

_KINDS: Final = {"key": "hawk", "usr": "password", "pin": "pin"}


class Signer(msgspec.Struct, frozen=True):
    """Whoever the identifier names, as far as there is such a person or device; without a key nothing is signed."""

    realm_id: RealmId
    holder: Holder | None
    device: Proven | None
    key: bytes | None
    is_guessable: bool
    guessed: str
    """By what guesses are counted: the person's id, or the digest of a name that nobody has."""

    @property
    def mark(self) -> bytes:
        """Tells keys apart where nonces are remembered."""
        parts = [self.holder.credential_id.bytes if self.holder else b"", self.device.id.bytes if self.device else b""]
        return b"".join(parts)


async def find(tx: Tx, named: Named, origin: Origin) -> Signer:
    """Look up whoever is named; `tx` acts in their realm from then on. Raises InvalidToken for a realm that is none."""
    part = named.signer
    try:
        realm = await realms.by_slug(tx, part.realm)
    except RealmNotFound:
        raise InvalidToken from None
    tx.actor = msgspec.structs.replace(actors.anonymous(realm.id, realm.slug, origin), realm_version=realm.version)
    beside = part if part.scheme == "dev" else named.device
    device = await devices.proven(tx, beside.realm, beside.name) if beside else None
    holder = await _holder(tx, part) if part.scheme != "dev" else None
    return Signer(
        realm.id,
        holder,
        device,
        _key(tx.runtime.keyring, named, holder, device),
        part.scheme in ("usr", "pin"),
        str(holder.user_id) if holder else limits.key_of(fold(part.name)),
    )


async def _holder(tx: Tx, part: Part) -> Holder | None:
    return await store.holder(tx, part.realm, part.name, kind=_KINDS[part.scheme], alias=part.alias)


def _key(keyring: Keyring, named: Named, holder: Holder | None, device: Proven | None) -> bytes | None:
    """Of two that sign together the key is the one's MAC under the other, so that neither can be guessed without it."""
    first = _own(keyring, holder) if holder else None
    if named.signer.scheme != "dev" and named.device is None:
        return first
    second = devices.key_of(keyring, device) if device else None
    if named.signer.scheme == "dev":
        return second
    return hawk.joint_key(second, first) if first is not None and second is not None else None


def _own(keyring: Keyring, holder: Holder) -> bytes | None:
    if holder.kind == "hawk":
        return signing.unseal(keyring, holder.realm_id, holder.credential_id, holder.sealed)
    purpose: Purpose = "pin" if holder.kind == "pin" else "password"
    return chosen.unseal(keyring, holder.realm_id, holder.user_id, purpose, holder.sealed)
