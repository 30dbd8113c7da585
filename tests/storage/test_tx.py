"""Units of work: what is broken off when it takes too long."""

import pytest

from roster.core.realms.models import Realm
from roster.kit.errors import InvalidInput, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories

LIMIT = "SELECT current_setting('statement_timeout')"


async def test_a_statement_is_broken_off_within_its_bounds_only(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        before = await tx.value(LIMIT)
        with pytest.raises(TooMany):
            await _sleep(tx)
        assert await tx.value(LIMIT) == before


async def _sleep(tx: Tx) -> None:
    async with tx.bounded(1):
        assert await tx.value(LIMIT) == "1s"
        await tx.value("SELECT pg_sleep(30)")


async def test_bounds_end_with_their_block_inside_of_a_transaction_too(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        before = await tx.value(LIMIT)
        async with tx.bounded(7):
            assert await tx.value(LIMIT) == "7s"
        assert await tx.value(LIMIT) == before


async def test_an_expression_that_the_database_cannot_take_is_invalid_input(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput):
            await tx.value("SELECT 'a' ~ $1::text", "(")
