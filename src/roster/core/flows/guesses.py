"""Counting guesses: per person, however they are named and whatever is guessed, and per network address.

A guess is counted before the secret is looked at, so that parallel guesses cannot slip past; success gives it back.
"""

from typing import Any, LiteralString

from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.kit.errors import TooMany
from roster.kit.ids import UserId
from roster.kit.text import fold
from roster.storage import joint
from roster.storage.joint import Part
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


def key_of(user: User | None, identifier: str) -> str:
    """Known people are counted by id, so that all their names share one counter; unknown names each by themselves."""
    return str(user.id) if user else limits.key_of(fold(identifier.strip()))


async def spend(tx: Tx, key: str) -> None:
    """Count one guess, at once and whatever happens next. Raises TooMany. Not inside a transaction."""
    identity, _ = _policies(tx.runtime)
    wait = await limits.try_spend(tx, [*_places(tx), (identity, key)])
    if wait:
        raise TooMany(wait)


async def spend_and_ask(
    tx: Tx, identifier: str, whom: tuple[LiteralString, Part], *asked: tuple[LiteralString, Part]
) -> list[list[Any]]:
    """The same for the person who is `meant` by what asks `whom` (`users/meant.py`), in one trip.

    The rows of that and of what else is asked, each under its name (`joint.ask`).
    """
    identity, _ = _policies(tx.runtime)
    places, unknown = _places(tx), key_of(None, identifier)
    counted = limits.asked_on_meant(tx, places, identity, unknown)
    meant, spent, *found = await joint.ask(tx, whom, counted, *asked)
    key = str(meant[0][0] or unknown) if meant else unknown
    wait = await limits.outcome(tx, [*places, (identity, key)], spent)
    if wait:
        raise TooMany(wait)
    return [meant, *found]


async def spend_shared(tx: Tx, limit: Policy, key: str) -> None:
    """Count one sign-in of the whole realm, after `spend` let it pass. Raises TooMany and gives that back.

    In this order whoever guesses from one address uses up their own limit long before the one that all share.
    """
    wait = await limits.try_spend(tx, [(limit, "")])
    if wait:
        await undone(tx, key)
        raise TooMany(wait)


async def succeeded(tx: Tx, user_id: UserId) -> None:
    """The person is who they say: their counter starts anew, and the address gets back what this sign-in took."""
    identity, _ = _policies(tx.runtime)
    await limits.settle(tx, cleared=[(identity, str(user_id))], returned=_places(tx))


def succeeding(tx: Tx, user_id: UserId) -> Part:
    """What `succeeded` does to the person's counter, to go along in the statement that signs them in (`done`)."""
    identity, _ = _policies(tx.runtime)
    return limits.clearing(tx, identity, str(user_id))


def give_back_soon(runtime: Runtime, actor: Actor) -> None:
    """What `succeeded` does to the counter of the address, a moment later: nobody waits for one that many share.

    For when the rest is committed.
    """
    _, address = _policies(runtime)
    limits.give_back_soon(runtime, actor.realm_id, address, limits.network(actor.origin.address))


async def forgiven(tx: Tx, user_id: UserId) -> None:
    """The secret is another one now: guesses at the old one no longer count."""
    identity, _ = _policies(tx.runtime)
    await limits.settle(tx, cleared=[(identity, str(user_id))], returned=[])


async def undone(tx: Tx, key: str) -> None:
    """Nothing was looked at after all."""
    identity, _ = _policies(tx.runtime)
    await limits.settle(tx, cleared=[], returned=[(identity, key), *_places(tx)])


def _places(tx: Tx) -> list[tuple[Policy, str]]:
    """The counter of the network that is guessed from, when it is known."""
    _, address = _policies(tx.runtime)
    place = limits.network(tx.actor.origin.address)
    return [(address, place)] if place else []


def _policies(runtime: Runtime) -> tuple[Policy, Policy]:
    rules = runtime.settings.limits
    return (
        Policy("sign-in:user", rules.identity_guesses, rules.guess_window_seconds),
        Policy("sign-in:address", rules.address_guesses, rules.guess_window_seconds),
    )
