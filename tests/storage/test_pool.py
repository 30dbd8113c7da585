"""The lease on connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from roster.kit.errors import TooMany, Unavailable
from roster.storage import pool
from roster.storage.runtime import NOBODY, Runtime
from roster.storage.tx import Tx
from tests import listening_to, processes
from tests.faults.proxy import Proxy


async def test_a_statement_that_takes_too_long_is_broken_off(runtime: Runtime, dsn: str):
    connection = await pool.connect(dsn, longest=1)
    tx = Tx(runtime, connection, NOBODY)

    with pytest.raises(TooMany):
        await tx.value("SELECT pg_sleep(600)")
    assert await tx.value("SELECT 1") == 1
    await connection.close()


async def test_a_server_that_is_silent_is_given_up(runtime: Runtime, dsn: str):
    connection = await pool.connect(dsn)
    connection.patience = 2
    tx = Tx(runtime, connection, NOBODY)
    backend = await tx.value("SELECT pg_backend_pid()")

    with pytest.raises(Unavailable):
        await tx.value("SELECT pg_sleep(600)")
    assert connection.is_closed()
    async with runtime.lease() as other:
        await other.value("SELECT pg_terminate_backend($1)", backend)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_rows_that_nobody_reads_any_more_wait_for_nobody_once_the_server_is_lost(
    runtime: Runtime, dsn: str, run: Callable[[Coroutine[Any, Any, None]], None]
):
    """The driver stops writing while the server does not read, and is told by nobody that it was lost meanwhile."""
    with pytest.raises(Unavailable):
        await asyncio.to_thread(run, _lost_while_writing(runtime, Proxy(dsn)))


async def _lost_while_writing(runtime: Runtime, line: Proxy) -> None:
    given = 0

    async def rows() -> AsyncIterator[tuple[str]]:
        nonlocal given
        with line.silent():
            while not connection.is_closed():
                given += 1
                yield ("x" * 65536,)

    async with line.listening():
        connection = await pool.connect(line.url)
        tx = Tx(runtime, connection, NOBODY)
        await tx.run("CREATE TEMP TABLE loaded (text text)")
        loading = asyncio.create_task(tx.copy("loaded", ["text"], rows()))
        before = -1
        while not given or given != before:
            before = given
            for _ in range(1000):
                await asyncio.sleep(0)
    async with asyncio.timeout(processes.PATIENCE):
        await loading


async def test_a_connection_that_is_given_up_is_no_failure(dsn: str, caplog: pytest.LogCaptureFixture):
    connection = await pool.connect(dsn)
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())

    connection.terminate()
    await gone.wait()
    await asyncio.sleep(0)

    assert caplog.records == []


async def test_connections_of_requests_have_such_a_limit(runtime: Runtime):
    async with runtime.lease() as tx:
        assert await tx.value("SHOW statement_timeout") == "1min"


async def test_a_connection_that_lies_ready_is_taken_without_waiting_and_by_one_alone(dsn: str):
    connections = pool.Pool(dsn, 1)
    assert connections.take() is None
    leased = await connections.lease()
    assert connections.take() is None

    connections.release(leased)
    taken = connections.take()

    assert taken is leased
    assert connections.take() is None
    connections.release(leased)
    await connections.close()


async def test_a_connection_that_was_lost_meanwhile_is_not_taken(dsn: str):
    connections = pool.Pool(dsn, 1)
    lost = await connections.lease()
    connections.release(lost)
    lost.terminate()

    assert connections.take() is None
    anew = await connections.lease()
    assert await anew.fetchval("SELECT 1") == 1
    connections.release(anew)
    await connections.close()


async def test_connections_that_nobody_needed_between_two_looks_are_closed_but_one(dsn: str):
    connections = pool.Pool(dsn, 4)
    opened = [await connections.lease() for _ in range(4)]
    for each in opened:
        connections.release(each)
    connections.close_spare()  # all were needed until just now
    assert not any(each.is_closed() for each in opened)

    for each in [await connections.lease(), await connections.lease()]:
        connections.release(each)
    connections.close_spare()
    await listening_to.until(lambda: sum(each.is_closed() for each in opened) == 2)
    assert not any(each.is_closed() for each in opened[2:])  # those that were given back last

    for _ in range(2):
        connections.close_spare()
    await listening_to.until(lambda: sum(each.is_closed() for each in opened) == 3)
    assert connections.take() is opened[2]
    connections.release(opened[2])
    await connections.close()


async def test_a_pool_looks_by_itself_for_connections_that_nobody_needs(dsn: str):
    connections = pool.Pool(dsn, 3, quiet=0.01)
    opened = [await connections.lease() for _ in range(3)]

    for each in opened:
        connections.release(each)
    await listening_to.until(lambda: sum(each.is_closed() for each in opened) == 2)

    again = await connections.lease()
    assert await again.fetchval("SELECT 1") == 1
    connections.release(again)
    await connections.close()
