"""Spend before the work, give back on success: parallel guesses cannot slip past a check."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from roster.core.limits import store
from roster.kit import secrets
from roster.kit.errors import TooMany
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
    ordered = sorted(spendings, key=lambda each: each[0].bucket(each[1]))
    return await store.spend(tx, [(policy.bucket(key), policy.count, policy.per_seconds) for policy, key in ordered])


async def waiting(tx: Tx, spendings: Sequence[tuple[Policy, str]]) -> int:
    """The seconds until all are open again, 0 when none is used up; nothing is counted."""
    return await store.waiting(tx, [(policy.bucket(key), policy.count) for policy, key in spendings])


async def forgive(tx: Tx, spending: tuple[Policy, str]) -> None:
    """Forget what was spent, if anything was: without a write where there is nothing to forget."""
    await store.forgive(tx, spending[0].bucket(spending[1]))


async def settle(tx: Tx, *, cleared: Sequence[tuple[Policy, str]], returned: Sequence[tuple[Policy, str]]) -> None:
    """Clear some counters and give back one to others, in one statement."""
    await store.settle(
        tx,
        [policy.bucket(key) for policy, key in cleared],
        [policy.bucket(key) for policy, key in returned],
    )


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
