"""The forms of hashes that can be verified: our own and those other systems left behind.

All are text. argon2 (RFC 9106) and scrypt (RFC 7914) in PHC form, bcrypt in its modular crypt form, PBKDF2 (RFC 8018)
as `$pbkdf2-sha256$i=27500,l=64$salt$hash` with sha1, sha256 or sha512 and unpadded standard Base64. Those of the
Fruster platform as `$fruster-sha512$p=sha512$id$salt$hash`, where the hash is as it stands there.
Costs are bounded, because an imported hash says itself how much work it wants: none may take longer than a few
seconds or more than 256 MiB.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from typing import Final

import bcrypt
from argon2 import low_level
from argon2.exceptions import InvalidHashError, VerificationError

Check = Callable[[bytes], bool]
"""Whether a secret belongs to the hash; burns CPU."""

KDF_1: Final = "$roster-kdf-1$"
"""Begins the form of a derived key, which is never stored as text."""
_KDF_1_ROUNDS: Final = 210_000
_LONGEST_TEXT: Final = 1024
_HEX: Final = re.compile(r"[0-9a-f]+")
_MIB: Final = 1024 * 1024
_ARGON2: Final = re.compile(
    r"\$argon2(?P<type>id|i|d)(?:\$v=(?:16|19))?\$m=(?P<m>\d{1,7}),t=(?P<t>\d{1,4}),p=(?P<p>\d{1,2})"
    r"\$[A-Za-z0-9+/]{11,128}\$[A-Za-z0-9+/]{16,128}"
)
_ARGON2_TYPES: Final = {"id": low_level.Type.ID, "i": low_level.Type.I, "d": low_level.Type.D}
_MOST_KIB: Final = 262_144
_MOST_KIB_PASSES: Final = 1_048_576
_BCRYPT: Final = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_BCRYPT_BYTES: Final = 72
_PBKDF2: Final = re.compile(
    r"\$pbkdf2-(?P<digest>sha1|sha256|sha512)\$i=(?P<i>\d{1,8}),l=(?P<l>\d{1,3})"
    r"\$(?P<salt>[A-Za-z0-9+/]*)\$(?P<hash>[A-Za-z0-9+/]+)"
)
_MOST_BLOCKS: Final = {"sha1": 6_000_000, "sha256": 4_000_000, "sha512": 2_500_000}
FRUSTER: Final = "$fruster-"
"""Begins the form of hashes of the Fruster platform, which are quick: whoever guesses must be slowed down besides."""
_PBKDF2_NAME: Final = "pbkdf2"
_FRUSTER_ROUNDS: Final = 1000
_FRUSTER_BYTES: Final = 96
_FRUSTER_SIGNS: Final = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_FRUSTER: Final = re.compile(
    r"\$fruster-(?P<digest>md5|sha1|sha224|sha256|sha384|sha512|pbkdf2)\$p=(?P<pepper>sha256|sha512)"
    r"\$(?P<id>[A-Za-z0-9+/]{1,200})\$(?P<salt>[A-Za-z0-9+/]*)\$(?P<hash>[A-Za-z0-9+/=]{32,128})"
)
_SCRYPT: Final = re.compile(
    r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,2}),p=(?P<p>\d{1,2})"
    r"\$(?P<salt>[A-Za-z0-9+/]*)\$(?P<hash>[A-Za-z0-9+/]+)"
)


def read(encoded: str) -> Check | None:
    """The check that a text asks for; None when it is in no known form or asks for too much."""
    if len(encoded) > _LONGEST_TEXT:
        return None
    for prefix, reader in _READERS.items():
        if encoded.startswith(prefix):
            return reader(encoded)
    return None


def pbkdf2(digest: str, salt: bytes, made: bytes, *, iterations: int) -> str:
    """The text for a PBKDF2 hash in parts; `digest` is sha1, sha256 or sha512."""
    return f"$pbkdf2-{digest}$i={iterations},l={len(made)}${_encode(salt)}${_encode(made)}"


def scrypt(salt: bytes, made: bytes, *, log_n: int, r: int, p: int) -> str:
    """The text for an scrypt hash in parts; the cost N is 2 to the power of `log_n`."""
    return f"$scrypt$ln={log_n},r={r},p={p}${_encode(salt)}${_encode(made)}"


def argon2(variant: str, salt: bytes, made: bytes, *, version: int, memory: int, passes: int, lanes: int) -> str:
    """The text for an argon2 hash in parts; `variant` is id, i or d, `version` 16 or 19, `memory` in KiB."""
    return f"$argon2{variant}$v={version}$m={memory},t={passes},p={lanes}${_encode(salt)}${_encode(made)}"


def fruster(user_id: str, salt: str, made: str, *, is_old: bool) -> str | None:
    """The text for a hash of the Fruster platform, as it is stored there; None when it is none.

    It is over the person's id too. `is_old` are those from before 26 June 2017, or of unknown age.
    """
    algorithm = _FRUSTER_SIGNS.get(len(made)) if _HEX.fullmatch(made) else _PBKDF2_NAME
    pepper = "sha256" if is_old else "sha512"
    text = f"{FRUSTER}{algorithm}$p={pepper}${_encode(user_id.encode())}${_encode(salt.encode())}${made}"
    return text if len(text) <= _LONGEST_TEXT and _FRUSTER.fullmatch(text) else None


def _read_argon2(encoded: str) -> Check | None:
    found = _ARGON2.fullmatch(encoded)
    if found is None:
        return None
    memory, passes, lanes = int(found["m"]), int(found["t"]), int(found["p"])
    if memory > _MOST_KIB or memory * passes > _MOST_KIB_PASSES or lanes > 16:
        return None
    variant = _ARGON2_TYPES[found["type"]]

    def check(secret: bytes) -> bool:
        try:
            return low_level.verify_secret(encoded.encode(), secret, variant)
        except (VerificationError, InvalidHashError):
            return False

    return check


def _read_bcrypt(encoded: str) -> Check | None:
    found = _BCRYPT.fullmatch(encoded)
    if found is None or not 4 <= int(found["cost"]) <= 14:
        return None

    def check(secret: bytes) -> bool:
        # The systems that made these hashes looked at 72 bytes only; the hash made anew covers the whole secret.
        try:
            return bcrypt.checkpw(secret[:_BCRYPT_BYTES], encoded.encode())
        except ValueError:
            return False

    return check


def _read_pbkdf2(encoded: str) -> Check | None:
    found = _PBKDF2.fullmatch(encoded)
    if found is None:
        return None
    salt, made = _decode(found["salt"]), _decode(found["hash"])
    digest, iterations, length = found["digest"], int(found["i"]), int(found["l"])
    if salt is None or made is None or len(made) != length or not 16 <= length <= 128:
        return None
    blocks = -(-length // hashlib.new(digest, usedforsecurity=False).digest_size)
    if not 1 <= iterations * blocks <= _MOST_BLOCKS[digest]:
        return None
    return lambda secret: hmac.compare_digest(hashlib.pbkdf2_hmac(digest, secret, salt, iterations, length), made)


def _read_scrypt(encoded: str) -> Check | None:
    found = _SCRYPT.fullmatch(encoded)
    if found is None:
        return None
    salt, made = _decode(found["salt"]), _decode(found["hash"])
    log_n, r, p = int(found["ln"]), int(found["r"]), int(found["p"])
    if salt is None or made is None or not 16 <= len(made) <= 128 or not 1 <= log_n <= 20 or not r or not p:
        return None
    memory = 128 * r << log_n
    if memory > 128 * _MIB or memory * p > 512 * _MIB:
        return None

    def check(secret: bytes) -> bool:
        again = hashlib.scrypt(secret, salt=salt, n=1 << log_n, r=r, p=p, maxmem=160 * _MIB, dklen=len(made))
        return hmac.compare_digest(again, made)

    return check


def _read_kdf_1(encoded: str) -> Check | None:
    """The keys that clients make of passwords (`chosen`): PBKDF2 over the NFC form, always at the same cost."""
    salt, _, made = (_decode(part) for part in encoded[len(KDF_1) :].partition("$"))
    if not salt or made is None:
        return None

    def check(secret: bytes) -> bool:
        typed = unicodedata.normalize("NFC", secret.decode("utf-8", "surrogatepass"))
        again = hashlib.pbkdf2_hmac("sha256", typed.encode("utf-8", "surrogatepass"), salt, _KDF_1_ROUNDS, 32)
        return hmac.compare_digest(again, made)

    return check


def _read_fruster(encoded: str) -> Check | None:
    found = _FRUSTER.fullmatch(encoded)
    if found is None:
        return None
    user_id, salt = _decode(found["id"]), _decode(found["salt"])
    if user_id is None or salt is None:
        return None
    made, algorithm, pepper_by = found["hash"].encode(), found["digest"], found["pepper"]

    def check(secret: bytes) -> bool:
        pepper = _keyed(pepper_by, user_id + secret)
        inner = _keyed("sha512", secret + pepper)
        if algorithm == _PBKDF2_NAME:
            again = base64.b64encode(hashlib.pbkdf2_hmac("sha512", inner, salt, _FRUSTER_ROUNDS, _FRUSTER_BYTES))
        else:
            again = _keyed(algorithm, salt + inner)
        return hmac.compare_digest(again, made)

    return check


def _keyed(digest: str, key: bytes) -> bytes:
    """What the Fruster platform calls a hash: the hexadecimal mac of nothing under what is to be hashed."""
    return hmac.digest(key, b"", digest).hex().encode()


_READERS: Final[dict[str, Callable[[str], Check | None]]] = {
    "$argon2": _read_argon2,
    "$2": _read_bcrypt,
    "$pbkdf2-": _read_pbkdf2,
    "$scrypt$": _read_scrypt,
    KDF_1: _read_kdf_1,
    FRUSTER: _read_fruster,
}


def _encode(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None
