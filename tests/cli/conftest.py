"""One installation with a server on it for each module of tests, so that commands are tried beside a running server."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from roster.kit import ids
from roster.storage import embedded
from tests import servers
from tests.servers import Installation, Server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder; pytest's own are long, and closed to the account that PostgreSQL runs under."""
    made = Path(tempfile.mkdtemp(prefix="roster-tests-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
async def installation(
    postgres: embedded.Embedded, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation that no server has been started on."""
    name = f"cli_{ids.uuid7().hex}"
    connection = await asyncpg.connect(postgres.dsn_for("postgres", "postgres"))
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER roster STRATEGY FILE_COPY")
    yield Installation(tmp_path_factory.mktemp("data"), postgres.dsn_for("roster", name))
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """The server on it."""
    with servers.serving(installation) as server:
        yield server


@pytest.fixture
def beside(installation: Installation, server: Server) -> Installation:
    """The installation, with its server running."""
    return installation
