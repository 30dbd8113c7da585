"""A PostgreSQL for faults alone: it may be stopped and killed, and keeps what it acknowledged when it is."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from roster.kit import ids
from roster.storage import embedded, migrate
from tests import servers
from tests.faults import trail
from tests.servers import Installation, Server

Copy = Callable[[Path], AbstractAsyncContextManager[Installation]]
"""From a data folder to an installation."""
NO_SYNC = {"fsync": "off", "autovacuum": "off"}
"""Of the processes the system keeps what they wrote; only the machine may not fail."""


@pytest.fixture(scope="session")
def fragile() -> Iterator[embedded.Embedded]:
    """The server; a test that stops it starts it again."""
    with tempfile.TemporaryDirectory(prefix="roster-tests-") as name:
        database = embedded.Embedded(Path(name), overrides=NO_SYNC)
        with embedded.using(Path(name), overrides=NO_SYNC):
            yield database


@pytest.fixture(scope="session")
async def migrated(fragile: embedded.Embedded) -> str:
    """A migrated database that nobody is connected to."""
    connection = await asyncpg.connect(fragile.dsn)
    await migrate.apply(connection)
    await connection.close()
    return "roster"


@pytest.fixture(scope="session")
def copy(fragile: embedded.Embedded, migrated: str) -> Copy:
    """Makes installations, each on a database of its own."""

    @asynccontextmanager
    async def made(folder: Path) -> AsyncIterator[Installation]:
        fragile.start()  # should a test have failed while it was down
        name = f"faults_{ids.uuid7().hex}"
        await _administer(fragile, f"CREATE DATABASE {name} TEMPLATE {migrated} OWNER roster STRATEGY FILE_COPY")
        yield Installation(folder, fragile.dsn_for("roster", name))
        await _administer(fragile, f"DROP DATABASE {name} WITH (FORCE)")

    return made


@pytest.fixture(scope="module")
async def shared(copy: Copy) -> AsyncIterator[str]:
    """A database for all tests of a module, each of which makes its own realms."""
    async with copy(Path()) as installation:
        assert installation.url is not None
        yield installation.url


@pytest.fixture
async def installation(copy: Copy, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation on a database of its own."""
    async with copy(tmp_path) as installation:
        yield installation


@pytest.fixture
def server(installation: Installation) -> Iterator[Server]:
    """A server on it."""
    with servers.serving(installation) as server:
        yield server


@pytest.fixture
async def records(installation: Installation) -> AsyncIterator[trail.Records]:
    """What the installation's database holds; only for tests that leave the database running."""
    assert installation.url is not None
    connection = await asyncpg.connect(installation.url)
    yield trail.Records(connection)
    await connection.close()


async def _administer(database: embedded.Embedded, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn_for("postgres", "postgres"))
    await connection.execute(statement)
    await connection.close()
