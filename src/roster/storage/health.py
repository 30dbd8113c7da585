"""What an operator wants to know about the database, and signs of trouble in it."""

from functools import partial

import msgspec

from roster.kit.errors import NotFound
from roster.storage import migrate
from roster.storage.tx import Tx


class Facts(msgspec.Struct, frozen=True):
    """The server and the schema."""

    server_version: str
    size_mb: int
    pending_migrations: list[str]
    waiting_migrations: list[str]
    """Those that take away what servers of another release may need."""


class Trouble(msgspec.Struct, frozen=True):
    """Counts of what should not be."""

    has_main: bool
    realms_without_administrator: int
    failed_messages: int
    stuck_transfers: int
    stray_audit_entries: int


async def facts(tx: Tx) -> Facts:
    """Version and size of the database, and the migrations it lacks."""
    version, size = (
        await tx.rows("SELECT current_setting('server_version'), pg_database_size(current_database()) / 1000000")
    )[0]
    pending = await tx.with_connection(partial(migrate.pending, phases=("pre",)))
    waiting = [name for name in await tx.with_connection(migrate.pending) if name not in pending]
    return Facts(version.partition(" ")[0], size, pending, waiting)


async def trouble(tx: Tx) -> Trouble:
    """Only for a schema that is up to date."""
    return await tx.one(
        Trouble,
        "SELECT EXISTS (SELECT FROM realms WHERE slug = 'main'),"
        " (SELECT count(*) FROM realms r WHERE r.status = 'active' AND EXISTS (SELECT FROM users u"
        " WHERE u.realm_id = r.id) AND NOT EXISTS (SELECT FROM assignments a"
        " JOIN roles o ON o.realm_id = a.realm_id AND o.id = a.role_id AND '*' = ANY(o.permissions)"
        " JOIN users u ON u.realm_id = a.realm_id AND u.id = a.user_id AND u.status = 'active' AND u.deleted_at IS NULL"
        " WHERE a.realm_id = r.id)),"
        " (SELECT count(*) FROM messages WHERE state = 'failed'),"
        " (SELECT count(*) FROM transfers WHERE state = 'running'"
        " AND seen_at < $1::timestamptz - interval '10 minutes'),"
        " (SELECT count(*) FROM audit_entries_rest)",
        tx.now,
        missing=NotFound,
    )
