"""Who listens hears everything, or believes nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roster import app
from roster.kit.ids import uuid7
from roster.storage import embedded, hearing, pool
from roster.storage.pool import Connection, Pool
from roster.storage.runtime import Runtime
from roster.storage.voids import CHANNEL, EVERYTHING
from tests import factories, listening_to, processes

KILL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1 AND datname = $2"


@pytest.fixture
async def server(own_dsn: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    """A runtime that listens, on a database of its own."""
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    async with listening_to.listening(runtime):
        yield runtime
    await runtime.close()


@pytest.fixture
async def elsewhere(own_dsn: str) -> AsyncIterator[Connection]:
    """Somebody else who is connected to it."""
    connection = await pool.connect(own_dsn)
    yield connection
    await connection.close()


async def test_what_others_tell_is_void(server: Runtime, elsewhere: Connection):
    one, other = uuid7(), uuid7()
    marks, apart = server.voids.marks(one).values, server.voids.marks(other).values

    await elsewhere.execute("SELECT pg_notify($1, $2)", CHANNEL, str(one))
    await listening_to.until(lambda: server.voids.marks(one).values != marks)
    assert server.voids.marks(other).values == apart

    await elsewhere.execute("SELECT pg_notify($1, $2)", CHANNEL, EVERYTHING)
    await listening_to.until(lambda: server.voids.marks(other).values != apart)


async def test_who_loses_the_connection_believes_nothing_and_begins_anew(
    server: Runtime, elsewhere: Connection, own_dsn: str
):
    one = uuid7()
    marks = server.voids.marks(one)
    database = own_dsn.partition("?")[0].rpartition("/")[2]

    assert await elsewhere.fetchval(KILL, hearing.NAME, database) == 1
    await listening_to.until(lambda: not server.voids.are_trusted)
    await elsewhere.execute("SELECT pg_notify($1, $2)", CHANNEL, str(one))  # which nobody hears
    await listening_to.until_trusted(server)

    assert not server.voids.hold(marks)
    assert server.voids.hold(server.voids.marks(one))


async def test_who_does_not_hear_what_others_tell_believes_nothing(server: Runtime, postgres: embedded.Embedded):
    """As behind a pooler that gives a connection to somebody else after each transaction."""
    shared = Pool(server.pool.dsn, 2, voids=server.voids)
    runtime = Runtime(server.settings, shared, server.keyring, server.workers)
    async with runtime.lease() as tx:
        await tx.value("SELECT 1")
    shared.dsn = postgres.dsn_for("postgres", "postgres")

    with pytest.raises(hearing.Deaf):
        await hearing.hear(runtime, patience=0.2)
    await shared.close()


SERVING = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_without_a_folder_to_share_nobody_is_believed_and_the_server_is_seen(
    server: Runtime, elsewhere: Connection
):
    alone = Runtime(server.settings, Pool(server.pool.dsn, 2), server.keyring, server.workers)
    listening = asyncio.create_task(hearing.listen(alone))
    async with asyncio.timeout(processes.PATIENCE):
        while await elsewhere.fetchval(SERVING) < 2:
            await asyncio.sleep(0)

    assert not alone.voids.are_trusted
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await alone.pool.close()


async def test_a_server_whose_release_is_over_is_not_ready(server: Runtime, elsewhere: Connection):
    await elsewhere.execute("INSERT INTO schema_migrations VALUES ('9999_away.post.sql', '', 'roster')")
    assert server.unready == ""

    await elsewhere.fetchval(KILL, hearing.NAME, await elsewhere.fetchval("SELECT current_database()"))

    await listening_to.until(lambda: server.unready == "outdated")
    assert not server.voids.are_trusted
