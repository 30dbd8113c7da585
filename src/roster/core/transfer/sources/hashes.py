"""Secrets as other systems export them, in the forms that ours are stored in."""

import base64
from typing import Any, Final

import msgspec

from roster.core.credentials import forms
from roster.kit.errors import Problem

_DIGESTS: Final = {"pbkdf2": "sha1", "pbkdf2-sha1": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_ARGON2_VERSIONS: Final = {"1.0": 16, "1.3": 19}
_BASE32: Final = "BASE32"
_UNSUPPORTED: Final = Problem(
    "password", "unsupported_hash", "The password was left out: its hash is of no known form."
)
UNSUPPORTED_SEED: Final = Problem(
    "totp", "unsupported_totp", "The second factor was left out: only SHA-1, six digits and 30 seconds are supported."
)


class KeycloakCredential(msgspec.Struct, frozen=True, rename="camel"):
    """A credential in either form: parts as members (before version 8), or JSON in two texts."""

    type: str | None = None
    value: str | None = None
    algorithm: str | None = None
    hashed_salted_value: str | None = None
    salt: str | None = None
    hash_iterations: int | None = None
    digits: int | None = None
    period: int | None = None
    secret_data: str | None = None
    credential_data: str | None = None


class _SecretData(msgspec.Struct, frozen=True):
    value: str
    salt: str | None = None


class _CredentialData(msgspec.Struct, frozen=True, rename="camel"):
    algorithm: str | None = None
    hash_iterations: int | None = None
    additional_parameters: dict[str, list[str]] | None = None
    sub_type: str | None = None
    digits: int | None = None
    period: int | None = None
    secret_encoding: str | None = None


class _Stored(msgspec.Struct, frozen=True):
    """Both forms, as one."""

    secret: _SecretData
    data: _CredentialData


def of_keycloak(credentials: list[KeycloakCredential]) -> tuple[dict[str, Any], list[Problem]]:
    """The fields `password`, `password_hash` and `totp` of a person, the first of each kind, and what was left out."""
    found: dict[str, Any] = {}
    notes: list[Problem] = []
    for each in credentials:
        field, value = _one(each)
        if isinstance(value, Problem):
            notes.append(value)
        elif field and field not in found:
            found[field] = value
    return found, notes


def _one(credential: KeycloakCredential) -> tuple[str, str | Problem]:
    if credential.type == "password" and credential.value is not None:
        return "password", credential.value
    if credential.type == "password":
        return "password_hash", _password(credential)
    if credential.type in ("otp", "totp"):
        return "totp", _seed(credential)
    return "", ""


def _password(credential: KeycloakCredential) -> str | Problem:
    try:
        return _hash(_stored(credential)) or _UNSUPPORTED
    except (ValueError, KeyError, IndexError, RecursionError):
        return _UNSUPPORTED


def _seed(credential: KeycloakCredential) -> str | Problem:
    try:
        return _base32(_stored(credential)) or UNSUPPORTED_SEED
    except (ValueError, RecursionError):
        return UNSUPPORTED_SEED


def _stored(credential: KeycloakCredential) -> _Stored:
    if credential.secret_data is not None:
        return _Stored(
            msgspec.json.decode(credential.secret_data, type=_SecretData),
            msgspec.json.decode(credential.credential_data or "{}", type=_CredentialData),
        )
    return _Stored(
        _SecretData(credential.hashed_salted_value or "", credential.salt),
        _CredentialData(
            algorithm=credential.algorithm,
            hash_iterations=credential.hash_iterations,
            sub_type=credential.type,
            digits=credential.digits,
            period=credential.period,
        ),
    )


def _hash(stored: _Stored) -> str | None:
    algorithm = stored.data.algorithm or "pbkdf2"
    if stored.secret.value.startswith("$2"):
        return stored.secret.value
    made, salt = _decoded(stored.secret.value), _decoded(stored.secret.salt or "")
    if algorithm in _DIGESTS:
        return forms.pbkdf2(_DIGESTS[algorithm], salt, made, iterations=stored.data.hash_iterations or 1)
    if algorithm == "argon2":
        return _argon2(stored.data, salt, made)
    return None


def _argon2(data: _CredentialData, salt: bytes, made: bytes) -> str:
    known = data.additional_parameters or {}
    return forms.argon2(
        known["type"][0],
        salt,
        made,
        version=_ARGON2_VERSIONS[known["version"][0]],
        memory=int(known["memory"][0]),
        passes=data.hash_iterations or 1,
        lanes=int(known["parallelism"][0]),
    )


def _base32(stored: _Stored) -> str | None:
    """Keycloak uses the characters of the text as key, unless it says that they are Base32."""
    data = stored.data
    algorithm = data.algorithm or "HmacSHA1"
    if (algorithm, data.digits or 6, data.period or 30, data.sub_type) not in _SEEDS or not stored.secret.value:
        return None
    if data.secret_encoding == _BASE32:
        return stored.secret.value
    return base64.b32encode(stored.secret.value.encode()).rstrip(b"=").decode()


_SEEDS: Final = {("HmacSHA1", 6, 30, "totp"), ("HmacSHA1", 6, 30, None)}


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def checked_seed(text: str) -> str | None:
    """A Base32 seed in its usual spelling; None when it is none, or too short or long to be one."""
    seed = text.replace(" ", "").replace("-", "").upper().rstrip("=")
    try:
        data = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except ValueError:
        return None
    return seed if 10 <= len(data) <= 128 else None
