"""Opening, listing, refreshing and ending sessions."""

from datetime import timedelta
from typing import Final

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.realms import service as realms
from roster.core.sessions import refreshing, store
from roster.core.sessions.errors import SessionNotFound
from roster.core.sessions.models import Opening, Refreshed, Session
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidToken
from roster.kit.ids import SessionId, UserId
from roster.storage.joint import Part
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

GRACE: Final = timedelta(seconds=30)
"""Within this time a spent refresh token gives the same successor again: tabs and retries refresh in parallel."""


async def open(tx: Tx, opening: Opening, along: Part | None = None) -> Session:
    """Open a session for somebody who has just signed in; part of the sign-in flows, which have made the checks.

    One statement, with its trail and with what the flow does `along`, so that it needs no transaction around.

    Raises BadCredentials when the person may no longer sign in, or the credential is not what was checked any more.
    """
    settings = (await realms.current(tx)).settings
    allowed = min(settings.session_for, settings.session_idle_for)
    lasting = timedelta(seconds=min(allowed, opening.lasting or allowed))
    trail = audit.trail(tx, "session.opened", "user", opening.user_id, {"factors": [None, list(opening.factors)]})
    session = await store.insert(tx, opening, tx.now + lasting, [trail, along] if along else [trail])
    if session is None:
        raise BadCredentials
    tx.write_for(opening.user_id)
    return session


async def list_of(tx: Tx, user_id: UserId) -> list[Session]:
    """A person's live sessions, newest first. Needs `sessions.read`, or being that person."""
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "sessions.read", user_id)
    return await store.live_of(tx, user_id)


async def all_of(tx: Tx, user_id: UserId, *, limit: int, offset: int = 0) -> tuple[list[Session], int]:
    """A part of a person's sessions, newest first, and how many there are: those that ended not long ago too.

    Needs `sessions.read`, or being that person.
    """
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "sessions.read", user_id)
    return await store.all_of(tx, user_id, limit, offset)


async def get_numbered(tx: Tx, number: int) -> Session:
    """One session by number. Raises as `get` does."""
    return await get(tx, await store.id_of(tx, number))


async def get(tx: Tx, session_id: SessionId) -> Session:
    """One session, ended ones too. Raises SessionNotFound, also when the actor may not see it."""
    session = await store.find(tx, session_id)
    if not tx.actor.is_user(session.user_id):
        await access.require_over(tx, "sessions.read", session.user_id, otherwise=SessionNotFound)
    return session


async def end(tx: Tx, session_id: SessionId, reason: str = "signed_out") -> None:
    """End a session; its tokens fail from the next request on. Own ones, or with `sessions.write`.

    Raises SessionNotFound; ending one that has ended already is fine.
    """
    session = await store.find(tx, session_id)
    if not tx.actor.is_user(session.user_id):
        await access.require_over(tx, "sessions.write", session.user_id, otherwise=SessionNotFound)
    if await store.end(tx, session_id, reason):
        await audit.record(tx, "session.ended", "user", session.user_id, {"reason": [None, reason]})


async def end_all(tx: Tx, user_id: UserId, *, keep: SessionId | None = None) -> int:
    """End a person's sessions but `keep`; the number ended. Own ones, or with `sessions.write`."""
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "sessions.write", user_id)
    return await cut(tx, user_id, "signed_out", keep=keep)


async def cut(tx: Tx, user_id: UserId, reason: str, *, keep: SessionId | None = None) -> int:
    """End a person's sessions as part of a larger use case that has made its own checks."""
    ended = await store.end_all(tx, user_id, reason, keep)
    if ended:
        await audit.record(tx, "session.ended", "user", user_id, {"reason": [None, reason]})
    return ended


async def void_refresh(tx: Tx, session_id: SessionId) -> None:
    """Make the refresh token of a session useless, at once; its access tokens last as long as they say.

    Part of a larger use case that has made its own checks.
    """
    await store.skip_generation(tx, session_id)


async def extend(tx: Tx, session_id: SessionId) -> Session:
    """Let a live session last as long as a refresh would, without spending its refresh token.

    Raises SessionNotFound.
    """
    session = await prolong(tx, session_id)
    if session is None or not tx.actor.is_user(session.user_id):
        raise SessionNotFound
    return session


async def prolong(tx: Tx, session_id: SessionId, idle_for: int | None = None) -> Session | None:
    """The same for whoever has shown something that stands for the session; None when it is not alive.

    `idle_for` are the seconds that it lasts from now, where that is less than the realm allows. Part of larger use
    cases, which have made their own checks.
    """
    settings = (await realms.current(tx)).settings
    idle = min(settings.session_idle_for, idle_for or settings.session_idle_for)
    return await store.extend(tx, session_id, timedelta(seconds=settings.session_for), timedelta(seconds=idle))


# refresh


def least(generation: int) -> int:
    """The lowest generation whose numbered access tokens are still good, for those who were asking meanwhile."""
    return max(0, generation - 1)


def refresh_token(tx: Tx, session: Session) -> str:
    """The refresh token of a session's present generation."""
    return refresh_token_of(tx, session.id, session.generation)


def refresh_token_of(tx: Tx, session_id: SessionId, generation: int) -> str:
    """The refresh token of any generation, for those who have shown a token that was made with it."""
    return refreshing.write(tx.runtime.keyring, tx.realm_id, session_id, generation)


async def refresh(runtime: Runtime, actor: Actor, text: str) -> Refreshed:
    """Spend a refresh token. Raises InvalidToken for every reason.

    A token that was spent longer ago than GRACE, or whose successor is spent too, was copied: the session ends.
    """
    presented = refreshing.read(runtime.keyring, text)
    if presented is None or presented.realm_id != actor.realm_id:
        raise InvalidToken
    async with runtime.read(actor) as tx:
        session = await _rotated(tx, presented.session_id, presented.generation)
        if session is not None:
            return Refreshed(session, refresh_token(tx, session))
    async with runtime.write(actor) as tx:
        await _end_reused(tx, presented.session_id, presented.generation)
    raise InvalidToken


async def named_by(tx: Tx, text: str) -> Session | None:
    """The session, ended ones too, that a genuine refresh token of this realm names; nothing is checked."""
    presented = refreshing.read(tx.runtime.keyring, text)
    if presented is None or presented.realm_id != tx.realm_id:
        return None
    try:
        return await store.find(tx, presented.session_id)
    except SessionNotFound:
        return None


async def _rotated(tx: Tx, session_id: SessionId, generation: int) -> Session | None:
    settings = (await realms.current(tx)).settings
    longest, idle = timedelta(seconds=settings.session_for), timedelta(seconds=settings.session_idle_for)
    rotated = await store.rotate(tx, session_id, generation, longest, idle)
    return rotated or await store.just_rotated(tx, session_id, generation + 1, tx.now - GRACE)


async def _end_reused(tx: Tx, session_id: SessionId, generation: int) -> None:
    user_id = await store.end_reused(tx, session_id, generation)
    if user_id is not None:
        await audit.record(tx, "session.reused", "user", user_id)


async def sweep(tx: Tx, kept: timedelta = timedelta(days=30)) -> int:
    """Remove sessions that ended or expired longer ago than `kept`; the number removed."""
    return await store.sweep(tx, tx.now - kept)
