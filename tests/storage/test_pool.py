"""The lease on connections."""

import pytest

from roster.kit.errors import TooMany
from roster.storage import pool
from roster.storage.runtime import NOBODY, Runtime
from roster.storage.tx import Tx


async def test_a_statement_that_takes_too_long_is_broken_off(runtime: Runtime, dsn: str):
    connection = await pool.connect(dsn, longest=1)
    tx = Tx(runtime, connection, NOBODY)

    with pytest.raises(TooMany):
        await tx.value("SELECT pg_sleep(600)")
    assert await tx.value("SELECT 1") == 1
    await connection.close()


async def test_connections_of_requests_have_such_a_limit(runtime: Runtime):
    async with runtime.lease() as tx:
        assert await tx.value("SHOW statement_timeout") == "1min"
