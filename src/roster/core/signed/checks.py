"""The checks that all signed requests have in common, once the MAC was found to be good."""

import hashlib
from datetime import datetime, timedelta

from roster.core.signed.errors import Replayed, StaleClock, WrongPayload
from roster.core.signed.models import Signed
from roster.kit import hawk
from roster.kit.actor import Grants
from roster.storage.tx import Tx


def check_payload(tx: Tx, request: Signed) -> None:
    """Raise WrongPayload for a body that is not the signed one, or is not signed where the installation asks for it."""
    header = request.header
    if header.hash is None:
        if request.body and tx.runtime.settings.security.require_payload_hash:
            raise WrongPayload
    elif not hawk.fits_payload(header, request.content_type, request.body):
        raise WrongPayload


def check_new(tx: Tx, key: bytes, request: Signed, *, is_new: bool) -> None:
    """Raise Replayed for what was seen before, StaleClock for what was signed too long ago, or is yet to be."""
    if not is_new:
        raise Replayed
    now, tolerance = tx.now.timestamp(), tx.runtime.settings.security.clock_tolerance_seconds
    if not hawk.is_fresh(request.header, now, tolerance):
        raise StaleClock(hawk.challenge(key, int(now)))


def mark(whose: bytes, request: Signed) -> bytes:
    """What is kept of a nonce: by the key, not by the identifier, for one key has several and the MAC covers none."""
    text = f"{request.header.ts}\n{request.header.nonce}"
    return hashlib.sha256(whose + text.encode("utf-8", "surrogatepass")).digest()[:16]


def mark_until(tx: Tx) -> datetime:
    """How long a nonce is kept: beyond that the clock refuses it."""
    return tx.now + timedelta(seconds=2 * tx.runtime.settings.security.clock_tolerance_seconds)


def limited(grants: Grants, permissions: frozenset[str] | None) -> Grants:
    """What a key may do that was limited when it was made: of this, what its owner may do everywhere."""
    if permissions is None or "*" in permissions:
        return grants
    return Grants(permissions if grants.allows("*") else grants.everywhere & permissions)
