"""Upkeep takes away what is over in portions."""

import asyncio

from roster.core.flows import upkeep
from roster.core.realms.models import Realm
from roster.kit.clock import now
from roster.storage.runtime import Runtime
from roster.storage.trimming import trim
from tests import factories

_OVER, _LIVING = 2300, 7


async def test_what_is_over_goes_in_portions_and_nothing_else(runtime: Runtime, realm: Realm):
    await _counters(runtime, realm)

    async with runtime.write(factories.roster_in(realm)) as tx:
        assert 0 < await trim(tx, "counters", "resets_at <= $2", now()) < _OVER
    await upkeep.sweep_counters(runtime)

    assert await _left(runtime, realm) == _LIVING


async def test_another_realm_keeps_its_rows(runtime: Runtime, realm: Realm):
    other = await factories.a_realm(runtime)
    await _counters(runtime, realm)
    await _counters(runtime, other)

    async with runtime.write(factories.roster_in(realm)) as tx:
        while await trim(tx, "counters", "resets_at <= $2 OR true", now()):
            pass

    assert await _left(runtime, realm) == 0
    assert await _left(runtime, other) == _OVER + _LIVING


async def test_rows_that_somebody_holds_are_left_to_the_next_time(runtime: Runtime, realm: Realm):
    await _counters(runtime, realm)
    roster = factories.roster_in(realm)

    async with runtime.write(roster) as holder, runtime.write(roster) as tx:
        await holder.rows("SELECT 1 FROM counters WHERE realm_id = $1 AND bucket = 'over:1' FOR UPDATE", realm.id)
        async with asyncio.timeout(20):
            while await trim(tx, "counters", "resets_at <= $2", now()):
                pass

    assert await _left(runtime, realm) == _LIVING + 1


async def _counters(runtime: Runtime, realm: Realm) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await tx.run(
            "INSERT INTO counters (realm_id, bucket, spent, resets_at)"
            " SELECT $1::uuid, 'over:' || n, 1, now() - interval '1 hour' FROM generate_series(1, $2::integer) n"
            " UNION ALL"
            " SELECT $1::uuid, 'living:' || n, 1, now() + interval '1 hour' FROM generate_series(1, $3::integer) n",
            realm.id,
            _OVER,
            _LIVING,
        )


async def _left(runtime: Runtime, realm: Realm) -> int:
    async with runtime.read(factories.roster_in(realm)) as tx:
        left = await tx.value("SELECT count(*) FROM counters WHERE realm_id = $1", realm.id)
    assert isinstance(left, int)
    return left
