"""Refresh tokens whose form another product decides, and marks of sessions that were opened there.

They are random, so a digest of each is stored; all of them end with their session. Parts of larger use cases, which
have made their own checks.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from roster.core.audit import service as audit
from roster.core.realms import service as realms
from roster.core.sessions import store, texts_store
from roster.core.sessions.models import Adopted, Session, SessionText
from roster.core.sessions.service import GRACE
from roster.kit import secrets
from roster.kit.ids import SessionId, uuid4, uuid7
from roster.storage.tx import Tx

_REFRESH: Final = "refresh"
_IMPORTED: Final = "imported"
_NEXT: Final = "next-session-text"


async def issue(tx: Tx, session: Session, seconds: int) -> str:
    """A refresh token in the form of a random UUID; good while it and its session last."""
    text = str(uuid4())
    await texts_store.insert(tx, secrets.digest(text), _REFRESH, session.id, tx.now + timedelta(seconds=seconds))
    return text


async def look_up(tx: Tx, text: str) -> SessionText | None:
    """What is known of a refresh token, good or not; it is locked until the end of the transaction."""
    return await texts_store.lock(tx, secrets.digest(text), _REFRESH)


def was_copied(tx: Tx, known: SessionText) -> bool:
    """Whether a token is presented that was exchanged for another longer ago than tabs and retries need.

    Or as much later than now: that was while a clock was ahead.
    """
    return known.spent_at is not None and abs(tx.now - known.spent_at) > GRACE


async def exchange(tx: Tx, known: SessionText, seconds: int) -> str | None:
    """The token that takes the place of this one, from now on; None when that one was exchanged already.

    It is made of this one's digest with a key, so that parallel refreshes get the same successor: had each one of its
    own, whoever copied a token could go on beside its owner unseen.
    """
    made = tx.runtime.keyring.mac(_NEXT, tx.realm_id.bytes + known.digest)
    text = str(UUID(bytes=made[:16], version=4))
    if known.spent_at is not None:
        following = await texts_store.lock(tx, secrets.digest(text), _REFRESH)
        return text if following is not None and following.spent_at is None else None
    await texts_store.insert(tx, secrets.digest(text), _REFRESH, known.session_id, tx.now + timedelta(seconds=seconds))
    await texts_store.spend(tx, known.digest)
    return text


async def end_copied(tx: Tx, known: SessionText) -> None:
    """End a session whose refresh token was presented by two."""
    if await store.end(tx, known.session_id, "reused"):
        await audit.record(tx, "session.reused", "user", known.user_id)


async def adopt(tx: Tx, known: Adopted) -> bool:
    """Go on with a session of another product; False when its person may not sign in, or it is here already.

    It lasts as long as there, and no longer than the realm allows. It counts as no recent sign-in of any kind.
    """
    settings = (await realms.current(tx)).settings
    longest = min(known.expires_at, tx.now + timedelta(seconds=settings.session_for))
    if longest <= tx.now:
        return False
    return await texts_store.adopt(tx, known, SessionId(uuid7()), secrets.digest(known.mark), longest)


async def marked(tx: Tx, realm_slug: str, text: str) -> SessionId | None:
    """The session that another product knew by this; whether it is alive, who uses it must ask."""
    return await texts_store.session_of(tx, realm_slug, secrets.digest(text), _IMPORTED)
