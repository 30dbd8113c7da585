"""Everything a line of the table works with."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from bench import dataset, limit, processes, trial
from bench.dataset import Realm
from bench.load import Call, Job
from bench.processes import Load, Server
from bench.spills import Watch
from bench.trial import Window
from roster.storage import embedded, postmaster

CONNECTIONS = 8
"""Of the load generator, and of each server to the database (the default of `database.pool_size`)."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is done in a run."""

    people: int
    few: int = 10_000
    rounds: int
    requests: int
    creates: int
    searches: int
    seconds: float
    imported: int
    members: int = 100_000
    invited: int = 10_000
    starts: int


FULL = Size(
    people=1_000_000, rounds=9, requests=4_000, creates=1_000, searches=60, seconds=8, imported=1_000_000, starts=5
)
QUICK = Size(
    people=100_000,
    rounds=3,
    requests=600,
    creates=150,
    searches=16,
    seconds=1.0,
    imported=20_000,
    members=20_000,
    invited=3_000,
    starts=2,
)


class Stage:
    """The folder of a run with its database and realms, and the processes that work on it."""

    def __init__(self, folder: Path, size: Size, load: Load, spills: Watch, sizes: Mapping[str, int]) -> None:
        """Builds the database, with realms of these sizes, unless it is there."""
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)  # PostgreSQL may run under an account of its own
        self.folder = folder
        self.size = size
        self.load = load
        self.spills = spills
        with embedded.using(self.data) as dsn:
            self.realms = asyncio.run(dataset.build(processes.settings_of(self.data), dsn, sizes))
        self.spills.over(self.data)
        self._made = 0

    @property
    def data(self) -> Path:
        """The data folder of the installation."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Where servers write."""
        return self.folder / "servers.log"

    @property
    def main(self) -> Realm:
        """The realm with all the people."""
        return self.realms["main"]

    @property
    def small(self) -> Realm:
        """The realm with few."""
        return self.realms["small"]

    @property
    def database(self) -> int:
        """The process of PostgreSQL."""
        found = postmaster.find(self.data / "postgres")
        if found is None:
            raise processes.Failed("The database does not run.")
        return found.pid

    @property
    def dsn(self) -> str:
        """Of the running database."""
        return embedded.Embedded(self.data).dsn

    def with_few(self) -> "Stage":
        """An installation of its own, whose main realm has few people."""
        return Stage(self.folder / "few", self.size, self.load, self.spills, {"main": self.size.few})

    def serving(self) -> AbstractContextManager[Server]:
        """The server with its defaults, which brings its database along."""
        port = processes.free_port()
        return processes.running(processes.serve_command(self.data, port), port, self.log)

    def limit(self, **more: Any) -> AbstractContextManager[Server]:
        """The limit, running; `more` are members of its plan."""
        port = processes.free_port()
        plan = limit.Plan(
            dsn=self.dsn, port=port, realm_id=self.main.id, connections=CONNECTIONS, size=self.main.size, **more
        )
        return processes.running(processes.module("limit"), port, self.log, stdin=msgspec.json.encode(plan) + b"\n")

    def beside(
        self, name: str, *options: str, program: Sequence[str] = (str(processes.PROGRAM),), **more: str
    ) -> AbstractContextManager[Server]:
        """Another server on the same database, whose own data is in a folder of this name."""
        port = processes.free_port()
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        key = (self.data / "secret.key").read_text().strip()
        place = ["--port", str(port), "--data", str(folder), "--database-url", self.dsn]
        command = [*program, "serve", *place, *options]
        return processes.running(command, port, self.log, stdin=b"", ROSTER_SECURITY_SECRET_KEY=key, **more)

    def window(self, server: Server, calls: list[Call], *, count: int, connections: int = CONNECTIONS) -> Window:
        """One window in closed loop."""
        return trial.window(self.load, server, self.database, Job(server.port, calls, connections, count))

    def numbers(self, count: int) -> range:
        """Numbers of people whom nobody has made yet."""
        start = self.main.first_new + self._made
        self._made += count
        return range(start, start + count)
