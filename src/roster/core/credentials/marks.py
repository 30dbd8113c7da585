"""How secrets are found again: the text of keys, and the digests, tags and keyed macs stored for them."""

import hashlib
import os
from typing import Final
from uuid import UUID

from roster.kit import secrets
from roster.kit.ids import CredentialId, RealmId, UserId
from roster.kit.secrets import Keyring

_KEY_PREFIX: Final = "rk_"
_KEY_BYTES: Final = 16 + 16 + 32
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_MISREAD: Final = str.maketrans("oil", "011", "- ")


def new_key(realm_id: RealmId, credential_id: CredentialId) -> str:
    """The text of an API key or personal token: where it is stored, and 256 random bits."""
    return _KEY_PREFIX + secrets.encode(realm_id.bytes + credential_id.bytes + os.urandom(32))


def read_key(text: str) -> tuple[RealmId, CredentialId] | None:
    """The realm and the credential that a key names; None for a text that is no key."""
    if not text.startswith(_KEY_PREFIX) or len(text) != len(_KEY_PREFIX) + 86:
        return None
    data = secrets.decode(text[len(_KEY_PREFIX) :])
    if data is None or len(data) != _KEY_BYTES:
        return None
    return RealmId(UUID(bytes=data[:16])), CredentialId(UUID(bytes=data[16:32]))


def tag(keyring: Keyring, user_id: UserId, secret: str) -> bytes:
    """Two bytes that tell which of a person's chosen secrets is meant, so that one hash decides, not one for each."""
    return keyring.mac("secret-tag", user_id.bytes + _bytes(secret))[:2]


def new_code() -> str:
    """A backup code: 50 random bits as two groups of five letters and digits that are hard to misread."""
    number = int.from_bytes(os.urandom(7), "big")
    signs = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(10))
    return f"{signs[:5]}-{signs[5:]}"


def code_mac(keyring: Keyring, user_id: UserId, code: str) -> bytes:
    """The stored form of a backup code; case, spaces, hyphens and the usual misreadings do not matter."""
    return keyring.mac("backup-code", user_id.bytes + _bytes(code.casefold().translate(_MISREAD)))


def external(provider: str, subject: str) -> bytes:
    """By what an external identity is found; the parts cannot run into each other."""
    return hashlib.sha256(_bytes(f"{len(provider)}:{provider}{subject}")).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
