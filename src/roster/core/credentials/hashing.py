"""Hashes of the secrets that people choose. Everything here burns CPU: call it through `runtime.workers.run` only.

New hashes are argon2id with the parameters of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
"""

import os
from collections.abc import Sequence
from typing import Final

import msgspec
from argon2 import low_level

from roster.core.credentials import forms

LONGEST: Final = 1024
"""Characters; nothing longer was ever accepted as a secret, so nothing longer is hashed."""

_PREFIX: Final = "$argon2id$v=19$m=19456,t=2,p=1$"
_DUMMY: Final = _PREFIX + "cm9zdGVyLW5vLW9uZS0wMA$Xj1kGzXv1bQ7n0Z8n8QeGQe3c1m2m3N2K0fI6n2f0bA"


class Verdict(msgspec.Struct, frozen=True):
    """Whether a secret fits, and whether its hash should be made anew while the secret is at hand."""

    ok: bool
    needs_rehash: bool


def hash_secret(secret: str) -> str:
    """An argon2id hash in PHC form."""
    made = low_level.hash_secret(
        _bytes(secret),
        os.urandom(16),
        time_cost=2,
        memory_cost=19456,
        parallelism=1,
        hash_len=32,
        type=low_level.Type.ID,
    )
    return made.decode()


def is_supported(encoded: str) -> bool:
    """Whether `verify` can check secrets against this text within bounded time and memory."""
    return forms.read(encoded) is not None


def verify(encoded: str, secret: str) -> Verdict:
    """Check a secret against a hash in any supported form. What cannot be read costs as much as a wrong secret."""
    check = forms.read(encoded) if len(secret) <= LONGEST else None
    if check is None:
        verify_nothing(secret)
        return Verdict(ok=False, needs_rehash=False)
    ok = check(_bytes(secret))
    if not ok and encoded.startswith(forms.FRUSTER):
        verify_nothing(secret)
    return Verdict(ok=ok, needs_rehash=ok and not encoded.startswith(_PREFIX))


def verify_nothing(secret: str) -> None:
    """Take the time of a check for somebody who has no hash."""
    check = forms.read(_DUMMY)
    if check is not None:
        check(_bytes(secret[:LONGEST]))


def verify_any(encoded: Sequence[str], secret: str) -> tuple[int, Verdict]:
    """The place of the first hash that fits, -1 for none, with its verdict. At least one check is always made."""
    for place, each in enumerate(encoded):
        verdict = verify(each, secret)
        if verdict.ok:
            return place, verdict
    if not encoded:
        verify_nothing(secret)
    return -1, Verdict(ok=False, needs_rehash=False)


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
