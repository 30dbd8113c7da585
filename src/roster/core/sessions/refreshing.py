"""The text of refresh tokens: it names session and generation and is proved by a keyed mac, so nothing is stored."""

from typing import Final
from uuid import UUID

import msgspec

from roster.kit import secrets
from roster.kit.ids import RealmId, SessionId
from roster.kit.secrets import Keyring

_PREFIX: Final = "rr_"
_NAMED: Final = 16 + 16 + 4
_SIGNS: Final = 91
_MOST_GENERATIONS: Final = 2**31 - 1


class Presented(msgspec.Struct, frozen=True):
    """What a genuine refresh token says; whether it is still good, the session knows."""

    realm_id: RealmId
    session_id: SessionId
    generation: int


def write(keyring: Keyring, realm_id: RealmId, session_id: SessionId, generation: int) -> str:
    """The refresh token of this generation; the same each time, so that parallel refreshes get the same successor."""
    named = realm_id.bytes + session_id.bytes + generation.to_bytes(4, "big")
    return _PREFIX + secrets.encode(named + keyring.mac("refresh-token", named))


def read(keyring: Keyring, text: str) -> Presented | None:
    """What the token names, or None when it is not one of ours."""
    if not text.startswith(_PREFIX) or len(text) > len(_PREFIX) + _SIGNS:
        return None
    data = secrets.decode(text[len(_PREFIX) :])
    if data is None or len(data) != _NAMED + 32:
        return None
    named, mac = data[:_NAMED], data[_NAMED:]
    if not secrets.same(keyring.mac("refresh-token", named), mac):
        return None
    generation = int.from_bytes(named[32:], "big")
    if generation >= _MOST_GENERATIONS:
        return None
    return Presented(RealmId(UUID(bytes=named[:16])), SessionId(UUID(bytes=named[16:32])), generation)
