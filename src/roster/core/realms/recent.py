"""What counts as a recent sign-in: a session that was left open is not enough for what decides about security."""

from datetime import timedelta
from typing import Final

from roster.core.realms import remembered
from roster.kit.actor import Kind
from roster.kit.errors import StepUpRequired
from roster.storage.tx import Tx

_STRONG: Final = frozenset({"password", "external", "sign_up", "bankid", "freja"})
"""First factors after which a second one was asked for, if the person has one, or that are two; and registration."""


async def is_recent(tx: Tx) -> bool:
    """Whether the session began with a sign-in within the realm's `recent_sign_in_for`, by any means but a key.

    One that is as much later than now was made while a clock was ahead.
    """
    at = tx.actor.authenticated_at
    if tx.actor.session_id is None or at is None or "api_key" in tx.actor.factors:
        return False
    realm = await remembered.current(tx)
    return abs(tx.now - at) <= timedelta(seconds=realm.settings.recent_sign_in_for)


def require_strong(tx: Tx) -> None:
    """Raise StepUpRequired unless the actor came by a sign-in that would do when recent, or with a personal token."""
    if tx.actor.kind is Kind.SYSTEM or not (_STRONG | {"personal"}).isdisjoint(tx.actor.factors):
        return
    raise StepUpRequired


async def require_recent_sign_in(tx: Tx) -> None:
    """Raise StepUpRequired unless the actor signed in recently with a password, a provider, or by registering.

    Device secrets, keys and backup codes alone do not count: they may skip the second factor, so they must not be
    able to change it.
    """
    if tx.actor.kind is Kind.SYSTEM:
        return
    if not _STRONG.intersection(tx.actor.factors) or not await is_recent(tx):
        raise StepUpRequired
