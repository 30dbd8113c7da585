"""Migrations from folders of a test's own, into a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from roster.storage import migrate

FIRST = {"0001_people.pre.sql": "CREATE TABLE people (name text); CREATE TABLE old (name text);"}
SECOND = {"0002_tidy.post.sql": "DROP TABLE old;", "0002_notes.pre.sql": "CREATE TABLE notes (text text);"}


@pytest.fixture
async def connection(empty_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_dsn)
    yield connection
    await connection.close()


def folder_of(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(exist_ok=True)
    for name, sql in files.items():
        (path / name).write_text(sql)
    return path


def own(names: list[str]) -> list[str]:
    return [name for name in names if "/" not in name]


async def tables(connection: asyncpg.Connection) -> set[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {row["relname"] for row in rows}


async def test_an_empty_database_gets_our_tables_and_those_of_the_job_queue(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    applied = await migrate.apply(connection, folder=folder_of(tmp_path, FIRST))

    assert applied == ["procrastinate/schema.sql", "0001_people.pre.sql"]
    assert {"people", "procrastinate_jobs", "schema_migrations"} <= await tables(connection)
    assert await migrate.apply(connection, folder=tmp_path) == []


async def test_the_packaged_migrations_are_all_recorded_after_a_start(own_dsn: str) -> None:
    connection = await asyncpg.connect(own_dsn)
    recorded = await connection.fetch("SELECT name FROM schema_migrations WHERE source = 'roster' ORDER BY name")
    left = await migrate.pending(connection)
    await connection.close()

    assert [row["name"] for row in recorded] == sorted(file.name for file in migrate.FOLDER.glob("*.sql"))
    assert left == []


async def test_files_are_applied_in_number_order_and_pre_before_post(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    applied = await migrate.apply(connection, folder=folder_of(tmp_path, FIRST | SECOND))

    assert own(applied) == ["0001_people.pre.sql", "0002_notes.pre.sql", "0002_tidy.post.sql"]


async def test_post_waits_until_it_is_asked_for(connection: asyncpg.Connection, tmp_path: Path) -> None:
    folder_of(tmp_path, FIRST | SECOND)

    assert "0002_tidy.post.sql" not in await migrate.apply(connection, ("pre",), folder=tmp_path)
    assert "old" in await tables(connection)
    assert await migrate.pending(connection, folder=tmp_path) == ["0002_tidy.post.sql"]
    assert await migrate.apply(connection, ("post",), folder=tmp_path) == ["0002_tidy.post.sql"]
    assert "old" not in await tables(connection)


async def test_a_file_that_was_changed_after_it_was_applied_is_refused_by_name(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await migrate.apply(connection, folder=folder_of(tmp_path, FIRST))
    folder_of(tmp_path, {"0001_people.pre.sql": "CREATE TABLE people (name text, age int);"} | SECOND)

    with pytest.raises(migrate.SchemaChanged, match="0001_people"):
        await migrate.apply(connection, folder=tmp_path)
    assert "notes" not in await tables(connection)


async def test_a_database_from_which_a_newer_release_took_away_is_refused(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    old = folder_of(tmp_path / "old", FIRST)
    await migrate.apply(connection, folder=folder_of(tmp_path / "new", FIRST | SECOND))

    for refused in (migrate.apply, migrate.pending, migrate.serve):
        with pytest.raises(migrate.SchemaTooNew, match=r"\(0002_tidy\.post\.sql\)"):
            await refused(connection, folder=old)


async def test_what_a_newer_release_has_only_added_is_no_matter(connection: asyncpg.Connection, tmp_path: Path) -> None:
    old = folder_of(tmp_path / "old", FIRST)
    await migrate.apply(connection, ("pre",), folder=folder_of(tmp_path / "new", FIRST | SECOND))

    assert await migrate.apply(connection, folder=old) == await migrate.pending(connection, folder=old) == []
    await migrate.serve(connection, folder=old)


@pytest.fixture
async def beside(empty_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Another server's connection."""
    connection = await asyncpg.connect(empty_dsn)
    yield connection
    await connection.close()


async def test_nothing_is_taken_away_while_another_release_serves(
    connection: asyncpg.Connection, beside: asyncpg.Connection, tmp_path: Path
) -> None:
    old, new = folder_of(tmp_path / "old", FIRST), folder_of(tmp_path / "new", FIRST | SECOND)
    await migrate.apply(beside, folder=old)
    await migrate.serve(beside, folder=old)

    assert own(await migrate.apply(connection, folder=new)) == ["0002_notes.pre.sql"]
    assert own(await migrate.apply(connection, folder=new)) == []
    assert await migrate.pending(connection, ("pre",), folder=new) == []
    assert await migrate.pending(connection, folder=new) == ["0002_tidy.post.sql"]
    await beside.close()
    await until_gone(connection)

    assert own(await migrate.apply(connection, folder=new)) == ["0002_tidy.post.sql"]


async def until_gone(connection: asyncpg.Connection) -> None:
    """Until the database has noticed that nobody else is connected."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while await connection.fetchval(others):
        pass


async def test_servers_of_the_same_release_are_no_hindrance(
    connection: asyncpg.Connection, beside: asyncpg.Connection, tmp_path: Path
) -> None:
    new = folder_of(tmp_path, FIRST | SECOND)
    await migrate.apply(beside, ("pre",), folder=new)
    await migrate.serve(beside, folder=new)

    assert own(await migrate.apply(connection, folder=new)) == ["0002_tidy.post.sql"]


async def until_waiting_for(connection: asyncpg.Connection, kind: str) -> None:
    """Until somebody waits for a lock of this kind."""
    while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = $1 AND NOT granted", kind):
        await asyncio.sleep(0)


async def test_who_begins_to_serve_while_another_migrates_waits_for_the_outcome(
    connection: asyncpg.Connection, beside: asyncpg.Connection, empty_dsn: str, tmp_path: Path
) -> None:
    old = folder_of(tmp_path / "old", FIRST)
    await migrate.apply(beside, folder=old)
    async with connection.transaction():
        await connection.execute("LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE")
        other = await asyncpg.connect(empty_dsn)
        migrating = asyncio.create_task(migrate.apply(other, folder=folder_of(tmp_path / "new", FIRST | SECOND)))
        await until_waiting_for(connection, "relation")
        serving = asyncio.create_task(migrate.serve(beside, folder=old))
        await until_waiting_for(connection, "advisory")
    assert own(await migrating) == ["0002_notes.pre.sql", "0002_tidy.post.sql"]
    await other.close()

    with pytest.raises(migrate.SchemaTooNew):
        await serving


@pytest.mark.parametrize(("step", "is_refused"), [("99.00.00_01_pre_new", False), ("99.00.00_50_post_new", True)])
async def test_a_newer_job_queue_is_refused_when_it_has_taken_away(
    connection: asyncpg.Connection, tmp_path: Path, step: str, is_refused: bool
) -> None:
    await migrate.apply(connection, folder=tmp_path)
    record = "INSERT INTO schema_migrations VALUES ($1, '', 'procrastinate 99')"
    await connection.execute(record, f"procrastinate/{step}.sql")

    if not is_refused:
        assert await migrate.apply(connection, folder=tmp_path) == []
        return
    with pytest.raises(migrate.SchemaTooNew, match=r"99\.00\.00"):
        await migrate.apply(connection, folder=tmp_path)


async def test_a_step_of_the_job_queue_that_is_missing_is_made_up_for(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    step = "procrastinate/00.17.00_02_delete_finished_jobs.sql"
    await migrate.apply(connection, folder=tmp_path)
    await connection.execute("DELETE FROM schema_migrations WHERE name = $1", step)

    assert await migrate.apply(connection, folder=tmp_path) == [step]


async def test_of_a_file_that_fails_nothing_stays_and_its_forerunners_do(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    folder_of(tmp_path, FIRST | {"0002_bad.pre.sql": "CREATE TABLE half (a int); SELECT 1/0;"})

    with pytest.raises(migrate.MigrationError, match=r"0002_bad\.pre\.sql: division by zero"):
        await migrate.apply(connection, folder=tmp_path)
    assert "people" in await tables(connection)
    assert "half" not in await tables(connection)

    folder_of(tmp_path, {"0002_bad.pre.sql": "CREATE TABLE half (a int);"})
    assert own(await migrate.apply(connection, folder=tmp_path)) == ["0002_bad.pre.sql"]


async def test_servers_that_start_at_once_apply_each_file_once(empty_dsn: str, tmp_path: Path) -> None:
    folder_of(tmp_path, FIRST | SECOND)
    servers = [await asyncpg.connect(empty_dsn) for _ in range(6)]

    results = await asyncio.gather(*(migrate.apply(server, folder=tmp_path) for server in servers))
    for server in servers:
        await server.close()

    assert sorted(len(applied) for applied in results) == [0, 0, 0, 0, 0, 4]


async def test_the_lock_is_given_back_after_a_failure(empty_dsn: str, tmp_path: Path) -> None:
    folder_of(tmp_path, {"0001_bad.pre.sql": "SELECT 1/0;"})
    first, second = await asyncpg.connect(empty_dsn), await asyncpg.connect(empty_dsn)

    with pytest.raises(migrate.MigrationError):
        await migrate.apply(first, folder=tmp_path)
    folder_of(tmp_path, {"0001_bad.pre.sql": "SELECT 1;"})
    applied = await migrate.apply(second, folder=tmp_path)
    await first.close()
    await second.close()

    assert own(applied) == ["0001_bad.pre.sql"]


async def test_each_file_runs_with_a_lock_timeout_that_ends_with_it(
    connection: asyncpg.Connection, empty_dsn: str, tmp_path: Path
) -> None:
    folder_of(
        tmp_path,
        FIRST | {"0002_timeout.pre.sql": "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS value;"},
    )

    await migrate.apply(connection, folder=tmp_path)

    assert await connection.fetchval("SELECT value FROM seen") == "5s"
    assert await connection.fetchval("SHOW lock_timeout") == "0"


@pytest.mark.parametrize("name", ["1_people.pre.sql", "0001_people.sql", "0001_People.pre.sql", "0001-people.post.sql"])
def test_a_file_with_a_name_that_says_no_number_and_phase_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(migrate.MigrationError, match="not named like"):
        migrate.in_folder(folder_of(tmp_path, {name: ""}))


def test_two_files_with_one_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(migrate.MigrationError, match="same number"):
        migrate.in_folder(folder_of(tmp_path, {"0001_a.pre.sql": "", "0001_b.pre.sql": ""}))


def test_an_old_server_or_one_without_unicode_is_refused_with_its_version() -> None:
    migrate.check_server(16, "UTF8")

    with pytest.raises(migrate.UnsupportedServer, match="version 15"):
        migrate.check_server(15, "UTF8")
    with pytest.raises(migrate.UnsupportedServer, match="SQL_ASCII"):
        migrate.check_server(18, "SQL_ASCII")
