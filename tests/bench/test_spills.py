"""Statements that spill to disk are found by what a real PostgreSQL writes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from bench.spills import Watch, noted
from roster.storage import embedded
from tests.conftest import UNSAFE_BUT_QUICK

SORT = "SELECT max(n) FROM (SELECT n FROM generate_series(1, $1::int) n\n    ORDER BY md5(n::text) OFFSET 0) many"

FILE = '2026-01-01 00:00:00.000 UTC [7] LOG:  temporary file: path "base/pgsql_tmp/pgsql_tmp7.0", size 1400000\n'


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that PostgreSQL's account may come into."""
    folder = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def watched(data: Path) -> Iterator[tuple[Watch, str]]:
    """A watch over a database that runs, and its DSN."""
    with embedded.using(data, overrides=UNSAFE_BUT_QUICK):
        pass
    watch = Watch()
    watch.over(data)
    with embedded.using(data, overrides=UNSAFE_BUT_QUICK) as dsn:
        yield watch, dsn


async def test_a_sort_without_room_is_named_and_one_with_room_is_not(watched: tuple[Watch, str]):
    watch, dsn = watched
    connection = await asyncpg.connect(dsn)
    try:
        await connection.fetchval(SORT, 100)
        assert watch.line().verdict == "met"

        await connection.execute("SET work_mem = '64kB'")
        await connection.fetchval(SORT, 50_000)
        await connection.fetchval(SORT, 50_000)
    finally:
        await connection.close()

    (found,) = watch.found()
    assert found.statement == " ".join(SORT.split())
    assert found.bytes > 100_000
    assert watch.line().verdict == "MISSED"
    assert "ORDER BY md5" in watch.line().note


def test_what_was_in_the_log_before_does_not_count(tmp_path: Path):
    (tmp_path / "log").mkdir()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "postgresql.conf").touch()
    log = tmp_path / "log" / "postgres.log"
    log.write_text(FILE)
    watch = Watch()
    watch.over(tmp_path)
    assert watch.found() == []

    log.write_text(FILE * 2)

    assert [each.bytes for each in watch.found()] == [1_400_000]


def test_a_log_that_was_begun_anew_is_read_from_where_it_was(tmp_path: Path):
    (tmp_path / "log").mkdir()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "postgresql.conf").touch()
    log = tmp_path / "log" / "postgres.log"
    log.write_text(FILE * 3)
    watch = Watch()
    watch.over(tmp_path)

    (tmp_path / "log" / "postgres.log.1").write_text(FILE * 4)
    log.write_text(FILE)

    assert [each.bytes for each in watch.found()] == [2_800_000]


def test_a_file_belongs_to_the_last_long_statement_of_its_process():
    long = "2026-01-01 00:00:00.000 UTC [{}] LOG:  duration: 12.5 ms  execute __asyncpg_1__: SELECT {}\n"
    short = "2026-01-01 00:00:00.000 UTC [7] LOG:  duration: 11.0 ms  bind __asyncpg_1__: SELECT 3\n"

    found = noted(long.format(7, "1\n\tFROM users") + long.format(8, "2") + short + FILE)

    assert [each.statement for each in found] == ["SELECT 1 FROM users"]
    assert noted(FILE) != []
