"""How the seed of an authenticator is stored: readable again, because codes are computed from it, hence sealed."""

from typing import Final
from uuid import UUID

from roster.kit.secrets import Keyring

_PURPOSE: Final = "totp-seed"


def seal(keyring: Keyring, realm_id: UUID, credential_id: UUID, seed: str) -> bytes:
    """A Base32 seed for the row of this credential, useless in any other."""
    return keyring.seal(_PURPOSE, seed.encode(), realm_id.bytes + credential_id.bytes)


def unseal(keyring: Keyring, realm_id: UUID, credential_id: UUID, sealed: bytes) -> str | None:
    """The seed again; None when the row or the installation's key is another."""
    opened = keyring.open(_PURPOSE, sealed, realm_id.bytes + credential_id.bytes)
    return None if opened is None else opened.decode()
