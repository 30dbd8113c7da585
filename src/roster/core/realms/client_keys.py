"""Keys by which programs say which realm they are for before anybody signs in, where an address does not.

They are no secrets, since every program has one, but they cannot be made up: the realm's id stands in them, proved by a
keyed mac. So nothing is stored, and no realm is looked for that the installation did not name itself.
"""

from typing import Final
from uuid import UUID

from roster.kit import secrets
from roster.kit.ids import RealmId
from roster.kit.secrets import Keyring

_PREFIX: Final = "rc_"
_PURPOSE: Final = "client-key"
_MAC: Final = 16
"""Bytes of the mac: more than anybody can try at a server."""
_LENGTH: Final = len(_PREFIX) + 43


def write(keyring: Keyring, realm_id: RealmId) -> str:
    """The realm's key; the same as long as the installation keeps its secret key."""
    return _PREFIX + secrets.encode(realm_id.bytes + keyring.mac(_PURPOSE, realm_id.bytes)[:_MAC])


def read(keyring: Keyring, text: str) -> RealmId | None:
    """The id of the realm that the key names, which may be gone; None when the key is not one of ours."""
    if not text.startswith(_PREFIX) or len(text) != _LENGTH:
        return None
    data = secrets.decode(text.removeprefix(_PREFIX))
    if data is None:
        return None
    named, mac = data[:16], data[16:]
    return RealmId(UUID(bytes=named)) if secrets.same(keyring.mac(_PURPOSE, named)[:_MAC], mac) else None
