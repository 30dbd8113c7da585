"""Passwords and PINs as keys: what clients that sign their requests (Hawk) make of them, stored sealed.

The client derives a key from what the person types; the server must be able to read that key to check signatures, so it
is sealed and not hashed, in the row of the password or PIN and bound to the person. `DERIVATIONS` names the ways of
deriving that are known; a realm settles on one, and only then the same password works typed and derived.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, Literal
from uuid import UUID

import msgspec

from roster.core.credentials import forms, hashing
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.kit.secrets import Keyring

Purpose = Literal["password", "pin"]
Derivation = Callable[[Purpose, str, str, str], bytes]
"""Purpose, secret, username and realm's slug to the key; burns CPU."""

_ROUNDS: Final = 210_000
_KEY_BYTES: Final = 32
_LONGEST_KEY: Final = 256


class ChosenKey(msgspec.Struct, frozen=True):
    """The key of a password or PIN, and how it came about; `derivation` is empty when only the client knows."""

    key: bytes
    derivation: str = ""
    username: str = ""
    realm_slug: str = ""

    def facts(self) -> dict[str, object]:
        """What is stored beside the sealed key, in plain."""
        return {"derivation": self.derivation, "username": self.username, "realm": self.realm_slug}


NONE: Final = -1
"""The version of a password that is not there."""


class Prepared(msgspec.Struct, frozen=True):
    """A password or PIN in the forms in which it is stored: a hash of what is typed, and the key that clients make.

    With `over` it takes the place of the one of this version only (`NONE` of none), as there was when its owner was
    asked for.
    """

    hash: str | None
    key: ChosenKey | None = None
    over: int | None = None


def roster_kdf_1(purpose: Purpose, secret: str, username: str, realm_slug: str) -> bytes:
    """PBKDF2-HMAC-SHA-256 over the NFC form, salted with purpose, username and realm."""
    return hashlib.pbkdf2_hmac("sha256", _typed(secret), _salt(purpose, username, realm_slug), _ROUNDS, _KEY_BYTES)


DERIVATIONS: Final[Mapping[str, Derivation]] = {"roster-kdf-1": roster_kdf_1}


def derive(name: str, purpose: Purpose, secret: str, username: str, realm_slug: str) -> ChosenKey:
    """The key of a secret in one of DERIVATIONS. Burns CPU: call it through `runtime.workers.run` only."""
    return ChosenKey(DERIVATIONS[name](purpose, secret, username, realm_slug), name, username, realm_slug)


def prepare(purpose: Purpose, secret: str, name: str, username: str, realm_slug: str) -> Prepared:
    """Both forms; without a name among DERIVATIONS the hash alone. Burns CPU, as `derive` does."""
    key = derive(name, purpose, secret, username, realm_slug) if name in DERIVATIONS else None
    return Prepared(hashing.hash_secret(secret), key)


def stored_key(key: bytes, facts: Mapping[str, object], derivation: str) -> ChosenKey:
    """A key with its stored facts; one that a client brought is taken to be derived as the realm says."""
    texts = [str(facts.get(name) or "") for name in ("derivation", "username", "realm")]
    return ChosenKey(key, texts[0] or derivation, texts[1], texts[2])


def check_key(key: bytes, field: str) -> None:
    """Raise InvalidInput for a key that a client made of a secret and that cannot be one."""
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise InvalidInput.of(field, "wrong_length", f"A key has 1 to {_LONGEST_KEY} bytes.")


def as_hash(purpose: Purpose, made: ChosenKey) -> str | None:
    """The key as a hash to verify a typed secret against; None when nobody knows how it was derived."""
    if made.derivation != "roster-kdf-1":
        return None
    salt = base64.b64encode(_salt(purpose, made.username, made.realm_slug)).decode()
    return f"{forms.KDF_1}{salt}${base64.b64encode(made.key).decode()}"


def seal(keyring: Keyring, realm_id: UUID, user_id: UserId, purpose: Purpose, made: ChosenKey) -> bytes:
    """The key for this person's row, useless in any other."""
    return keyring.seal(f"{purpose}-key", made.key, realm_id.bytes + user_id.bytes)


def unseal(keyring: Keyring, realm_id: UUID, user_id: UserId, purpose: Purpose, sealed: bytes) -> bytes | None:
    """The key again; None when the row or the installation's key is another."""
    return keyring.open(f"{purpose}-key", sealed, realm_id.bytes + user_id.bytes)


def _salt(purpose: Purpose, username: str, realm_slug: str) -> bytes:
    return f"roster-kdf-1:{purpose}:{username}@{realm_slug}".encode("utf-8", "surrogatepass")


def _typed(secret: str) -> bytes:
    return unicodedata.normalize("NFC", secret).encode("utf-8", "surrogatepass")
