"""Signing and reading JSON Web Tokens (RFC 7515, 7519) in the one form we make; pure, no I/O.

Only the compact serialisation, only header members we write ourselves, and the algorithm is the key's, never the
token's choice. Lengths are checked before anything is parsed.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeVar, cast

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from roster.kit import secrets

LONGEST: Final = 8192
"""Characters of a token; more is refused unread."""
ALGORITHM: Final = "ES256"
"""Of all our keys: ECDSA on P-256 with SHA-256 (RFC 7518, 3.4)."""

_OF_DIGEST: Final = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
_HALF: Final = 32
"""Bytes of each of the two numbers that make a signature."""

C = TypeVar("C", bound=msgspec.Struct)


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that the header of one of our tokens says."""

    alg: str
    kid: str
    typ: str


class Key(msgspec.Struct, frozen=True):
    """A key of a realm; `retired` ones verify only."""

    kid: str
    algorithm: str
    material: ECKey
    retired: bool

    def public(self) -> dict[str, object]:
        """The public part as a JSON Web Key (RFC 7517)."""
        return {**self.material.as_dict(private=False), "kid": self.kid, "alg": self.algorithm, "use": "sig"}


def generate() -> ECKey:
    """A new private key for ES256 (RFC 7518, 3.4)."""
    return ECKey.generate_key("P-256")


def sign(key: Key, typ: str, claims: Mapping[str, object]) -> str:
    """A token in compact form.

    Put together here, because every sign-in and refresh waits for it: libraries that know all forms look around for
    longer than the signature takes, most of all while caches are full of password hashes.
    """
    signed = f"{_header(key.algorithm, key.kid, typ)}.{secrets.encode(msgspec.json.encode(claims))}"
    private = cast("ec.EllipticCurvePrivateKey", key.material.private_key)
    made = private.sign(hashlib.sha256(signed.encode()).digest(), _OF_DIGEST)
    halves = [number.to_bytes(_HALF, "big") for number in utils.decode_dss_signature(made)]
    return f"{signed}.{secrets.encode(b''.join(halves))}"


@lru_cache(1 << 10)
def _header(algorithm: str, kid: str, typ: str) -> str:
    return secrets.encode(msgspec.json.encode(Header(algorithm, kid, typ)))


def header_of(text: str) -> Header | None:
    """The header of a text that looks like one of our tokens, before anything is verified."""
    if len(text) > LONGEST or text.count(".") != 2:
        return None
    parts = [secrets.decode(part) for part in text.split(".")]
    if not all(parts) or parts[0] is None:
        return None
    try:
        return msgspec.json.decode(parts[0], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def verified(text: str, key: Key, claims: type[C]) -> C | None:
    """The claims of a text whose signature fits the key; None when it does not, or when they are not of this shape."""
    try:
        found = jws.deserialize_compact(text, key.material, algorithms=[key.algorithm])
        return msgspec.json.decode(found.payload, type=claims)
    except (JoseError, msgspec.DecodeError, ValueError):
        return None
