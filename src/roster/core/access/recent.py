"""Changing one's own credentials takes more than a session that was left open: a recent sign-in by strong means."""

from roster.core.access import deciding, store
from roster.core.realms import recent
from roster.kit.errors import Forbidden
from roster.kit.ids import UserId
from roster.storage.tx import Tx

is_recent = recent.is_recent
require_recent_sign_in = recent.require_recent_sign_in
require_strong = recent.require_strong


def require_no_application(tx: Tx, user_id: UserId) -> None:
    """Raise Forbidden when an application acts for this person, or for whoever signs in this person's name.

    Whatever it was let do: with their password, a key or the address for recovery it would become that person.
    """
    if tx.actor.by_consent and user_id in (tx.actor.user_id, tx.actor.acting_for):
        raise Forbidden("An application has no say in the credentials of those whom it acts for.")


async def require_for_address(tx: Tx, user_id: UserId) -> None:
    """Raise StepUpRequired unless the actor may change the address by which they recover a lost password.

    Whoever changes it gets the next password, so it takes what changing the password takes. Who signs each request has
    no session to be recent: the password's key proves the password anew, another key counts with `credentials.own`, or
    with `credentials.write` if it was not limited to less than the person may do: otherwise raises Escalation.
    """
    if "password_key" in tx.actor.factors or ("hawk" in tx.actor.factors and tx.actor.may("credentials.own")):
        return
    if "hawk" in tx.actor.factors and tx.actor.may("credentials.write"):
        await deciding.require_not_above(tx, user_id)
        return
    if await is_recent(tx) and not await store.has_password(tx, user_id):
        return
    await require_recent_sign_in(tx)
