"""What is given back to counters a moment later."""

import pytest

from roster.core.limits import returns
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories

TWO = Policy("test:two", 2, 900)
_SPENT = "SELECT spent FROM counters WHERE realm_id = $1 AND bucket = $2"


async def spend(runtime: Runtime, realm: Realm, *keys: str) -> int:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await limits.try_spend(tx, [(TWO, key) for key in keys])


async def spent(runtime: Runtime, realm: Realm, key: str) -> int:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await tx.value(_SPENT, realm.id, TWO.bucket(key))


def give_back(runtime: Runtime, realm: Realm, key: str) -> None:
    limits.give_back_soon(runtime, realm.id, TWO, key)


async def test_nobody_is_refused_for_what_is_still_to_be_given_back(runtime: Runtime, realm: Realm):
    for _ in range(5):
        assert await spend(runtime, realm, "place") == 0
        give_back(runtime, realm, "place")

    assert await spend(runtime, realm, "place") == 0
    assert await spend(runtime, realm, "place") == 0
    assert await spend(runtime, realm, "place") > 0


async def test_whoever_only_asks_is_not_refused_either(runtime: Runtime, realm: Realm):
    for _ in range(2):
        await spend(runtime, realm, "place")
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await limits.waiting(tx, [(TWO, "place")]) > 0
        give_back(runtime, realm, "place")

        assert await limits.waiting(tx, [(TWO, "place")]) == 0


async def test_many_returns_are_written_at_once_and_only_once(runtime: Runtime, realm: Realm):
    for _ in range(2):
        await spend(runtime, realm, "place", "other")
    for key in ("place", "place", "other"):
        give_back(runtime, realm, key)

    await returns.flush(runtime)
    await returns.flush(runtime)

    assert await spent(runtime, realm, "place") == 0
    assert await spent(runtime, realm, "other") == 1


async def test_what_is_noted_is_written_without_anybody_asking(runtime: Runtime, realm: Realm):
    await spend(runtime, realm, "place")
    give_back(runtime, realm, "place")
    for writing in returns.under_way(runtime):
        await writing

    assert await spent(runtime, realm, "place") == 0


async def test_a_realm_gets_back_only_what_is_its_own(runtime: Runtime, realm: Realm):
    other = await factories.a_realm(runtime)
    for _ in range(2):
        await spend(runtime, realm, "place")
        await spend(runtime, other, "place")
    give_back(runtime, other, "place")

    assert await spend(runtime, realm, "place") > 0
    assert await spend(runtime, other, "place") == 0


@pytest.mark.parametrize("key", ["never counted", ""])
async def test_giving_back_what_was_never_counted_makes_no_counter(runtime: Runtime, realm: Realm, key: str):
    give_back(runtime, realm, key)
    await returns.flush(runtime)

    assert await spent(runtime, realm, key) is None
