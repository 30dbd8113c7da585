"""Everything a line of the table works with."""

import http.client
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import msgspec

from bench import limit, processes, trial
from bench.dataset import Realm
from bench.load import Call, Job
from bench.processes import Load, Server
from bench.report import Line
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
    requests=1_200,
    creates=300,
    searches=20,
    seconds=1.5,
    imported=50_000,
    members=20_000,
    invited=3_000,
    starts=2,
)


class Stage:
    """The folder of a run with its database and realms, and the processes that work on it."""

    def __init__(self, folder: Path, size: Size, realms: dict[str, Realm], load: Load) -> None:
        self.folder = folder
        self.size = size
        self.realms = realms
        self.load = load
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

    def limit(self, **more: Any) -> AbstractContextManager[Server]:
        """The limit, running; `more` are members of its plan."""
        port = processes.free_port()
        plan = limit.Plan(
            dsn=self.dsn, port=port, realm_id=self.main.id, connections=CONNECTIONS, size=self.main.size, **more
        )
        return processes.running(processes.module("limit"), port, self.log, stdin=msgspec.json.encode(plan) + b"\n")

    def window(self, server: Server, calls: list[Call], *, count: int, connections: int = CONNECTIONS) -> Window:
        """One window in closed loop."""
        return trial.window(self.load, server, self.database, Job(server.port, calls, connections, count))

    def numbers(self, count: int) -> range:
        """Numbers of people whom nobody has made yet."""
        start = self.main.first_new + self._made
        self._made += count
        return range(start, start + count)


def as_administrator(realm: Realm, calls: Sequence[Call]) -> list[Call]:
    """The calls in the name of the realm's administrator, with all tokens in turn."""
    return with_tokens(calls, realm.tokens)


def with_tokens(calls: Sequence[Call], tokens: Sequence[str]) -> list[Call]:
    """The calls with these tokens in turn."""
    return [_with_token(call, tokens[at % len(tokens)]) for at, call in enumerate(calls)]


def api(realm: Realm, path: str) -> str:
    """A path of the native API in a realm."""
    return ("" if realm.slug == "main" else f"/realms/{realm.slug}") + "/api/v1" + path


def fetch(port: int, call: Call) -> Any:
    """The JSON of one answer. Raises Failed when it is an error."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(call.method, call.path, call.payload(), call.described())
        answer = connection.getresponse()
        body = answer.read()
    if answer.status >= 400:
        raise processes.Failed(f"{call.method} {call.path} was answered {answer.status}: {body[:500]!r}")
    return msgspec.json.decode(body)


def per_core(name: str, windows: Sequence[Window], *, least: float | None = None) -> Line:
    """How many of them one core does in a second, counting server and PostgreSQL."""
    found = trial.spread([1e6 / each.both_us for each in windows])
    server, database = (
        trial.spread([each.server_us for each in windows]),
        trial.spread([each.database_us for each in windows]),
    )
    taken = trial.latencies(windows)
    detail = (
        f"server {server.median:.0f} µs, PostgreSQL {database.median:.0f} µs;"
        f" p50 {trial.percentile(taken, 0.5) * 1e3:.1f} ms, p99 {trial.percentile(taken, 0.99) * 1e3:.1f} ms"
    )
    return Line(
        name=f"{name}, per core", figure=found.median, unit="/s", low=found.least, high=found.greatest, least=least,
        detail=detail,
    )  # fmt: skip


def _with_token(call: Call, token: str) -> Call:
    return msgspec.structs.replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})
