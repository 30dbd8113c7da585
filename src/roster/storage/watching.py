"""Looking after replicas (`replicas.py`): how far behind each is, and whether it is one at all.

Each worker asks for itself, twice a second. How old a replica is, is found without its clock: the place that the
primary's log had reached at a moment of our own is compared with the place to which the replica has come.
"""

import asyncio
from typing import Final

import structlog

from roster.kit.errors import RosterError, Unavailable
from roster.storage import migrate, pool
from roster.storage.pool import NO_CONNECTION, Connection
from roster.storage.replicas import Replica
from roster.storage.runtime import Runtime
from roster.storage.trimming import trim_all
from roster.storage.tx import Tx
from roster.storage.voids import Voids

_log = structlog.get_logger("roster.storage")

NAME: Final = "roster watching"
"""By which a replica lists these connections."""
_EVERY: Final = 0.5
"""Seconds between two looks, and before one that was left out is asked again."""
_PATIENCE: Final = 2.0
"""Seconds after which a replica that does not answer is left out."""

_SENT: Final = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint"
_REPLAYED: Final = (
    "SELECT pg_is_in_recovery(), (coalesce(pg_last_wal_replay_lsn(), pg_current_wal_flush_lsn()) - '0/0')::bigint"
)
_FORGET: Final = (
    "DELETE FROM recent_writes WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM recent_writes WHERE at < now() - interval '1 hour' LIMIT $1))"
)
"""An hour is more than a replica may ever be behind."""
_WHOSE: Final = "SELECT system_identifier, current_database()::text FROM pg_control_system()"


class Unfit(RosterError):
    """Lists cannot be read from it; the text says why."""

    code = "unfit_replica"


async def watch(runtime: Runtime) -> None:
    """For ever; cancelled when the server stops."""
    async with asyncio.TaskGroup() as group:
        for replica in runtime.replicas:
            group.create_task(_follow(runtime, replica))


async def _follow(runtime: Runtime, replica: Replica) -> None:
    while True:
        try:
            await _attend(runtime, replica)
        except (RosterError, *NO_CONNECTION) as error:
            why = error.message if isinstance(error, RosterError) else str(error) or type(error).__name__
            if why != replica.trouble:
                _log.warning("replica.left_out", replica=replica.name, reason=why)
            replica.trouble = why
        finally:
            replica.leave_out()
        await asyncio.sleep(_EVERY)


async def _attend(runtime: Runtime, replica: Replica) -> None:
    """Until it cannot be used any more, which is raised as Unfit, Unavailable, or what the driver makes of it."""
    async with asyncio.timeout(_PATIENCE):
        connection = await pool.connect(replica.dsn, name=NAME, only_reads=True)
    try:
        async with runtime.lease() as tx:
            ours = await _whose(tx)
        async with asyncio.timeout(_PATIENCE):
            await _require(ours, connection)
        while True:
            await _look(runtime, replica, connection)
            await asyncio.sleep(_EVERY)
    finally:
        connection.terminate()


async def _look(runtime: Runtime, replica: Replica, connection: Connection) -> None:
    asked = Voids.now()
    sent = await _sent(runtime)
    async with asyncio.timeout(_PATIENCE):
        replica.seen(asked, sent, await _replayed(connection))


async def _sent(runtime: Runtime) -> int | None:
    """How far the primary's log is; None when it cannot say, for which the replica is not to blame."""
    try:
        async with asyncio.timeout(_PATIENCE), runtime.lease() as tx:
            return await tx.value(_SENT)
    except (Unavailable, TimeoutError):
        return None


async def _replayed(connection: Connection) -> int:
    (is_replica, place), *_ = (await connection.ask(_REPLAYED, ()))[0]
    if not is_replica:
        raise Unfit("It is no replica, or no longer one: it takes writes itself.")
    return place


async def _whose(tx: Tx) -> tuple[int, str]:
    """By what a database is known, and its copies with it."""
    rows = await tx.rows(_WHOSE)
    return rows[0][0], rows[0][1]


async def _require(ours: tuple[int, str], connection: Connection) -> None:
    """Whatever else it holds, it must not be somebody else's database."""
    rows, _ = await connection.ask(_WHOSE, ())
    if tuple(rows[0]) != ours:
        raise Unfit("It is a copy of another database.")


async def behind(tx: Tx, dsn: str) -> int:
    """How many bytes of log a replica lacks. For operators: raises Unfit, Unavailable when it cannot be used."""
    connection = await pool.connect(dsn, name=NAME, only_reads=True)
    try:
        await _require(await _whose(tx), connection)
        sent: int = await tx.value(_SENT)
        place = await _replayed(connection)
        if await migrate.pending(connection) != await tx.with_connection(migrate.pending):
            raise Unfit("It lacks migrations that the primary has.")
        return max(0, sent - place)
    except NO_CONNECTION as error:
        raise Unfit(f"It cannot be asked: {error}") from error
    finally:
        connection.terminate()


async def forget(runtime: Runtime, *, batch: int = 10_000) -> int:
    """Remove notes of writes that every replica in use has long had, in transactions of so many; their number."""
    return await trim_all(runtime, lambda tx, portion: tx.run(_FORGET, portion), batch)
