"""The text of invitations: it names one, and is proved by a keyed mac over that and the address it went to.

So nothing secret is stored, the invited person can be shown it again, and it ends when the address is theirs no more.
"""

from typing import Final
from uuid import UUID

import msgspec

from roster.kit import secrets
from roster.kit.ids import RealmId
from roster.kit.secrets import Keyring

PREFIX: Final = "ri_"
_PURPOSE: Final = "invitation"
_NAMED: Final = 16 + 16 + 4
_SIGNS: Final = 91


class Presented(msgspec.Struct, frozen=True):
    """What a text says that may be an invitation; nothing of it is proved before `is_genuine`."""

    realm_id: RealmId
    invitation_id: UUID
    generation: int
    mac: bytes


def write(keyring: Keyring, realm_id: RealmId, invitation_id: UUID, generation: int, address: str) -> str:
    """The text for this generation of an invitation to this folded address; the same each time."""
    named = _named(realm_id, invitation_id, generation)
    return PREFIX + secrets.encode(named + keyring.mac(_PURPOSE, named + address.encode()))


def read(text: str) -> Presented | None:
    """What the text names, or None when it cannot be one of ours."""
    if not text.startswith(PREFIX) or len(text) > len(PREFIX) + _SIGNS:
        return None
    data = secrets.decode(text[len(PREFIX) :])
    if data is None or len(data) != _NAMED + 32:
        return None
    generation = int.from_bytes(data[32:_NAMED], "big")
    return Presented(RealmId(UUID(bytes=data[:16])), UUID(bytes=data[16:32]), generation, data[_NAMED:])


def is_genuine(keyring: Keyring, presented: Presented, address: str) -> bool:
    """Whether we wrote this for an invitation to this folded address."""
    named = _named(presented.realm_id, presented.invitation_id, presented.generation)
    return secrets.same(keyring.mac(_PURPOSE, named + address.encode()), presented.mac)


def _named(realm_id: RealmId, invitation_id: UUID, generation: int) -> bytes:
    return realm_id.bytes + invitation_id.bytes + generation.to_bytes(4, "big")
