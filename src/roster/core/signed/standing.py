"""Whoever has signed with a remembered key: somebody in order, with what they may do by this key.

What the store says about a key is remembered with it and believed for as long as the store says nothing else, and a
minute at most: then a request costs one statement, the one that writes its nonce.
"""

from datetime import datetime

from roster.core.access import service as access
from roster.core.sessions import activity
from roster.core.signed import checks, store
from roster.core.signed.models import Current, Known, Signed, Standing
from roster.kit import actor as actors
from roster.kit.actor import Origin
from roster.storage.tx import Tx
from roster.storage.voids import Kept


async def of(tx: Tx, known: Known, request: Signed, origin: Origin) -> Standing | None:
    """Who has signed; None when the key is not to be believed any more. Raises WrongPayload, Replayed, StaleClock."""
    checks.check_payload(tx, request)
    mark, until = checks.mark(known.credential_id.bytes, request), checks.mark_until(tx)
    found = _remembered(tx, known)
    if found is not None:
        is_new = await store.spend_nonce(tx, known.realm_id, mark, until)
        checks.check_new(tx, known.key, request, is_new=is_new)
    else:
        found = await _looked_up(tx, known, request, origin, mark=mark, until=until)
    if found is not None:
        _note_use(tx, known, found)
    return found


def _remembered(tx: Tx, known: Known) -> Standing | None:
    kept = known.kept
    if kept is None or tx.now >= kept.value.until or not tx.runtime.voids.hold(kept.marks):
        return None
    return kept.value


async def _looked_up(
    tx: Tx, known: Known, request: Signed, origin: Origin, *, mark: bytes, until: datetime
) -> Standing | None:
    device = () if known.device_id is None else (known.device_id,)
    marks = tx.runtime.voids.marks(known.realm_id, known.user_id, *device)
    found = await store.current(tx, known, mark, until)
    if found is None:
        return None
    checks.check_new(tx, known.key, request, is_new=found.is_new)
    tx.actor = actors.anonymous(found.realm_id, known.realm_slug, origin)
    grants = await access.grants_of(tx, found.user_id, (found.access_version, found.realm_access_version))
    standing = Standing(found, checks.limited(grants, known.permissions), _until(tx, found), found.last_used_at)
    if tx.is_single and (found.realm_id, found.user_id) == (known.realm_id, known.user_id):
        known.kept = Kept(standing, marks)
    return standing


def _until(tx: Tx, found: Current) -> datetime:
    longest = tx.now + activity.PRECISION
    return longest if found.expires_at is None else min(found.expires_at, longest)


def _note_use(tx: Tx, known: Known, standing: Standing) -> None:
    last = standing.last_used_at
    if last is None or tx.now - last >= activity.PRECISION:
        activity.touch_key(tx.runtime, known.realm_id, known.credential_id, last, tx.now)
        standing.last_used_at = tx.now
