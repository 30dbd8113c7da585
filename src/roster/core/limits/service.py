"""Spend before the work, give back on success: parallel guesses cannot slip past a check."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, LiteralString

import msgspec

from roster.core.limits import returns, store
from roster.kit import secrets
from roster.kit.errors import TooMany
from roster.kit.ids import RealmId
from roster.storage import joint
from roster.storage.joint import Part
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


class Policy(msgspec.Struct, frozen=True):
    """At most `count` within a window of `per_seconds` that starts with the first one."""

    name: str
    count: int
    per_seconds: int

    def bucket(self, key: str) -> str:
        """The counter's name for this key."""
        return f"{self.name}:{key}"


async def spend(tx: Tx, policy: Policy, key: str) -> None:
    """Count one. Raises TooMany when the count was used up already."""
    await spend_all(tx, [(policy, key)])


async def spend_all(tx: Tx, spendings: Sequence[tuple[Policy, str]]) -> None:
    """Count one in each; in one statement. Raises TooMany when any was used up already.

    The counting must outlive the refusal, so call it in a transaction of its own that is not rolled back by TooMany:
    use `try_spend` there and raise after the commit.
    """
    wait = await try_spend(tx, spendings)
    if wait:
        raise TooMany(wait)


async def try_spend(tx: Tx, spendings: Sequence[tuple[Policy, str]]) -> int:
    """Count one in each; the seconds until all are open again, 0 when none was used up."""
    (spent,) = await joint.ask(tx, ("spent", store.spending(tx, _ordered(spendings))))
    return await outcome(tx, spendings, spent)


def asked_on_meant(
    tx: Tx, spendings: Sequence[tuple[Policy, str]], policy: Policy, otherwise: str
) -> tuple[LiteralString, Part]:
    """Asks to count one in each, and last in that of whoever is `meant` by a part before it, for `outcome`.

    Where nobody is meant, the last one is that of `otherwise`. Counters have one order, which must be this one.
    """
    buckets = [(name, per) for name, _, per in _ordered(spendings)]
    return "spent", store.spending_on_meant(tx, buckets, policy.bucket(""), otherwise, policy.per_seconds)


async def outcome(tx: Tx, spendings: Sequence[tuple[Policy, str]], rows: Sequence[Sequence[Any]]) -> int:
    """The seconds until all are open again, 0 when none was used up, by what counting one in each has answered."""
    ordered = _ordered(spendings)
    wait = store.wait(tx, ordered, rows)
    names = [name for name, _, _ in ordered]
    if wait and returns.are_noted(tx, names):
        returns.note(tx.runtime, tx.realm_id, names)
        await returns.write(tx)
        return await try_spend(tx, spendings)
    return wait


def _ordered(spendings: Sequence[tuple[Policy, str]]) -> list[tuple[str, int, int]]:
    return sorted((policy.bucket(key), policy.count, policy.per_seconds) for policy, key in spendings)


async def waiting(tx: Tx, spendings: Sequence[tuple[Policy, str]]) -> int:
    """The seconds until all are open again, 0 when none is used up; nothing is counted."""
    buckets = [(policy.bucket(key), policy.count, policy.per_seconds) for policy, key in spendings]
    wait = await store.waiting(tx, buckets)
    if wait and returns.are_noted(tx, [name for name, _, _ in buckets]):
        await returns.write(tx)
        wait = await store.waiting(tx, buckets)
    return wait


async def forgive(tx: Tx, spending: tuple[Policy, str]) -> None:
    """Forget what was spent, if anything was: without a write where there is nothing to forget."""
    await store.forgive(tx, spending[0].bucket(spending[1]))


async def settle(tx: Tx, *, cleared: Sequence[tuple[Policy, str]], returned: Sequence[tuple[Policy, str]]) -> None:
    """Clear some counters and give back one to others, in one statement."""
    backs = {policy.bucket(key): 1 for policy, key in returned}
    backs |= {policy.bucket(key): store.MOST for policy, key in cleared}
    await store.settle(tx, [(tx.realm_id, bucket, back) for bucket, back in backs.items()])


def clearing(tx: Tx, policy: Policy, key: str) -> Part:
    """Clears a counter along in the statement of a change, if that changes anything (`done`)."""
    return store.clearing(tx, policy.bucket(key))


def give_back_soon(runtime: Runtime, realm_id: RealmId, policy: Policy, key: str) -> None:
    """Give back one a moment later, together with what others give back meanwhile (`returns`)."""
    returns.note(runtime, realm_id, [policy.bucket(key)])


def key_of(text: str) -> str:
    """A key for a text that anybody may have sent: short, storable, and not the text itself."""
    return secrets.digest(text).hex()[:32]


@lru_cache(1 << 12)
def network(address: str) -> str:
    """What counts as one network address: an IPv4 address, or the /64 that an IPv6 host chooses its own from.

    Empty for callers without one (the bus, the command line). What is no address is counted all the same: a proxy that
    writes something else must not switch the limits off.
    """
    if not address:
        return ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return key_of(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


async def sweep(tx: Tx) -> int:
    """Remove counters whose window is over."""
    return await store.sweep(tx)
