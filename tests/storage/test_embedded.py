"""The bundled PostgreSQL: created, adopted, recovered and stopped, whatever happened before."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from roster.storage import embedded, interrupts, postmaster
from tests import processes

HOLD = Path(__file__).with_name("hold.py")
QUICK = {"fsync": "off"}

Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def parent() -> Iterator[Path]:
    """A short folder; pytest's own are long, and closed to the account that PostgreSQL runs under."""
    folder = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data(parent: Path) -> Path:
    return parent / "data"


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start programs that use a folder's database; they have ended when the test has."""
    started: list[subprocess.Popen[str]] = []

    def start(data: Path, *account: str) -> "subprocess.Popen[str]":
        command = [sys.executable, str(HOLD), "use", str(data), *account]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate()


def dsn_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def pid_of(data: Path) -> int:
    found = postmaster.find(data / "postgres")
    assert found is not None
    return found.pid


def kill(pid: int) -> None:
    """Kill and wait for the end."""
    process = psutil.Process(pid)
    family = [process, *process.children()]
    os.kill(pid, signal.SIGKILL)
    for each in family:
        each.wait()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def ask(dsn: str, statement: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_the_first_start_creates_a_database_that_only_its_owner_reaches(parent: Path) -> None:
    data = parent / "not" / "there"

    with embedded.using(data, overrides=QUICK) as dsn:
        assert await ask(dsn, "SELECT current_user || ' ' || current_database()") == "roster roster"
        assert (
            await ask(dsn, "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'roster'")
            is False
        )
        assert await ask(dsn, "SHOW listen_addresses") == ""
        assert psutil.Process(pid_of(data)).net_connections("inet") == []
        assert [mode_of(data / name) for name in ("postgres", "run", "log")] == [0o700] * 3
        assert mode_of(data) == (0o710 if os.geteuid() == 0 else 0o700)

    assert postmaster.find(data / "postgres") is None


async def test_what_was_stored_is_there_after_a_restart(data: Path) -> None:
    with embedded.using(data, overrides=QUICK) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")

    with embedded.using(data, overrides=QUICK) as dsn:
        assert await ask(dsn, "SELECT value FROM kept") == 42


async def test_a_copy_that_root_has_brought_back_can_be_started(data: Path) -> None:
    with embedded.using(data, overrides=QUICK) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 7 AS value")
    if os.geteuid() == 0:
        for path in (data / "postgres", *(data / "postgres").rglob("*")):
            os.chown(path, 0, 0)

    with embedded.using(data, overrides=QUICK) as dsn:
        assert await ask(dsn, "SELECT value FROM kept") == 7


@pytest.mark.parametrize("name", ["with space", "comma,comma", "quo'te\"s", "$HOME `id` %41&x=y+z", "Zoë", "a" * 150])
async def test_any_path_will_do(name: str, parent: Path) -> None:
    data = parent / name

    with embedded.using(data, overrides=QUICK) as dsn:
        assert await ask(dsn, "SELECT 1") == 1
        found = postmaster.find(data / "postgres")

    assert found is not None
    assert found.socket_folder == data / "run" or not found.socket_folder.exists()


async def test_variables_for_other_databases_do_not_matter(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGDATA": "/nowhere", "PGDATABASE": "none"}.items():
        monkeypatch.setenv(name, value)

    with embedded.using(data, overrides=QUICK) as dsn:
        assert await ask(dsn, "SELECT current_database()") == "roster"


async def test_an_ordinary_account_needs_nothing_else(parent: Path, hold: Hold, template: str) -> None:
    """Run by root this is tried as another account, else as the present one."""
    account = ["nobody"] if os.geteuid() == 0 else []
    if account:
        shutil.chown(parent, "nobody")
    data = parent / "data"

    holder = hold(data, *account)
    assert await ask(dsn_of(holder), "SELECT 1") == 1
    assert (data / "postgres").stat().st_uid == psutil.Process(pid_of(data)).uids().real == parent.stat().st_uid
    end(holder)

    assert holder.returncode == 0
    with embedded.using(data) as dsn:
        assert await ask(dsn, "SELECT 1") == 1
        assert (data / "postgres").stat().st_uid == psutil.Process(pid_of(data)).uids().real
    again = hold(data, *account)
    assert await ask(dsn_of(again), "SELECT 1") == 1


async def test_a_command_beside_a_server_leaves_its_database_alone(data: Path, hold: Hold) -> None:
    server = hold(data)
    dsn = dsn_of(server)
    pid = pid_of(data)

    with embedded.using(data) as same:
        assert same == dsn
        assert pid_of(data) == pid

    assert await ask(dsn, "SELECT 1") == 1
    end(server)
    assert postmaster.find(data / "postgres") is None


async def test_a_server_that_stops_leaves_the_database_to_the_command_that_still_works(data: Path, hold: Hold) -> None:
    server = hold(data)
    dsn_of(server)

    with embedded.using(data) as dsn:
        end(server)
        assert await ask(dsn, "SELECT 1") == 1

    assert postmaster.find(data / "postgres") is None


def test_many_that_come_at_once_share_one_database(data: Path, hold: Hold) -> None:
    holders = [hold(data) for _ in range(5)]

    assert len({dsn_of(holder) for holder in holders}) == 1
    assert (
        len([p for p in psutil.process_iter(["cmdline"]) if str(data / "postgres") in (p.info["cmdline"] or [])]) == 1
    )
    for holder in holders:
        assert postmaster.find(data / "postgres") is not None
        end(holder)
    assert [holder.returncode for holder in holders] == [0] * 5
    assert postmaster.find(data / "postgres") is None


async def test_the_database_outlives_a_killed_server_and_is_adopted(data: Path, hold: Hold) -> None:
    server = hold(data)
    dsn = dsn_of(server)
    await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    pid = pid_of(data)
    server.kill()
    server.wait()

    with embedded.using(data) as adopted:
        assert pid_of(data) == pid
        assert await ask(adopted, "SELECT value FROM kept") == 42

    assert postmaster.find(data / "postgres") is None


async def test_a_killed_database_recovers_what_was_committed(data: Path, hold: Hold) -> None:
    server = hold(data)
    await ask(dsn_of(server), "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value")
    kill(pid_of(data))
    assert (data / "postgres" / "postmaster.pid").exists()

    with embedded.using(data) as dsn:
        assert await ask(dsn, "SELECT count(*) FROM kept") == 1000


async def test_a_new_database_waits_for_what_a_killed_one_left_at_work(data: Path, hold: Hold) -> None:
    """Two at once would destroy the files."""
    dsn = dsn_of(hold(data))
    connection = await asyncpg.connect(dsn)
    busy = asyncio.create_task(connection.fetchval("SELECT count(n) FROM (SELECT generate_series(1, 1e12) n)"))
    while not await ask(dsn, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1e12) n)' AND state = 'active'"):
        pass
    os.kill(pid_of(data), signal.SIGKILL)
    while postmaster.find(data / "postgres") is not None:
        pass  # a killed process dies in its own time

    start = asyncio.create_task(asyncio.to_thread(embedded.Embedded(data).start))
    while "still in use" not in (data / "log" / "postgres.log").read_text():
        await asyncio.sleep(0)
    assert postmaster.find(data / "postgres") is None
    os.kill(connection.get_server_pid(), signal.SIGKILL)

    assert await ask(await start, "SELECT 1") == 1
    with pytest.raises(asyncpg.PostgresError):
        await busy


async def test_a_process_number_that_was_given_to_another_program_is_no_server(data: Path, hold: Hold) -> None:
    server = hold(data)
    dsn_of(server)
    kill(pid_of(data))
    file = data / "postgres" / "postmaster.pid"
    file.write_text("\n".join([str(os.getpid()), *file.read_text().splitlines()[1:]]))

    assert postmaster.find(data / "postgres") is None
    with embedded.using(data) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


async def test_a_creation_that_was_broken_off_is_begun_anew(data: Path) -> None:
    (data / "postgres.new-broken").mkdir(parents=True)
    (data / "postgres.new-broken" / "PG_VERSION").write_text("18")

    with embedded.using(data, overrides=QUICK) as dsn:
        assert await ask(dsn, "SELECT 1") == 1
    assert not list(data.glob("postgres.new-*"))


@pytest.mark.parametrize("word", ["initdb", "--single", "unix_socket_directories"])
def test_whatever_a_start_has_begun_ends_when_it_is_broken_off(data: Path, word: str) -> None:
    """At once, when it has not said anything of itself yet."""

    def work_on(folder: Path) -> list[str]:
        found = (each.info["cmdline"] for each in psutil.process_iter(["cmdline"]))
        return [" ".join(words) for words in found if words and str(folder) in " ".join(words)]

    def interrupt() -> None:
        processes.until(lambda: any(word in line for line in work_on(data)))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt), embedded.using(data, overrides=QUICK):
        threading.Event().wait(processes.PATIENCE)
    thread.join()

    processes.until(lambda: not work_on(data))
    with embedded.using(data, overrides=QUICK):
        assert work_on(data)


def test_an_interrupt_counts_once_a_program_is_begun() -> None:
    done: list[str] = []

    with pytest.raises(KeyboardInterrupt), interrupts.held():  # noqa: PT012 - it is raised when the block is over
        signal.raise_signal(signal.SIGINT)
        done.append("begun")

    assert done == ["begun"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


async def test_a_setting_that_postgresql_refuses_is_told_and_can_be_mended(data: Path) -> None:
    with embedded.using(data, overrides=QUICK):
        pass
    conf = data / "postgres" / "postgresql.conf"
    good = conf.read_text()
    conf.write_text(good + "shared_buffers = 'plenty'\n")

    with pytest.raises(embedded.EmbeddedError, match="shared_buffers"), embedded.using(data):
        pass

    conf.write_text(good + "work_mem = '7MB'\n")
    with embedded.using(data) as dsn:
        assert await ask(dsn, "SHOW work_mem") == "7MB"
        assert await ask(dsn, "SHOW jit") == "off"


def test_a_database_that_cannot_recover_is_told_and_not_tried_without_end(data: Path, hold: Hold) -> None:
    server = hold(data)
    dsn_of(server)
    kill(pid_of(data))
    for segment in (data / "postgres" / "pg_wal").glob("0000*"):
        segment.unlink()

    with pytest.raises(embedded.EmbeddedError, match="checkpoint"), embedded.using(data):
        pass


def test_a_folder_of_another_major_version_is_refused_before_anything_is_touched(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("15\n")

    with pytest.raises(embedded.EmbeddedError, match="written by PostgreSQL 15"), embedded.using(data):
        pass


def test_a_folder_that_is_none_is_refused_in_words(data: Path) -> None:
    data.write_text("")

    with pytest.raises(embedded.EmbeddedError, match="cannot be used"), embedded.using(data):
        pass


async def test_the_log_holds_no_values(data: Path) -> None:
    with embedded.using(data, overrides=QUICK | {"log_min_duration_statement": "0"}) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE people (email text PRIMARY KEY)")
        await connection.execute("INSERT INTO people VALUES ($1)", "eve@example.org")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO people VALUES ($1)", "eve@example.org")
        await connection.close()
        log = (data / "log" / "postgres.log").read_text()

    assert "people_pkey" in log
    assert "eve" not in log
