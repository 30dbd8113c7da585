"""Whoever presents an access token: a live session of somebody in order, with what they may do.

A worker remembers it beside the token's verdict and believes it for as long as the store says nothing else, and a
minute at most. What ends by the clock is compared with the clock each time. Numbered tokens end with the refresh after
next, which is no change that the store speaks of: for them it is asked each time.
"""

from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.realms import service as realms
from roster.core.sessions import activity
from roster.core.sessions import service as sessions
from roster.core.tokens import keys, store
from roster.core.tokens.models import AccessClaims, Principal, Standing
from roster.core.tokens.verdicts import Verdict
from roster.kit import actor as actors
from roster.kit.actor import Actor, Kind, Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import SessionId, UserId
from roster.storage.tx import Tx
from roster.storage.voids import Kept

_LONGEST: Final = activity.PRECISION


def remembered(tx: Tx, verdict: Verdict, origin: Origin) -> Actor | None:
    """Who presents the token of this verdict, when that is known and still true, the token's own time included."""
    kept = verdict.kept
    if kept is None or tx.now >= kept.value.until or not tx.runtime.voids.hold(kept.marks):
        return None
    return _presented(tx, kept.value, origin)


async def looked_up(tx: Tx, verdict: Verdict, origin: Origin) -> Actor:
    """Who presents the token of this verdict. Raises InvalidToken when anything about them is not in order."""
    claims = verdict.claims
    slug, user_id = claims.realm, UserId(claims.sub)
    realm_id = keys.realm_of(tx, slug)
    marks = tx.runtime.voids.marks(realm_id, user_id) if realm_id and tx.is_single else None
    found = await store.session_principal(tx, slug, claims.sid, user_id)
    if found is None or not await keys.is_current(tx, slug, verdict.kid, found.realm_version):
        raise InvalidToken
    if claims.seq is not None and claims.seq < sessions.least(found.generation):
        raise InvalidToken
    tx.actor = actors.anonymous(found.realm_id, slug, origin)
    standing = await _granted(tx, found, SessionId(claims.sid), user_id)
    standing.until = min(standing.until, _end_of(claims, tx.now))
    if marks is not None and claims.seq is None and found.realm_id == realm_id:
        verdict.kept = Kept(standing, marks)
    return _presented(tx, standing, origin)


async def of_session(tx: Tx, slug: str, session_id: UUID, user_id: UUID, origin: Origin) -> Actor:
    """Whoever this session belongs to, asked of the store. Raises InvalidToken."""
    found = await store.session_principal(tx, slug, session_id, user_id)
    if found is None:
        raise InvalidToken
    tx.actor = actors.anonymous(found.realm_id, slug, origin)
    return _presented(tx, await _granted(tx, found, SessionId(session_id), UserId(user_id)), origin)


async def _granted(tx: Tx, found: Principal, session_id: SessionId, user_id: UserId) -> Standing:
    slug = tx.actor.realm_slug
    actor = Actor(
        Kind.USER,
        found.realm_id,
        slug,
        Origin(device_id=found.device_id),
        home_id=found.realm_id,
        user_id=user_id,
        name=found.username,
        grants=await access.grants_of(tx, user_id, (found.access_version, found.realm_access_version)),
        session_id=session_id,
        authenticated_at=found.authenticated_at,
        factors=tuple(found.factors),
        realm_version=found.realm_version,
        access_version=found.realm_access_version,
        platform=slug == realms.MAIN,
        locale=found.locale,
        is_confirmed=found.confirmed,
    )
    return Standing(actor, min(found.expires_at, tx.now + _LONGEST), found.last_used_at + activity.PRECISION)


def _end_of(claims: AccessClaims, now: datetime) -> datetime:
    """When the token ends, or a moment before that."""
    return now + timedelta(seconds=min(_LONGEST.seconds, claims.exp - now.timestamp()))


def _presented(tx: Tx, standing: Standing, origin: Origin) -> Actor:
    """The actor as they ask now, from where they ask."""
    actor, now = standing.actor, tx.now
    if now >= standing.touch_at:
        activity.touch(tx.runtime, actor.realm_id, cast("SessionId", actor.session_id), now)
        standing.touch_at = now + activity.PRECISION
    device_id = actor.origin.device_id
    if device_id is not None:
        origin = msgspec.structs.replace(origin, device_id=device_id)
    return msgspec.structs.replace(actor, origin=origin)
