"""Verdicts about signatures of access tokens, which never change: remembered by the token's digest, never its text.

With each goes who it was found to be for, believed as long as the store says nothing else.
"""

from hashlib import sha256
from typing import Final

import msgspec

from roster.core.tokens.models import AccessClaims, Standing
from roster.storage.memory import Memory
from roster.storage.tx import Tx
from roster.storage.voids import Kept


class Verdict(msgspec.Struct):
    """What a token with a good signature says, the name of the key that made it, and who was found to present it."""

    kid: str
    claims: AccessClaims
    kept: Kept[Standing] | None = None


_KNOWN: Final = Memory[bytes, Verdict]("signatures", 10_000)


def recall(tx: Tx, text: str) -> Verdict | None:
    """What is known about this token."""
    return _KNOWN.recall(tx.runtime, _digest(text))


def remember(tx: Tx, text: str, verdict: Verdict) -> None:
    """Note a verdict."""
    _KNOWN.keep(tx.runtime, _digest(text), verdict)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
