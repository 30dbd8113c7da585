"""A server for each module of tests, and what runs the products' own clients against it."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from roster.kit import ids
from roster.storage import embedded
from tests import servers
from tests.clients.node import Node
from tests.servers import Installation, Server


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Node with the packages of the client that the module's folder holds."""
    return Node(request.path.parent, tmp_path_factory.mktemp("scripts"))


@pytest.fixture(scope="module")
async def installation(
    postgres: embedded.Embedded, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation on a database of its own."""
    name = f"clients_{ids.uuid7().hex}"
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
