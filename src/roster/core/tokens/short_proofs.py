"""The short form of proofs, for front doors whose links may lose letter case: 64 hexadecimal digits.

Half of them name the proof, the other half is a keyed mac over that; so nothing secret is stored for it.
"""

from uuid import UUID

from roster.kit import secrets
from roster.kit.ids import ProofId, RealmId
from roster.kit.secrets import Keyring

_PURPOSE = "short-proof"
_DIGITS = 64


def write(keyring: Keyring, realm_id: RealmId, proof_id: ProofId) -> str:
    """The text of a proof."""
    return (proof_id.bytes + _mac(keyring, realm_id, proof_id.bytes)).hex()


def read(keyring: Keyring, realm_id: RealmId, text: str) -> ProofId | None:
    """The proof that a text names; None when we did not write it."""
    if len(text) != _DIGITS or not text.isascii() or not text.isalnum():
        return None
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None
    named, mac = data[:16], data[16:]
    return ProofId(UUID(bytes=named)) if secrets.same(_mac(keyring, realm_id, named), mac) else None


def _mac(keyring: Keyring, realm_id: RealmId, named: bytes) -> bytes:
    return keyring.mac(_PURPOSE, realm_id.bytes + named)[:16]
