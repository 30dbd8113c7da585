"""Whoever presents an access token: a live session of somebody in order, with what they may do.

A worker remembers it beside the token's verdict and believes it for as long as the store says nothing else, and a
minute at most. What ends by the clock is compared with the clock each time. Numbered tokens end with the refresh after
next, which is no change that the store speaks of: for them it is asked each time.
"""

from typing import Final
from uuid import UUID

from roster.core.access import service as access
from roster.core.sessions import activity
from roster.core.sessions import service as sessions
from roster.core.tokens import keys, store
from roster.core.tokens.models import Principal, Standing
from roster.core.tokens.verdicts import Verdict
from roster.kit import actor as actors
from roster.kit.actor import Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import SessionId, UserId
from roster.storage.tx import Tx
from roster.storage.voids import Kept

_LONGEST: Final = activity.PRECISION


async def of(tx: Tx, slug: str, verdict: Verdict, origin: Origin) -> Standing:
    """Who presents the token of this verdict. Raises InvalidToken when anything about them is not in order."""
    standing = _remembered(tx, verdict) or await _looked_up(tx, slug, verdict, origin)
    _note_use(tx, standing, verdict.claims.sid)
    return standing


async def of_session(tx: Tx, slug: str, session_id: UUID, user_id: UUID, origin: Origin) -> Standing:
    """Whoever this session belongs to, asked of the store. Raises InvalidToken."""
    found = await store.session_principal(tx, slug, session_id, user_id)
    if found is None:
        raise InvalidToken
    standing = await _granted(tx, slug, found, UserId(user_id), origin)
    _note_use(tx, standing, session_id)
    return standing


def _remembered(tx: Tx, verdict: Verdict) -> Standing | None:
    kept = verdict.kept
    if kept is None or tx.now >= kept.value.until or not tx.runtime.voids.hold(kept.marks):
        return None
    return kept.value


async def _looked_up(tx: Tx, slug: str, verdict: Verdict, origin: Origin) -> Standing:
    claims = verdict.claims
    realm_id, user_id = keys.realm_of(tx, slug), UserId(claims.sub)
    marks = tx.runtime.voids.marks(realm_id, user_id) if realm_id and tx.is_single else None
    found = await store.session_principal(tx, slug, claims.sid, user_id)
    if found is None or not await keys.is_current(tx, slug, verdict.kid, found.realm_version):
        raise InvalidToken
    if claims.seq is not None and claims.seq < sessions.least(found.generation):
        raise InvalidToken
    standing = await _granted(tx, slug, found, user_id, origin)
    if marks is not None and claims.seq is None and found.realm_id == realm_id:
        verdict.kept = Kept(standing, marks)
    return standing


async def _granted(tx: Tx, slug: str, found: Principal, user_id: UserId, origin: Origin) -> Standing:
    tx.actor = actors.anonymous(found.realm_id, slug, origin)
    grants = await access.grants_of(tx, user_id, (found.access_version, found.realm_access_version))
    return Standing(found, grants, min(found.expires_at, tx.now + _LONGEST), found.last_used_at)


def _note_use(tx: Tx, standing: Standing, session_id: UUID) -> None:
    if tx.now - standing.last_used_at >= activity.PRECISION:
        activity.touch(tx.runtime, standing.found.realm_id, SessionId(session_id), standing.last_used_at, tx.now)
        standing.last_used_at = tx.now
