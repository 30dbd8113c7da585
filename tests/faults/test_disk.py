"""The disk of the data folder is full: changes are refused, reads go on, and nobody has to do more than make room."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest

from roster.storage import embedded, postmaster, room
from tests import servers
from tests.faults.load import Load
from tests.faults.trail import Records
from tests.servers import Installation, Server

ENDLESS = 1_000_000_000
"""More megabytes than there are."""
ENDS = 50
"""Attempts to have a full disk end the database for good."""
REFUSING = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE disk_full USING MESSAGE = 'could not extend file "base/1/2": No space left on device'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON users EXECUTE FUNCTION full_disk()
"""


def expect_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert not {"Traceback", "No space", "extend"} & set(answer.text.split())


async def expect_reads_only(server: Server, bearer: dict[str, str]) -> None:
    """Whatever only reads is answered, whatever changes something is refused in the words of each front door."""
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
        for path in ("/api/v1/me", "/api/v1/users", "/acceleratxr/v1/users/me", "/health/ready", "/health/live"):
            assert (await client.get(path)).status_code == 200, path
        refused = await client.post("/api/v1/users", json={"username": "refused"})
        expect_refused(refused)
        assert refused.json()["code"] == "unavailable"
        assert "can be read" in refused.json()["detail"]
        people = (await client.get("/api/v1/users")).json()["items"]
        somebody = next(each for each in people if each["username"] != "admin")
        other = await client.delete(f"/acceleratxr/v1/users/{somebody['id']}")
        expect_refused(other)
        assert other.json().keys() >= {"code", "message"}
        signing_in = {"username": "admin", "password": servers.PASSWORD}
        expect_refused(await client.post("/api/v1/sign-in", json=signing_in))


async def test_without_room_what_is_stored_can_be_read_and_changes_go_on_when_there_is_room(
    server: Server, fragile: embedded.Embedded, records: Records
) -> None:
    bearer = await asyncio.to_thread(server.sign_in)
    async with Load(server, bearer, "held-") as load:
        for _ in range(2):
            await load.until_acknowledged(10)
            assert await asyncio.to_thread(room.look, fragile, ENDLESS)
            try:
                await load.until_refused()
                await expect_reads_only(server, bearer)
                assert not await asyncio.to_thread(room.look, fragile, ENDLESS)
                assert fragile.is_held
            finally:
                await asyncio.to_thread(room.look, fragile, 0)
            assert not fragile.is_held
            await load.until_acknowledged(10)
    assert load.answers.keys() == {201, 503}
    assert "request.failed" not in server.logged()
    await records.expect("held-", load.acknowledged)


async def test_a_database_that_finds_its_disk_full_is_no_fault_of_ours(server: Server, records: Records) -> None:
    bearer = await asyncio.to_thread(server.sign_in)
    await records.connection.execute(REFUSING)
    async with httpx.AsyncClient(base_url=server.url, headers=bearer, timeout=60) as client:
        expect_refused(await client.post("/api/v1/users", json={"username": "full"}))
        assert (await client.get("/api/v1/users")).status_code == 200
        await records.connection.execute("DROP TRIGGER full_disk ON users")
        assert (await client.post("/api/v1/users", json={"username": "full"})).status_code == 201
    assert "request.failed" not in server.logged()
    await records.expect("full", ["full"])


class Disk:
    """A small one of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def leave(self, megabytes: int) -> None:
        """Take all room but this, against others who write meanwhile."""
        with self._ballast.open("ab") as file:
            taken = file.tell()
            while (more := self._room() - megabytes * 1_000_000) > 16_384:
                with suppress(OSError):
                    os.posix_fallocate(file.fileno(), taken, more)
                    taken += more

    def _room(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def free(self) -> None:
        """Make room."""
        self._ballast.unlink(missing_ok=True)


def run(program: str, *arguments: str) -> bool:
    """Whether a program of the system did what it was asked to."""
    found = shutil.which(program)
    return found is not None and subprocess.run([found, *arguments], check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    """Where whoever runs the tests may not mount one, the two tests above say the same of the database's answers."""
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name:
        if not run("mount", "-t", "tmpfs", "-o", "size=256m,mode=711", "roster", name):
            pytest.skip("a small disk cannot be mounted here")
        yield Disk(Path(name))
        assert run("umount", "-l", name)


@contextmanager
def serving(disk: Disk, reserve_mb: int) -> Iterator[tuple[Server, embedded.Embedded]]:
    """A server whose data folder, its log included, lies on that disk."""
    data = disk.folder / "data"
    with servers.serving(Installation(data), env={"ROSTER_DATABASE_RESERVE_MB": str(reserve_mb)}) as server:
        yield server, embedded.Embedded(data)


async def expect_whole(database: embedded.Embedded, beginning: str, load: Load) -> None:
    """Everything acknowledged is there, and nothing else is half there."""
    connection = await asyncpg.connect(database.dsn)
    await Records(connection).expect(beginning, load.acknowledged)
    await connection.close()


async def test_a_disk_that_fills_up_under_load(disk: Disk) -> None:
    with serving(disk, 64) as (server, database):
        bearer = await asyncio.to_thread(server.sign_in)
        async with Load(server, bearer, "filling-") as load:
            await load.until_acknowledged(10)
            before = postmaster.find(database.folder)
            disk.leave(40)
            await load.until_refused()
            await asyncio.to_thread(server.wait_for_log, "disk.full")
            await expect_reads_only(server, bearer)
            disk.free()
            await load.until_acknowledged(10)
        assert load.answers.keys() == {201, 503}
        assert postmaster.find(database.folder) == before
        await expect_whole(database, "filling-", load)


async def test_a_disk_that_is_full_from_one_moment_to_the_next(disk: Disk) -> None:
    """Without any reserve: the database ends as soon as it needs room for its log."""
    with serving(disk, 0) as (server, database):
        bearer = await asyncio.to_thread(server.sign_in)
        async with Load(server, bearer, "full-") as load:
            await load.until_acknowledged(10)
            ending = await asyncpg.connect(database.dsn_for("postgres", "postgres"))
            disk.leave(0)
            with pytest.raises((asyncpg.PostgresError, OSError)):  # whichever notices
                await end_its_log(ending)
            await load.until_refused()
            await end(database, disk)
            await load.until_refused()
            disk.free()
            await load.until_acknowledged(10)
        assert load.answers.keys() == {201, 503}
        assert "request.failed" not in server.logged()
        await expect_whole(database, "full-", load)


async def end(database: embedded.Embedded, disk: Disk) -> None:
    """Mostly it has ended. But it may find what its end has left when it looks for room, and come back each time."""
    for _ in range(ENDS):
        if not await asyncio.to_thread(database.running):
            return
        with suppress(asyncpg.PostgresError, OSError, embedded.EmbeddedError):
            disk.leave(0)
            await end_its_log(await asyncpg.connect(database.dsn_for("postgres", "postgres")))


async def end_its_log(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The present file of it is full: the next change needs another."""
    try:
        for _ in range(3):
            await connection.execute("SELECT pg_switch_wal()")
            await connection.execute("SELECT pg_logical_emit_message(true, 'roster', 'x')")
    finally:
        connection.terminate()
