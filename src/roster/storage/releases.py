"""Which releases serve a database, so that a new one takes nothing away from an older one beside it (`migrate.py`).

Every worker holds a lock as long as one connection of its lasts; the lock's number stands for what its release knows.
"""

import zlib
from collections.abc import Iterable
from typing import Final

import asyncpg

_KIND: Final = 0x526F7374
"""Of all these locks, apart from any other."""
_OTHERS: Final = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = $1::int::oid AND objid <> $2::int::oid AND objsubid = 2 AND granted
)"""


def number_of(migrations: Iterable[str]) -> int:
    """What stands for a release that knows these migrations."""
    return zlib.crc32("\n".join(sorted(migrations)).encode()) & 0x7FFFFFFF


async def be_seen(connection: asyncpg.Connection, number: int) -> None:
    """Be known as one who serves, for as long as the connection lasts."""
    await connection.execute("SELECT pg_advisory_lock_shared($1, $2)", _KIND, number)


async def are_others(connection: asyncpg.Connection, number: int) -> bool:
    """Whether any other release serves the database now."""
    return await connection.fetchval(_OTHERS, _KIND, number)
