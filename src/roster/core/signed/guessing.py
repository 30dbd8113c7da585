"""Guesses at passwords and PINs by way of signatures: counted with those of every other front door.

A signature is checked without waiting, so the counters are asked before and written after a wrong one. What is under
way at the same moment may slip past once, which is bounded by the number of connections; a client that is right and
asks for many things at once is never taken for one that guesses.
"""

from roster.core.audit import service as audit
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.signed.keys import Signer
from roster.kit import actor as actors
from roster.kit.actor import Origin
from roster.kit.errors import InvalidToken, TooMany
from roster.storage.tx import Tx


async def require_open(tx: Tx, signer: Signer) -> None:
    """Raise TooMany when the guesses at this person, from this device or from this address are used up."""
    wait = await limits.waiting(tx, _counted(tx, signer))
    if wait:
        raise TooMany(wait)


async def failed(tx: Tx, signer: Signer) -> None:
    """Count a wrong one, and write it down. Raises TooMany. Not inside a transaction."""
    wait = await limits.try_spend(tx, _counted(tx, signer))
    async with tx.transaction():
        await audit.record(tx, "sign_in.failed", "user", signer.holder.user_id if signer.holder else None)
    if wait:
        raise TooMany(wait)


async def unsigned(tx: Tx, realm_slug: str, origin: Origin) -> None:
    """Count a wrong signature with a key that nobody guesses: so many from one address are a fault or a flood.

    Good ones from there are taken all the same. Raises TooMany, InvalidToken for a realm that is none.
    """
    place = limits.network(origin.address)
    if not place:
        return
    try:
        realm = await realms.by_slug(tx, realm_slug)
    except RealmNotFound:
        raise InvalidToken from None
    rules = tx.runtime.settings.limits
    policy = Policy("signature:address", rules.address_guesses, rules.guess_window_seconds)
    with tx.acting(actors.anonymous(realm.id, realm.slug, origin)):
        wait = await limits.try_spend(tx, [(policy, place)])
    if wait:
        raise TooMany(wait)


async def succeeded(tx: Tx, signer: Signer) -> None:
    """The person is who they say: their counter starts anew if anything was counted."""
    await limits.forgive(tx, _counted(tx, signer)[0])


def _counted(tx: Tx, signer: Signer) -> list[tuple[Policy, str]]:
    """The person's counter first; names and counts are those of every other sign-in."""
    rules = tx.runtime.settings.limits
    counted = [(Policy("sign-in:user", rules.identity_guesses, rules.guess_window_seconds), signer.guessed)]
    if place := limits.network(tx.actor.origin.address):
        counted.append((Policy("sign-in:address", rules.address_guesses, rules.guess_window_seconds), place))
    if signer.device is not None:
        policy = Policy("sign-in:device", rules.address_guesses, rules.guess_window_seconds)
        counted.append((policy, str(signer.device.id)))
    return counted
