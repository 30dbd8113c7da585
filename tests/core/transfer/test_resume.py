"""Imports that are interrupted, doubled and disturbed."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roster.core.realms.models import Realm
from roster.core.transfer import files, importing, service, store
from roster.core.transfer.errors import TransferRunning
from roster.core.transfer.models import ImportOptions, Transfer
from roster.core.users import service as users
from roster.core.users.errors import UsernameTaken
from roster.core.users.models import UserDraft
from roster.kit.errors import Unavailable
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.transfer import moving
from tests.core.transfer.moving import bring, ndjson, rows

PEOPLE = 30_000
ROOT = Path(__file__).parents[3]


def _file(folder: Path, people: int = PEOPLE) -> Path:
    """Every seventh row is bad."""
    path = folder / "people.ndjson"
    lines = ({"username": f"u{n}" if n % 7 else "a/b", "email": f"u{n}@example.com"} for n in range(people))
    path.write_bytes(ndjson(*lines))
    return path


async def _begin(dsn: str, folder: Path, realm: Realm, file: Path) -> asyncio.subprocess.Process:
    module = "tests.core.transfer.importing_process"
    arguments = [dsn, str(folder), str(realm.id), realm.slug, str(file)]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    async for line in process.stdout:
        yield line.decode().strip()


async def _killed_at(process: asyncio.subprocess.Process, checkpoint: int) -> int:
    """Kill it once it has said that so many rows are merged; how many it has said last."""
    said = 0
    async for line in _lines(process):
        said = int(line)
        if said >= checkpoint:
            process.kill()
            break
    await process.wait()
    return said


async def test_a_killed_import_goes_on_where_it_was(runtime: Runtime, realm: Realm, dsn: str, tmp_path: Path):
    file = _file(tmp_path)
    marks = sorted(random.sample(range(1, PEOPLE), 2))
    acknowledged = 0
    for mark in marks:
        said = await _killed_at(await _begin(dsn, tmp_path, realm, file), mark)
        here = await moving.count(runtime, realm)
        assert said >= acknowledged
        assert here >= sum(1 for n in range(said) if n % 7)
        acknowledged = said

    last = [line async for line in _lines(await _begin(dsn, tmp_path, realm, file))]

    assert last[-1] == "done"
    assert int(last[0]) >= acknowledged
    good = sum(1 for n in range(PEOPLE) if n % 7)
    (transfer,) = await _transfers(runtime, realm)
    assert rows(transfer) == (good, 0, 0, PEOPLE - good)
    assert (transfer.checkpoint, transfer.bytes_done) == (PEOPLE, file.stat().st_size)
    assert await moving.count(runtime, realm) == good
    report = await moving.report_of(runtime, realm, transfer)
    assert [row for row, _ in report] == [n + 1 for n in range(PEOPLE) if n % 7 == 0]


async def _transfers(runtime: Runtime, realm: Realm) -> list[Transfer]:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await service.page(tx, "import")


async def test_a_file_that_was_imported_is_imported_anew(runtime: Runtime, realm: Realm, tmp_path: Path):
    actor, file = factories.roster_in(realm), _file(tmp_path, 10)

    first = await files.run_file(runtime, actor, file, form="roster")
    again = await files.run_file(runtime, actor, file, form="roster")

    assert (rows(first), rows(again)) == ((8, 0, 0, 2), (0, 0, 8, 2))
    assert first.id != again.id


async def test_a_file_with_other_options_is_another_import(runtime: Runtime, realm: Realm, tmp_path: Path):
    actor, file = factories.roster_in(realm), _file(tmp_path, 10)
    async with runtime.write(actor) as tx:
        begun = await service.start_import(tx, "roster")
        await tx.run("UPDATE transfers SET fingerprint = 'x' WHERE realm_id = $1", realm.id)

    done = await files.run_file(runtime, actor, file, form="roster", options=ImportOptions(existing="skip"))
    dry = await files.run_file(runtime, actor, file, form="roster", dry_run=True)

    assert len({begun.id, done.id, dry.id}) == 3


async def test_a_file_that_cannot_be_read_fails_with_a_sentence(runtime: Runtime, realm: Realm, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_text("name,shoe\nada,37\n")

    done = await files.run_file(runtime, factories.roster_in(realm), file, form="csv")

    assert (done.state, done.error) == (
        "failed",
        "There is no column 'name'; the first row must name the columns.",
    )


async def test_two_imports_of_one_file_at_once_make_everybody_once(runtime: Runtime, realm: Realm):
    data = ndjson(*({"username": f"u{n}", "email": f"u{n}@example.com", "roles": ["cook"]} for n in range(12_000)))

    both = await asyncio.gather(bring(runtime, realm, data), bring(runtime, realm, data))

    assert [each.state for each in both] == ["done", "done"]
    assert await moving.count(runtime, realm) == 12_000
    assert sum(each.rows_created for each in both) == 12_000
    assert sum(each.rows_unchanged for each in both) == 12_000


async def test_one_import_is_run_by_one_process(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    transfer = await moving.upload(runtime, actor, ndjson({"username": "ada"}))

    async with importing.alone(runtime, actor, transfer.id):
        with pytest.raises(Unavailable):
            await moving.once(runtime, actor, transfer)
        with pytest.raises(TransferRunning):
            await importing.run(runtime, actor, transfer.id, moving.chunks(b""))
    done = await moving.run(runtime, actor, transfer)

    assert (done.state, rows(done)) == ("done", (1, 0, 0, 0))


async def test_a_checkpoint_that_another_has_moved_stops_the_import(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    transfer = await moving.upload(runtime, actor, b"")

    async def meddled() -> AsyncIterator[bytes]:
        yield ndjson({"username": "ada"})
        async with runtime.write(actor) as tx:
            await store.advance(tx, transfer.id, checkpoint=7, bytes_done=0, counts=(0, 0, 0, 0), summary={})

    with pytest.raises(TransferRunning):
        await importing.run(runtime, actor, transfer.id, meddled())
    assert await moving.count(runtime, realm) == 0


async def test_names_taken_meanwhile_are_matched_and_never_doubled(runtime: Runtime, realm: Realm):
    """Others register the very people that an import is about to make."""
    actor = factories.roster_in(realm)
    names = [f"u{n}" for n in range(4000)]

    async def register(name: str) -> bool:
        try:
            async with runtime.write(actor) as tx:
                await users.create(tx, UserDraft(username=name))
        except UsernameTaken:
            return False
        return True

    async def everybody() -> int:
        return sum([await register(name) for name in random.sample(names, 100)])

    done, registered = await asyncio.gather(
        bring(runtime, realm, ndjson(*({"username": name} for name in names))), everybody()
    )

    assert (done.state, done.rows_failed) == ("done", 0)
    assert await moving.count(runtime, realm) == 4000
    assert done.rows_created + registered == 4000


async def test_a_lost_database_connection_is_no_failure(runtime: Runtime, realm: Realm, tmp_path: Path):
    """The connections of the import are cut while it runs; it goes on at its checkpoint."""
    actor, file = factories.roster_in(realm), _file(tmp_path, 12_000)
    cut = False

    def watch(transfer: Transfer) -> None:
        nonlocal cut
        if transfer.checkpoint and not cut:
            cut = True
            cutting.append(asyncio.create_task(_cut_transactions(runtime)))

    cutting: list[asyncio.Task[None]] = []
    done = await files.run_file(runtime, actor, file, form="roster", watch=watch)
    await asyncio.gather(*cutting)

    good = sum(1 for n in range(12_000) if n % 7)
    assert (done.state, rows(done)) == ("done", (good, 0, 0, 12_000 - good))
    assert await moving.count(runtime, realm) == good


async def _cut_transactions(runtime: Runtime) -> None:
    async with runtime.lease() as tx:
        await tx.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
