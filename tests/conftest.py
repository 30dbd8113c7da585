"""One PostgreSQL for the whole run; its migrated database is shared, because each test works in a realm of its own.

A run of the whole suite is spread over processes, and then all this is there once for each of them.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from roster import app
from roster.bus import server
from roster.core.realms.models import Realm
from roster.kit import ids
from roster.storage import embedded, migrate
from roster.storage.runtime import Runtime
from tests import factories, listening_to

SELECTING = ("keyword", "markexpr", "lf", "stepwise", "stepwise_skip")
"""Options of pytest that leave tests out."""
UNSAFE_BUT_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """The whole suite runs in a process for each core. What somebody picks runs in one: a few tests are over before
    a second has started, and are watched, and stopped in the debugger.
    """
    whole = config.args == config.getini("testpaths")
    picked = not whole or any(config.getoption(name, None) for name in SELECTING)
    return 0 if picked else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[embedded.Embedded]:
    """The server of this run, in a folder of its own that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    with embedded.using(folder, overrides=UNSAFE_BUT_QUICK):
        yield embedded.Embedded(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def joined() -> Iterator[server.Credentials]:
    """The NATS server of this run, for tests that leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    with server.using(folder) as credentials:
        yield credentials
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
async def template(postgres: embedded.Embedded) -> str:
    """The name of a migrated database that nobody is connected to."""
    connection = await asyncpg.connect(postgres.dsn)
    await migrate.apply(connection)
    await connection.close()
    return "roster"


@pytest.fixture(scope="session")
async def dsn(postgres: embedded.Embedded, template: str) -> str:
    """A migrated database for all tests that keep to their own realm."""
    return await _copy(postgres, template, "shared")


@pytest.fixture
async def own_dsn(postgres: embedded.Embedded, template: str) -> AsyncIterator[str]:
    """A migrated database for this test alone, for those that look at the whole of it."""
    name = f"own_{ids.uuid7().hex}"
    yield await _copy(postgres, template, name)
    await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_dsn(postgres: embedded.Embedded) -> AsyncIterator[str]:
    """A database without any table, for this test alone."""
    name = f"empty_{ids.uuid7().hex}"
    yield await _copy(postgres, "template0", name)
    await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def runtime(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """One server's runtime on the shared database; it remembers who asks, as servers do."""
    folder = tmp_path_factory.mktemp("data")
    runtime = app.runtime_of(factories.settings(folder), dsn)
    async with listening_to.listening(runtime):
        yield runtime
    await runtime.close()


@pytest.fixture
async def realm(runtime: Runtime) -> Realm:
    """A realm for this test alone."""
    return await factories.a_realm(runtime)


async def _copy(postgres: embedded.Embedded, source: str, name: str) -> str:
    await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {source} OWNER roster STRATEGY FILE_COPY")
    return postgres.dsn_for("roster", name)


async def _administer(postgres: embedded.Embedded, statement: str) -> None:
    connection = await asyncpg.connect(postgres.dsn_for("postgres", "postgres"))
    await connection.execute(statement)
    await connection.close()
