"""What a database holds of people, and whether rows, trail and events tell the same story."""

import asyncio
from collections.abc import Collection
from typing import Any

import asyncpg

from tests.processes import PATIENCE

_STORY = """
SELECT u.username,
    (SELECT count(*) FROM audit_entries a WHERE a.subject_id = u.id AND a.action = 'user.created') AS entries,
    (SELECT count(*) FROM outbox_events o WHERE o.subject_id = u.id AND o.type = 'user.created') AS events
FROM users u WHERE u.username LIKE $1 || '%'
"""
_STRAY = """
SELECT (SELECT count(*) FROM audit_entries a WHERE a.action = 'user.created'
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = a.subject_id))
    + (SELECT count(*) FROM outbox_events o WHERE o.type = 'user.created'
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = o.subject_id))
"""
_WAITED_FOR = "SELECT count(*) FROM pg_locks WHERE relation = $1::text::regclass AND NOT granted"


class Records:
    """Looks at tables past the server."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self.connection = connection

    async def people(self, beginning: str) -> list[str]:
        """Everybody whose name begins so, each of whom has exactly one entry and one event; and nobody else has."""
        rows = await self.connection.fetch(_STORY, beginning)
        assert {(row["entries"], row["events"]) for row in rows} <= {(1, 1)}
        assert await self.connection.fetchval(_STRAY) == 0
        return [row["username"] for row in rows]

    async def expect(self, beginning: str, acknowledged: Collection[str]) -> None:
        """Everything acknowledged is there, once."""
        found = await self.people(beginning)
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)

    async def story(self, subject_id: str) -> tuple[list[str], list[str]]:
        """What the trail and the events say was done to somebody, in its order."""
        entries = await self.connection.fetch(
            "SELECT action FROM audit_entries WHERE subject_id = $1::uuid ORDER BY id", subject_id
        )
        events = await self.connection.fetch(
            "SELECT type FROM outbox_events WHERE subject_id = $1::uuid ORDER BY position", subject_id
        )
        return [each["action"] for each in entries], [each["type"] for each in events]

    async def until_waited_for(self, table: str) -> None:
        """Until somebody waits for this table."""
        async with asyncio.timeout(PATIENCE):
            while not await self.connection.fetchval(_WAITED_FOR, table):
                await asyncio.sleep(0)

    async def waits_for_a_lock(self) -> int | None:
        """The process that has written a person and waits for the events' table; what is due at a start may wait too.

        `pg_stat_activity` would not move within a transaction.
        """
        return await self.connection.fetchval(
            "SELECT w.pid FROM pg_locks w JOIN pg_locks h ON h.pid = w.pid AND h.granted AND h.mode LIKE 'RowExcl%'"
            " AND h.relation = 'users'::regclass WHERE w.relation = 'outbox_events'::regclass AND NOT w.granted"
        )
