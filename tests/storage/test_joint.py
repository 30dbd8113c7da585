"""Several statements sent as one."""

import pytest

from roster.core.realms.models import Realm
from roster.kit.errors import Conflict
from roster.storage import joint
from roster.storage.joint import Part
from roster.storage.runtime import Runtime
from tests import factories

_COUNT = "SELECT count(*) FROM counters WHERE realm_id = $1"


def _insert(realm: Realm, *buckets: str) -> Part:
    return Part(
        "done AS (INSERT INTO counters (realm_id, bucket, spent, resets_at)"
        " SELECT $1, bucket, 1, now() FROM unnest($2::text[]) AS t (bucket) RETURNING bucket, spent)",
        (realm.id, list(buckets)),
    )


def _along(realm: Realm, bucket: str) -> Part:
    return Part(
        "more AS (INSERT INTO counters (realm_id, bucket, spent, resets_at)"
        " SELECT $1, $2, 2, now() FROM (SELECT FROM done LIMIT 1) made)",
        (realm.id, bucket),
    )


async def test_each_part_counts_its_own_parameters(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        first, second = await joint.ask(
            tx,
            ("first", Part("first AS (SELECT $1::text AS a, $2::integer AS b)", ("x", 1))),
            ("second", Part("second AS (SELECT n, $1::text AS first FROM generate_series(1, $2) n)", ("y", 3))),
        )

    assert first == [("x", 1)]
    assert second == [(1, "y"), (2, "y"), (3, "y")]


async def test_a_part_without_rows_is_empty(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await joint.ask(tx, ("none", Part("none AS (SELECT 1 AS none WHERE $1)", (False,))))

    assert found == [[]]


async def test_what_goes_along_is_done_with_the_change_and_not_without(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        statement, args = joint.done(_insert(realm, "one", "two"), _along(realm, "both"))
        assert await tx.rows(statement, *args) == [("one", 1), ("two", 1)]
        assert await tx.value(_COUNT, realm.id) == 3
        statement, args = joint.done(_insert(realm), _along(realm, "neither"))
        assert await tx.rows(statement, *args) == []
        assert await tx.value(_COUNT, realm.id) == 3


async def test_all_of_it_is_undone_together(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        statement, args = joint.done(_insert(realm, "one"), _along(realm, "one"))
        with pytest.raises(Conflict):
            await tx.value(statement, *args, conflicts={"counters_pkey": Conflict})

        assert await tx.value(_COUNT, realm.id) == 0
