"""Importing people with hashes, against COPY of the very rows that come out of it."""

import asyncio
import base64
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec

from bench import meter, processes
from bench.lines.exports import LINEAR
from bench.people import Person, mixed, people
from bench.report import Line
from bench.rows import draft
from bench.stage import Stage
from roster import app
from roster.storage import embedded, postmaster

_TABLES = ("users", "credentials")
_LEFT_OUT = frozenset({"facets"})
_HOURS = 2 * 3600.0
_TENTH = 10


class Taken(msgspec.Struct, frozen=True):
    """How long something took, and the CPU seconds of PostgreSQL and of the process that fed it."""

    seconds: float
    cpu: float


def lines(stage: Stage) -> list[Line]:
    """Installations of their own, so that the tables begin empty on all sides; the smaller one before and after."""
    count = stage.size.imported
    before = _both(stage, "imported-tenth", count // _TENTH)
    ours, bare = _both(stage, "imported", count)
    after = _both(stage, "imported-tenth", count // _TENTH)
    few, few_bare = (sum(each.cpu for each in side) / 2 for side in zip(before, after, strict=True))
    name = f"import of {count:,} people with hashes"
    return [
        Line(
            name=f"{name}: speed, over bare COPY's",
            figure=bare.seconds / ours.seconds,
            unit="%",
            least=0.4,
            note=f"{count / ours.seconds:,.0f}/s, COPY {count / bare.seconds:,.0f}/s;"
            f" CPU {ours.cpu / count * 1e6:.0f} and {bare.cpu / count * 1e6:.0f} µs",
        ),
        Line(
            name=f"{name}: CPU for each, over that of {count // _TENTH:,}",
            figure=ours.cpu / few / _TENTH,
            most=LINEAR,
            note=f"the start of the command included; COPY's: {bare.cpu / few_bare / _TENTH:.2f} x",
        ),
    ]


def _both(stage: Stage, name: str, count: int) -> tuple[Taken, Taken]:
    """The import, and COPY of its rows."""
    imports = _Imports(stage, name)
    with imports.running():
        return imports.bring(count), imports.copy(count)


class _Imports:
    """An installation without people."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._folder, self._data, self._spills = stage.folder, stage.folder / name, stage.spills
        shutil.rmtree(self._data, ignore_errors=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Its database runs inside."""
        settings = processes.settings_of(self._data)
        with embedded.using(self._data) as dsn:
            asyncio.run(app.prepare(settings, dsn))
        self._spills.over(self._data)
        with embedded.using(self._data):
            yield

    def bring(self, count: int) -> Taken:
        """Import so many people."""
        file = self._folder / "people.ndjson"
        _write(file, count)
        return _import(file, self._data, self._database)

    def copy(self, count: int) -> Taken:
        """COPY the rows that came out of it."""
        dsn = embedded.Embedded(self._data).dsn
        return asyncio.run(_copy(dsn, self._folder, self._database, count))

    @property
    def _database(self) -> int:
        found = postmaster.find(self._data / "postgres")
        return found.pid if found else 0


def _write(file: Path, count: int) -> None:
    encoder = msgspec.json.Encoder()
    with file.open("wb") as lines_of:
        lines_of.writelines(encoder.encode(_described(person)) + b"\n" for person in people(count))


def _described(person: Person) -> dict[str, object]:
    """A line of a roster file. The hash belongs to no password, but nobody can tell."""
    given = draft(person)
    said = {name: getattr(given, name) for name in given.__struct_fields__ if name not in _LEFT_OUT}
    return {**said, "created_at": person.created_at, "password_hash": _hash(person.noise)}


def _hash(noise: int) -> str:
    salt, mark = noise.to_bytes(8, "big") * 2, mixed(noise).to_bytes(8, "big") * 4
    return "$argon2id$v=19$m=19456,t=2,p=1$" + "$".join(
        base64.b64encode(part).decode().rstrip("=") for part in (salt, mark)
    )


def _import(file: Path, data: Path, database: int) -> Taken:
    """By the command line, its start included."""
    command = [str(processes.PROGRAM), "import", str(file), "--format", "roster", "--data", str(data), "--json"]
    before, children, started = meter.cpu_of(database), meter.ended_children(), time.perf_counter()
    processes.output_of(command)
    seconds = time.perf_counter() - started
    return Taken(seconds, meter.cpu_of(database) - before + meter.ended_children() - children)


async def _copy(dsn: str, folder: Path, database: int, count: int) -> Taken:
    """In one transaction for each table, as plain as it gets, in the order in which the import has written."""
    connection = await asyncpg.connect(dsn)
    try:
        for table in _TABLES:
            await connection.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
            columns = await _written(connection, table)
            query = f"SELECT {', '.join(columns)} FROM {table}"
            await connection.copy_from_query(query, output=folder / table, format="binary", timeout=_HOURS)
        before, own, started = meter.cpu_of(database), time.process_time(), time.perf_counter()
        for table in _TABLES:
            columns = await _written(connection, table)
            await connection.copy_to_table(
                f"copied_{table}", source=folder / table, columns=columns, format="binary", timeout=_HOURS
            )
        taken = Taken(time.perf_counter() - started, meter.cpu_of(database) - before + time.process_time() - own)
        await _require_all(connection, count)
    finally:
        await connection.close()
    return taken


async def _written(connection: asyncpg.Connection, table: str) -> list[str]:
    """Its columns, without those that the database makes of the others."""
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum",
        table,
    )
    return [row[0] for row in rows]


async def _require_all(connection: asyncpg.Connection, count: int) -> None:
    for table in _TABLES:
        found = await connection.fetchval(f"SELECT count(*) FROM copied_{table}")
        if found < count:
            raise processes.Failed(f"Of {count} people only {found} rows of {table} came in.")
