"""Random tokens, comparison in constant time, digests and sealing."""

import base64
import hashlib
import hmac
import os
import secrets
from string import ascii_letters, digits

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_TYPED = "".join(sorted({*ascii_letters, *digits} - set("0O1lI")))
"""57 signs; 24 of them are 139 bits."""


class Keyring:
    """Keys derived from the one secret key of an installation, a separate one for each use (RFC 5869, HKDF-expand)."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._derived: dict[str, bytes] = {}
        self._begun: dict[str, hmac.HMAC] = {}

    def key(self, purpose: str) -> bytes:
        """32 bytes that only this purpose uses."""
        if purpose not in self._derived:
            self._derived[purpose] = hmac.digest(self._root, purpose.encode() + b"\x01", "sha256")
        return self._derived[purpose]

    def fingerprint(self) -> str:
        """Tells two installations' keys apart without telling anything about them."""
        return self.mac("fingerprint", b"").hex()[:16]

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 of the data under this purpose's key.

        Goes on from a copy of one that was begun with the key: beginning takes twice as long as all the rest.
        """
        if purpose not in self._begun:
            self._begun[purpose] = hmac.new(self.key(purpose), digestmod="sha256")
        made = self._begun[purpose].copy()
        made.update(data)
        return made.digest()

    def seal(self, purpose: str, data: bytes, bound_to: bytes) -> bytes:
        """Encrypt (AES-256-GCM), bound to the row it is stored in so that it opens nowhere else."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.key(purpose)).encrypt(nonce, data, bound_to)

    def open(self, purpose: str, sealed: bytes, bound_to: bytes) -> bytes | None:
        """Decrypt what `seal` made; None when the key, the row or the bytes differ."""
        try:
            return AESGCM(self.key(purpose)).decrypt(sealed[:12], sealed[12:], bound_to)
        except InvalidTag:
            return None


def warm_up() -> None:
    """Seal and sign something: OpenSSL sets itself up with its first use, all over the memory that a fork shares."""
    Keyring(b"").seal("warm_up", b"", b"")
    key, way = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    key.public_key().verify(key.sign(b"", way), b"", way)


def token(size: int = 32) -> str:
    """A random secret of `size` bytes as URL-safe text."""
    return encode(os.urandom(size))


def password(length: int = 24) -> str:
    """A password that nobody chose, to be shown and typed: no signs that look alike, and none that begin an option."""
    return "".join(secrets.choice(_TYPED) for _ in range(length))


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """Bytes of canonical base64url without padding; None for anything else, also for non-canonical spellings."""
    try:
        data = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4),
            altchars=b"-_",
            validate=True,
        )
    except ValueError:
        return None
    return data if encode(data) == text else None


def digest(secret: str) -> bytes:
    """SHA-256 of a machine-made secret, the form in which it is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare without telling by time where they differ."""
    return hmac.compare_digest(left, right)
