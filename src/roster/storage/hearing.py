"""Listening for what is void (`voids.py`): one connection of each worker, besides those of its pool.

It is asked again and again whether it still is there: whatever was told before it answers has been heard by then. When
it does not answer in time, nothing that is remembered is believed until it does; when it is lost, all of it is void.
"""

import asyncio
from typing import Any, Final

import structlog

from roster.kit.errors import Unavailable
from roster.kit.ids import uuid7
from roster.storage import migrate, pool
from roster.storage.pool import Connection
from roster.storage.runtime import Runtime
from roster.storage.voids import CHANNEL, EVERYTHING, Voids

_log = structlog.get_logger("roster.storage")

NAME: Final = "roster hearing"
"""By which the database lists these connections."""
_EVERY: Final = 0.3
"""Seconds between two questions."""
_PATIENCE: Final = 5.0
"""Seconds after which a connection that does not answer is given up."""
_PAUSE: Final = 0.5
"""Seconds after which a lost connection is opened again."""
_LONG_PAUSE: Final = 60.0


class Deaf(Exception):
    """What others tell does not reach a connection: something in between shares it out to several."""


async def listen(runtime: Runtime) -> None:
    """For ever; cancelled when the server stops. The connection also says which release serves the database."""
    if not runtime.voids.is_shared:
        _log.warning("memory.not_shared", text="The data folder cannot be used: nobody is remembered between requests.")
    while True:
        pause = _PAUSE
        try:
            await hear(runtime)
        except Deaf:
            _log.warning("memory.deaf", text="A pooler swallows notifications: nobody is remembered between requests.")
            pause = _LONG_PAUSE
        except migrate.SchemaTooNew as error:
            _log.error("schema.too_new", text=error.message)
            runtime.unready = "outdated"
            pause = _LONG_PAUSE
        except (Unavailable, *pool.NO_CONNECTION):
            pass
        await asyncio.sleep(pause)


async def hear(runtime: Runtime, *, patience: float = _PATIENCE) -> None:
    """Until the connection is lost, which is raised as whatever the driver makes of it, or does not answer in time.

    Raises Deaf, Unavailable, SchemaTooNew.
    """
    voids = runtime.voids
    connection = await pool.connect(runtime.pool.dsn, name=NAME)
    try:
        connection.add_termination_listener(lambda _: voids.distrust())
        ear = _Ear(voids)
        async with asyncio.timeout(patience):
            await connection.add_listener(CHANNEL, ear)
        await _require_hearing(runtime, ear, patience)
        await migrate.serve(connection)
        voids.void([EVERYTHING])  # and whatever was told before
        while True:
            await _ask(connection, voids, patience)
            await asyncio.sleep(_EVERY)
    finally:
        voids.distrust()
        connection.terminate()


async def _ask(connection: Connection, voids: Voids, patience: float) -> None:
    asked = voids.now()
    async with asyncio.timeout(patience):
        await connection.ask("SELECT 1", ())
    voids.trust(asked)


async def _require_hearing(runtime: Runtime, ear: "_Ear", patience: float) -> None:
    """Raise Deaf unless what another connection tells comes here."""
    word = str(uuid7())
    heard = ear.waiting[word] = asyncio.get_running_loop().create_future()
    async with runtime.lease() as tx:
        await tx.value("SELECT pg_notify($1, $2)", CHANNEL, word)
    try:
        async with asyncio.timeout(patience):
            await heard
    except TimeoutError:
        raise Deaf from None


class _Ear:
    """What the driver calls for each name that is told."""

    def __init__(self, voids: Voids) -> None:
        self._voids = voids
        self.waiting: dict[object, asyncio.Future[None]] = {}

    def __call__(self, _connection: Any, _pid: int, _channel: str, name: object) -> None:
        heard = self.waiting.pop(name, None)
        if heard is None:
            self._voids.void([str(name)])
        elif not heard.done():
            heard.set_result(None)
