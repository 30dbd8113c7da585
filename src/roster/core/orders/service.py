"""Keeping orders: for whoever began them, for a while, and each answered once.

The provider is talked to by whoever calls, outside of every transaction. A reference alone opens nothing: it ends up in
logs and histories, so what began the order (a session, a program, or a secret that only that client has) is asked for
too.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.orders import store
from roster.core.orders.errors import OrderNotFound
from roster.core.orders.models import Begun, Hidden, Order, Provider, Purpose
from roster.kit import ids, secrets
from roster.kit.actor import Actor, Kind
from roster.kit.errors import Internal, TooMany
from roster.kit.ids import SessionId, UserId, uuid7
from roster.storage.tx import Tx

LASTING: Final = timedelta(minutes=10)
"""How long an order is kept; providers give theirs up sooner."""
EVERY: Final = timedelta(seconds=1.9)
"""How long the provider is left alone between two questions about one order, however many ask here."""
LOST: Final = timedelta(seconds=15)
"""After which whoever asked is not waited for any more; an answer takes ten seconds at most."""
STARTS: Final = Policy("orders:started", 100, 900)
MISSES: Final = Policy("orders:missed", 100, 900)
_PURPOSE: Final = "order"


async def spend_start(tx: Tx) -> None:
    """Count an order that is about to be begun, per network address. Not inside a transaction. Raises TooMany."""
    await _spend(tx, STARTS)


async def give_back_start(tx: Tx) -> None:
    """Somebody has answered an order, so it was no flood: one more may be begun. Not inside a transaction."""
    place = limits.network(tx.actor.origin.address)
    if place:
        await limits.settle(tx, cleared=[], returned=[(STARTS, place)])


async def begin(tx: Tx, provider: Provider, purpose: Purpose, hidden: Hidden, *, bare: bool = False) -> Begun:
    """Keep an order that the provider has begun, for whoever acts.

    With `bare` nobody in particular needs the reference alone, and the proof is empty.
    """
    proof = None if _own(tx.actor) is not None else "" if bare else secrets.token()
    order_id, reference = uuid7(), str(ids.uuid4())
    order = await store.insert(
        tx,
        order_id,
        provider=provider,
        purpose=purpose,
        mark=secrets.digest(reference),
        holder=_own(tx.actor) or _shown(proof or ""),
        sealed=_seal(tx, order_id, hidden),
        expires_at=tx.now + LASTING,
    )
    return Begun(order, reference, proof)


async def find(tx: Tx, provider: Provider, reference: str, proof: str | None) -> Order:
    """The order, if whoever acts has begun it. Raises OrderNotFound; TooMany for those who miss too often.

    Not inside a transaction.
    """
    order = await store.look_up(tx, provider, secrets.digest(reference.strip().lower()))
    if order is None or not _is_holder(tx.actor, order, proof):
        await _spend(tx, MISSES)
        raise OrderNotFound
    return order


async def claim(tx: Tx, order_id: UUID) -> bool:
    """Whether the provider may be asked about this order now: by one caller at a time, and not too often.

    Of two questions at once the provider would answer the slower one that there is no such order any more.
    """
    return await store.claim(tx, order_id, answered=tx.now - EVERY, lost=tx.now - LOST)


async def note(tx: Tx, order_id: UUID, hint: str) -> None:
    """The order goes on; whoever asked has an answer, or gave up."""
    await store.note(tx, order_id, hint)


async def close(tx: Tx, order: Order, *, hint: str = "", hidden: Hidden | None = None) -> bool:
    """The order is over: complete with what it brought, else failed. False when it was over before."""
    state = "failed" if hidden is None else "complete"
    sealed = None if hidden is None else _seal(tx, order.id, hidden)
    return await store.close(tx, order.id, state, hint, sealed)


async def hand_over(tx: Tx, order: Order, user_id: UserId, session_id: SessionId) -> None:
    """Whom the order signed in may use it further, in the session that it opened."""
    await store.hand_over(tx, order.id, user_id, _session(session_id))


async def spend(tx: Tx, provider: Provider, reference: str) -> str:
    """The number that a complete order of the actor, a person, has proved; it does so once.

    Raises OrderNotFound for all others.
    """
    order = await store.look_up(tx, provider, secrets.digest(reference.strip().lower()))
    if order is None or not _is_holder(tx.actor, order, None) or order.user_id != tx.actor.user_id:
        raise OrderNotFound
    number = opened(tx, order).number
    is_right = order.purpose == "login" and order.state == "complete" and order.bound_at is None
    if number is None or not is_right or not await store.bind(tx, order.id):
        raise OrderNotFound
    return number


def opened(tx: Tx, order: Order) -> Hidden:
    """What stays on the server."""
    found = tx.runtime.keyring.open(_PURPOSE, order.sealed, tx.realm_id.bytes + order.id.bytes)
    if found is None:
        raise Internal("The order cannot be opened with this installation's secret key.")
    return msgspec.json.decode(found, type=Hidden)


async def sweep(tx: Tx) -> int:
    """Remove orders whose time is over; the number removed."""
    return await store.sweep(tx)


def _seal(tx: Tx, order_id: UUID, hidden: Hidden) -> bytes:
    return tx.runtime.keyring.seal(_PURPOSE, msgspec.json.encode(hidden), tx.realm_id.bytes + order_id.bytes)


def _is_holder(actor: Actor, order: Order, proof: str | None) -> bool:
    own = _own(actor)
    if own is not None and secrets.same(own, order.holder):
        return True
    return proof is not None and secrets.same(_shown(proof), order.holder)


def _own(actor: Actor) -> bytes | None:
    """By what the actor is known again without showing anything more; None for nobody in particular."""
    if actor.session_id is not None:
        return _session(actor.session_id)
    if actor.user_id is not None:
        return secrets.digest(f"person:{actor.user_id}:{actor.credential_id}")
    return secrets.digest(f"program:{actor.name}") if actor.kind in (Kind.SERVICE, Kind.SYSTEM) else None


def _session(session_id: SessionId) -> bytes:
    return secrets.digest(f"session:{session_id}")


def _shown(proof: str) -> bytes:
    return secrets.digest(f"proof:{proof}")


async def _spend(tx: Tx, policy: Policy) -> None:
    place = limits.network(tx.actor.origin.address)
    wait = await limits.try_spend(tx, [(policy, place)]) if place else 0
    if wait:
        raise TooMany(wait)
