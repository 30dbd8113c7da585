"""Why a renewal brought nothing: told only to whoever holds a genuine refresh token, for front doors that say it."""

from enum import StrEnum

from roster.core.sessions import service as sessions
from roster.core.users import service as users
from roster.storage.tx import Tx


class Refusal(StrEnum):
    """Why a refresh token is not good."""

    UNKNOWN = "unknown"
    """Not one of this realm."""
    ENDED = "ended"
    """Its session ended, or it was used before."""
    DISABLED = "disabled"
    """Its owner may not sign in at present."""
    DELETED = "deleted"
    """Its owner is deleted."""


async def of_refresh_token(tx: Tx, text: str) -> Refusal:
    """Why this token was just refused; the person is looked at first, then the session."""
    session = await sessions.named_by(tx, text)
    if session is None:
        return Refusal.UNKNOWN
    user = await users.tx_maybe(tx, session.user_id)
    if user is None:
        return Refusal.DELETED
    return Refusal.ENDED if user.status == "active" else Refusal.DISABLED
