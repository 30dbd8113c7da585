"""Room on the disk of the embedded database: changes stop before it is full.

On a full disk PostgreSQL breaks off a statement that wants to store a row, but ends with all its connections where it
is about to write its own log, and does not come back before there is room. With a reserve left it goes on answering
reads, and what is refused can be repeated.
"""

import asyncio
import os
from pathlib import Path
from typing import Final

import structlog

from roster.storage import pool
from roster.storage.embedded import Embedded
from roster.storage.runtime import Runtime

_log = structlog.get_logger("roster.storage")

_EVERY: Final = 1.0
"""Seconds between two looks; an import writes some 50 MB meanwhile."""
_MB: Final = 1_000_000


async def keep(runtime: Runtime) -> None:
    """Look for ever; cancelled when the server stops."""
    database = Embedded(runtime.settings.data)
    while True:
        if await asyncio.to_thread(look, database, runtime.settings.database.reserve_mb):
            await _shrink(database)
        await asyncio.sleep(_EVERY)


def look(database: Embedded, reserve_mb: int) -> bool:
    """Have changes refused when there is less room than this, and taken again when there is a quarter more.

    Whether they are refused from now on. Raises EmbeddedError, OSError.
    """
    is_held = database.is_held
    free = _free(database.folder)
    if not is_held and free < reserve_mb:
        database.hold(is_held=True)
        _log.error("disk.full", free_mb=free, reserve_mb=reserve_mb)
        return True
    if is_held and free >= reserve_mb * 1.25:
        database.hold(is_held=False)
        _log.warning("disk.has_room", free_mb=free)
    return False


def _free(folder: Path) -> int:
    """Megabytes that an account without privileges may still write."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // _MB


async def _shrink(database: Embedded) -> None:
    """Let go of the log that was kept for a recovery, which may be most of what is stored after an import."""
    connection = await pool.connect(database.dsn_for("postgres", "postgres"))
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
