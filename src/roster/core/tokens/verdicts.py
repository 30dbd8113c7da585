"""Verdicts about signatures of access tokens, which never change: remembered by the token's digest, never its text."""

import hashlib
from collections import OrderedDict
from typing import Final, cast

import msgspec

from roster.core.tokens.models import AccessClaims
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_REMEMBERED: Final = 10_000


class Verdict(msgspec.Struct, frozen=True):
    """What a token with a good signature says, and the name of the key that made it."""

    kid: str
    claims: AccessClaims


def recall(tx: Tx, text: str) -> Verdict | None:
    """What is known about this token; within one unit of work it is looked up once."""
    last = tx.memo.get("verdict")
    if last is not None and last[0] is text:
        return last[1]
    remembered, digest = _remembered(tx.runtime), _digest(text)
    verdict = remembered.get(digest)
    if verdict is not None:
        remembered.move_to_end(digest)
        tx.memo["verdict"] = (text, verdict)
    return verdict


def remember(tx: Tx, text: str, verdict: Verdict) -> None:
    """Note a verdict; the one that was longest of no use makes room."""
    remembered = _remembered(tx.runtime)
    remembered[_digest(text)] = verdict
    if len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _remembered(runtime: Runtime) -> OrderedDict[bytes, Verdict]:
    known = runtime.memo.get("signatures")
    if known is None:
        known = runtime.memo["signatures"] = OrderedDict[bytes, Verdict]()
    return cast("OrderedDict[bytes, Verdict]", known)
