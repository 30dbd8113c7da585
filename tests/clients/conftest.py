"""A server for each module of tests, and what runs the products' own clients against it."""

import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import asyncpg
import pytest

from roster.kit import ids
from roster.storage import embedded
from tests import servers
from tests.clients import generator
from tests.clients.generator import Client
from tests.clients.node import Node
from tests.servers import Installation, Server

CONTRACTS = Path(__file__).parents[2] / "contracts"
Generate = Callable[[str], Client]


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


@pytest.fixture(scope="session")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generate]:
    """Makes a client from one of the contracts."""
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patches, ExitStack() as clients:
        patches.syspath_prepend(folder)

        def make(contract: str) -> Client:
            package = importlib.import_module(generator.generate(CONTRACTS / contract, folder).name)
            return clients.enter_context(closing(Client(package)))

        yield make
