"""Tokens as the platform's authentication service makes them (notes, section 12): HS256 over `exp`, `salt` and `id`.

Here the salt begins with the id of the session, so that a token says which one it belongs to; the rest is random. That
session's row decides whether a token is good. Pure, no I/O.
"""

import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping
from string import ascii_lowercase, digits
from typing import Final
from uuid import UUID

import msgspec

from roster.kit import secrets
from roster.kit.ids import SessionId, UserId

LONGEST: Final = 8192
"""Characters; more is refused unread."""
_HEADER: Final = secrets.encode(b'{"typ":"JWT","alg":"HS256"}')
_SIGNS: Final = digits + ascii_lowercase
_NAMED: Final = 25
"""Digits of base 36 that hold any 128 bits."""
_RANDOM: Final = 25
_OWN: Final = frozenset({"exp", "salt", "id"})


class Claims(msgspec.Struct, frozen=True):
    """What a token says. `written_exp` is `exp` letter by letter, `extra` what a service has added."""

    exp: float
    salt: str
    id: UUID
    written_exp: str
    extra: Mapping[str, object]

    @property
    def session_id(self) -> SessionId | None:
        """The session that the salt names; None for a token that was not made here."""
        named = self.salt[:_NAMED]
        if len(self.salt) != _NAMED + _RANDOM or not named.isascii() or not named.isalnum() or named != named.lower():
            return None
        number = int(named, 36)
        return SessionId(UUID(int=number)) if number < 1 << 128 else None

    def original_session(self) -> str:
        """By what the platform's own service knew the session of this token: 128 hexadecimal digits."""
        key = f"{self.written_exp} {self.id}{self.salt}".encode()
        return hmac.digest(key, b"", "sha512").hex()


class _Read(msgspec.Struct, frozen=True):
    exp: msgspec.Raw
    salt: str
    id: UUID


def write(key: bytes, session_id: SessionId, user_id: UserId, exp: float, extra: Mapping[str, object]) -> str:
    """A token for a session; what is added never replaces what is the token's own."""
    added = {name: value for name, value in extra.items() if name not in _OWN}
    claims = {"exp": exp, "salt": _salt(session_id), "id": str(user_id), **added}
    signed = f"{_HEADER}.{secrets.encode(msgspec.json.encode(claims))}"
    return f"{signed}.{secrets.encode(_mac(key, signed))}"


def is_ours(text: str) -> bool:
    """Whether a text looks like such a token, before anything is verified."""
    return text.startswith(_HEADER + ".") and len(text) <= LONGEST and text.isascii() and text.count(".") == 2


def is_signed(text: str, key: bytes) -> bool:
    """Whether the signature of a text that looks like a token was made with this key."""
    signed, _, mac = text.rpartition(".")
    return secrets.same(secrets.encode(_mac(key, signed)).encode(), mac.encode())


def claims_of(text: str) -> Claims | None:
    """What a token says whose signature is good; None when it is not what a token says."""
    payload = secrets.decode(text.split(".")[1])
    try:
        found = msgspec.json.decode(payload or b"", type=_Read)
        whole = msgspec.json.decode(payload or b"", type=dict[str, object])
        written = bytes(found.exp).decode()
        exp = msgspec.json.decode(found.exp, type=float)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    extra = {name: value for name, value in whole.items() if name not in _OWN}
    return Claims(exp, found.salt, found.id, written, extra)


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode(), hashlib.sha256)


def _salt(session_id: SessionId) -> str:
    number, named = session_id.int, ""
    for _ in range(_NAMED):
        number, digit = divmod(number, 36)
        named = _SIGNS[digit] + named
    return named + "".join(randomness.choice(_SIGNS) for _ in range(_RANDOM))
