"""Brings a database to the schema this program knows.

A migration is a plain SQL file `migrations/0001_name.pre.sql` or `.post.sql`, applied once, in number order, in a
transaction of its own. `pre` only adds, so that the previous release still works on it; `post` takes away what only
that release needed, and so waits until no server of another release serves the database (`releases.py`). An older
release works on a database with a newer one's `pre`, and on none with its `post`. A file is never changed after its
release: its SHA-256 is recorded and compared.
The tables of procrastinate come from the installed package, in the same record.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

import asyncpg
import msgspec

from roster.kit.errors import RosterError
from roster.storage import releases

FOLDER = Path(__file__).with_name("migrations")
BOTH = ("pre", "post")
OLDEST_SERVER = 16

_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.(pre|post)\.sql")
_LOCK = 0x526F73746572  # "Roster": one number for all who migrate a database
_LOCK_TIMEOUT = "5s"
_TRIES = 12
_PROCRASTINATE = "procrastinate/"
_WHOLE = f"{_PROCRASTINATE}schema.sql"
_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name        text PRIMARY KEY,
    checksum    text NOT NULL,
    source      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(RosterError):
    """The schema cannot be brought up to date; the text says why. Nothing of the failed file stays."""

    code = "migration_failed"
    text = "The database schema cannot be brought up to date."


class UnsupportedServer(MigrationError):
    """The database server is too old, or the database does not store Unicode."""

    code = "unsupported_database"


class SchemaTooNew(MigrationError):
    """A newer release has taken away from this database what ours may need."""

    code = "schema_too_new"


class SchemaChanged(MigrationError):
    """A migration file differs from what was applied under its name."""

    code = "schema_changed"


class Migration(msgspec.Struct, frozen=True):
    """One file; `source` says whose it is."""

    name: str
    phase: str
    sql: str
    source: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def apply(connection: asyncpg.Connection, phases: Collection[str] = BOTH, *, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing and return the names; whoever comes second waits and finds nothing left to do.

    As long as another release serves the database, `post` is left out whatever is asked for.
    Raises UnsupportedServer, SchemaTooNew, SchemaChanged, MigrationError.
    """
    check_server(connection.get_server_version().major, await connection.fetchval("SHOW server_encoding"))
    async with _alone(connection):
        await connection.execute(_RECORD)
        recorded = await _recorded(connection)
        ours = in_folder(folder)
        _check(ours, recorded)
        if await releases.are_others(connection, _number(ours)):
            phases = ("pre",)
        missing = [*_missing_of_procrastinate(recorded, phases), *_missing(ours, recorded, phases)]
        for migration in missing:
            await _apply(connection, migration)
    return [migration.name for migration in missing]


async def pending(
    connection: asyncpg.Connection, phases: Collection[str] = BOTH, *, folder: Path = FOLDER
) -> list[str]:
    """Names of migrations of these phases that are not applied yet, in order. Raises SchemaTooNew, SchemaChanged."""
    exists = await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
    recorded = await _recorded(connection) if exists else {}
    ours = in_folder(folder)
    _check(ours, recorded)
    missing = [*_missing_of_procrastinate(recorded, phases), *_missing(ours, recorded, phases)]
    return [migration.name for migration in missing]


async def serve(connection: asyncpg.Connection, *, folder: Path = FOLDER) -> None:
    """Let other releases know, as long as the connection lasts, that this one serves the database.

    Waits while somebody migrates it, so that either they see us, or we what they did. Raises SchemaChanged, and
    SchemaTooNew when something was taken away.
    """
    ours = in_folder(folder)
    await connection.execute("SELECT pg_advisory_lock_shared($1)", _LOCK)
    try:
        await releases.be_seen(connection, _number(ours))
        _check(ours, await _recorded(connection))
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock_shared($1)", _LOCK)


def check_server(major: int, encoding: str) -> None:
    """Raises UnsupportedServer."""
    if major < OLDEST_SERVER:
        raise UnsupportedServer(f"Roster needs PostgreSQL {OLDEST_SERVER} or newer; the server is version {major}.")
    if encoding != "UTF8":
        raise UnsupportedServer(f"The database must be created with the encoding UTF8; it has {encoding}.")


def in_folder(folder: Path) -> list[Migration]:
    """The folder's migrations in number order. Raises MigrationError for a name or number that does not fit."""
    found: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        name = _NAME.fullmatch(file.name)
        if name is None:
            raise MigrationError(f"{file.name} is not named like 0001_name.pre.sql or 0001_name.post.sql.")
        found.append(Migration(file.name, name[1], file.read_text("utf-8"), "roster"))
    numbers = [(migration.name[:4], migration.phase) for migration in found]
    if len(set(numbers)) < len(numbers):
        raise MigrationError("Two migrations have the same number and phase.")
    return sorted(found, key=lambda migration: (migration.name[:4], migration.phase == "post"))


def _check(ours: Iterable[Migration], recorded: dict[str, str]) -> None:
    known = {migration.name: migration.checksum for migration in ours}
    changed = [name for name, checksum in recorded.items() if known.get(name, checksum) != checksum]
    if changed:
        raise SchemaChanged(f"Changed after they were applied: {', '.join(changed)}.")
    foreign = {_WHOLE, *(migration.name for migration in _of_procrastinate())}
    newer = sorted(name for name in recorded.keys() - known.keys() - foreign if _phase_of(name) == "post")
    if newer:
        raise SchemaTooNew(
            f"The database was migrated by a newer release of Roster ({', '.join(newer)}); run that release."
        )


def _phase_of(name: str) -> str:
    """Of a migration that may be unknown here; procrastinate's older ones, which say nothing, are all known."""
    return "pre" if ".pre." in name or "_pre_" in name else "post"


def _number(ours: Iterable[Migration]) -> int:
    return releases.number_of(migration.name for migration in (*ours, *_of_procrastinate()))


def _missing(all_: Iterable[Migration], recorded: Collection[str], phases: Collection[str]) -> list[Migration]:
    return [migration for migration in all_ if migration.name not in recorded and migration.phase in phases]


def _missing_of_procrastinate(recorded: Collection[str], phases: Collection[str]) -> list[Migration]:
    """Its whole schema the first time, later the steps that its newer releases brought."""
    steps = _of_procrastinate()
    if any(name.startswith(_PROCRASTINATE) for name in recorded):
        return _missing(steps, recorded, phases)
    whole = _sql_of_procrastinate() / "schema.sql"
    return [Migration(_WHOLE, "pre", whole.read_text("utf-8"), _source_of_procrastinate())]


def _of_procrastinate() -> list[Migration]:
    source = _source_of_procrastinate()
    files = sorted((_sql_of_procrastinate() / "migrations").iterdir(), key=lambda file: file.name)
    return [
        Migration(_PROCRASTINATE + file.name, _phase_of_step(file.name), file.read_text("utf-8"), source)
        for file in files
        if file.name.endswith(".sql")
    ]


def _phase_of_step(name: str) -> str:
    return "post" if "_post_" in name else "pre"


def _sql_of_procrastinate() -> Traversable:
    return resources.files("procrastinate.sql")


@cache
def _source_of_procrastinate() -> str:
    return f"procrastinate {metadata.version('procrastinate')}"


@asynccontextmanager
async def _alone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _recorded(connection: asyncpg.Connection) -> dict[str, str]:
    rows = await connection.fetch("SELECT name, checksum FROM schema_migrations ORDER BY name")
    return {row["name"]: row["checksum"] for row in rows}


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    """Try again when a lock is not to be had: whoever waits for a lock makes everybody else wait behind it."""
    for attempt in range(1, _TRIES + 1):
        try:
            return await _apply_once(connection, migration)
        except asyncpg.LockNotAvailableError as error:
            if attempt == _TRIES:
                raise MigrationError(f"{migration.name}: the tables are in use, try again later.") from error
        except asyncpg.PostgresError as error:
            raise MigrationError(f"{migration.name}: {error}") from error
    return None


async def _apply_once(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'; SET LOCAL statement_timeout = 0")
        await connection.execute(migration.sql)
        for done in (migration, *_contained(migration)):
            await connection.execute(
                "INSERT INTO schema_migrations (name, checksum, source) VALUES ($1, $2, $3)",
                done.name,
                done.checksum,
                done.source,
            )


def _contained(migration: Migration) -> list[Migration]:
    """Procrastinate's whole schema has all its steps inside."""
    return _of_procrastinate() if migration.name == _WHOLE else []
