"""Going on with a session by a refresh token whose form another product decides (`sessions.texts`)."""

from roster.core.flows.models import Renewed
from roster.core.flows.refusals import Refusal
from roster.core.sessions import service as sessions
from roster.core.sessions import texts
from roster.core.users import service as users
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


async def renew(runtime: Runtime, actor: Actor, text: str, *, exchanged_for: int | None = None) -> Renewed | Refusal:
    """Let the session go on that a refresh token stands for, or say why not: whoever asks holds a genuine one.

    With `exchanged_for` the token is spent, and another one given that lasts for so many seconds; a spent one that is
    shown again later than tabs and retries would, or when the other one is spent too, was copied, so the session ends.
    """
    async with runtime.write(actor) as tx:
        return await _renewed(tx, text, exchanged_for)


async def _renewed(tx: Tx, text: str, exchanged_for: int | None) -> Renewed | Refusal:
    known = await texts.look_up(tx, text)
    if known is None:
        return Refusal.UNKNOWN
    user = await users.tx_maybe(tx, known.user_id)
    if user is None:
        return Refusal.DELETED
    if texts.was_copied(tx, known):
        await texts.end_copied(tx, known)
        return Refusal.ENDED
    session = await sessions.prolong(tx, known.session_id) if known.expires_at > tx.now else None
    if session is None:
        return Refusal.ENDED if user.status == "active" else Refusal.DISABLED
    if exchanged_for is None:
        return Renewed(session, user, None)
    exchanged = await texts.exchange(tx, known, exchanged_for)
    if exchanged is None:
        await texts.end_copied(tx, known)
        return Refusal.ENDED
    return Renewed(session, user, exchanged)
