"""One PostgreSQL for all peers of a run: Roster's embedded one, opened to passwords on loopback, a database for each.

Java speaks no Unix sockets to it, so everybody connects by TCP.
"""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from bench import meter, processes
from bench.load import LOOPBACK
from roster.storage import embedded, postmaster

_SETTINGS = {"listen_addresses": LOOPBACK, "max_connections": "250", "shared_buffers": "128MB"}
_ADMISSION = f"host all all {LOOPBACK}/32 scram-sha-256\n"


class Database:
    """The running server, and the databases that were made on it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        self._passwords: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """Its first process."""
        return self._postmaster().pid

    def password(self, name: str) -> str:
        """Of the owner of a database."""
        return self._passwords[name]

    def url(self, name: str) -> str:
        """Of a database; its owner has the same name."""
        return f"postgresql://{name}:{self.password(name)}@{LOOPBACK}:{self.port}/{name}"

    def make(self, name: str) -> None:
        """An empty database and its owner. The name `roster` is taken by the embedded server itself."""
        self._passwords[name] = secrets.token_urlsafe(18)
        asyncio.run(self._make(name))

    def run(self, name: str, statement: str) -> None:
        """A statement as the owner of a database."""
        asyncio.run(_execute(self.url(name), statement))

    def held_by(self, name: str) -> float:
        """Megabytes of the processes that serve a database's connections."""
        return sum(meter.pss_of(each.pid) for each in self._serving(name))

    def admit(self) -> None:
        """Let everybody with a password in; PostgreSQL's own administrator has none."""
        rules = self._folder / "pg_hba.conf"
        rules.write_text(_ADMISSION + rules.read_text())
        asyncio.run(_execute(self._own, "SELECT pg_reload_conf()"))

    async def _make(self, name: str) -> None:
        for statement in (
            f"CREATE ROLE {name} LOGIN PASSWORD '{self._passwords[name]}'",
            f"CREATE DATABASE {name} OWNER {name}",
        ):
            await _execute(self._own, statement)

    @property
    def _own(self) -> str:
        """PostgreSQL's administrator, who has a socket of his own."""
        sockets = quote(str(self._postmaster().socket_folder))
        return f"postgresql://postgres@/postgres?host={sockets}&port={self.port}"

    def _postmaster(self) -> postmaster.Postmaster:
        found = postmaster.find(self._folder)
        if found is None:
            raise processes.Failed("The database does not run.")
        return found

    def _serving(self, name: str) -> Iterator[psutil.Process]:
        """They call themselves `postgres: <role> <database> <address> …`."""
        for each in psutil.Process(self.pid).children():
            title = " ".join(each.cmdline())
            if title.startswith(f"postgres: {name} {name} "):
                yield each


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def running(data: Path) -> Iterator[Database]:
    """PostgreSQL in this folder until the end of the block."""
    port = processes.free_port()
    with embedded.using(data, overrides={**_SETTINGS, "port": str(port)}):
        database = Database(data.resolve() / "postgres", port)
        database.admit()
        yield database
