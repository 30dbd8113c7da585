"""`python -m bench.footprint FOLDER`: what a person takes on disk, and what each kind of work writes to the log.

FOLDER is one that `python -m bench --quick --reuse FOLDER` has left; work on a copy, because people are added. Nothing
else may use the database meanwhile. Prints the figures that docs/scale.md is made from.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import msgspec

from bench import processes
from bench.dataset import PASSWORD
from bench.people import person
from bench.rows import draft, id_of
from roster import app
from roster.core.credentials import hashing
from roster.core.credentials import service as credentials
from roster.core.credentials.models import Credential
from roster.core.flows import granting, login
from roster.core.flows.models import Granted
from roster.core.realms import service as realms
from roster.core.sessions import store as sessions
from roster.core.sessions.models import Opening, Session
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit.actor import NOTHING, Actor, Kind, Origin, system
from roster.kit.clock import now
from roster.kit.errors import BadCredentials
from roster.kit.ids import RealmId, UserId, uuid7
from roster.storage import embedded
from roster.storage.embedded import Embedded
from roster.storage.runtime import Runtime

PEOPLE = 100_000
"""Of the main realm of a quick run."""
_MANY, _FEW = 3_000, 200
_STRIDE = 331
"""Shares no factor with PEOPLE, so that people of different times, and so of different pages, take turns."""
_ROWS = ("users", "credentials", "sessions", "audit_entries", "outbox_events", "counters")

_LOCALES = ("is-IS", "lv-LV", "et-EE", "lt-LT")
_MODES = {
    "as Roster sets it up, right after a checkpoint": [],
    "the same, page images compressed": ["ALTER SYSTEM SET wal_compression = 'pglz'"],
    "without page images, as long after a checkpoint": ["ALTER SYSTEM SET full_page_writes = off"],
}

_PARTS = """
SELECT CASE WHEN t.relname LIKE 'audit_entries%' THEN 'audit_entries' ELSE t.relname END, x.relname,
    pg_relation_size(x.oid)
FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
JOIN LATERAL (
    SELECT t.oid, 'rows' AS relname
    UNION ALL SELECT i.indexrelid, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = t.oid
) x ON true
WHERE t.relkind = 'r' AND pg_relation_size(x.oid) > 0
"""


class _Bench:
    """The main realm, and who works in it."""

    def __init__(self, runtime: Runtime, watch: asyncpg.Connection, actor: Actor) -> None:
        self.runtime, self.watch, self.actor = runtime, watch, actor
        self.anybody = Actor(
            Kind.ANONYMOUS, actor.realm_id, actor.realm_slug, grants=NOTHING, realm_version=actor.realm_version
        )
        self.passwords: list[Credential] = []
        self.refresh_tokens: list[str] = []
        self.opened: list[Session] = []
        self.hash = ""
        self.name = ""
        self._next = 0

    def again(self) -> None:
        """Begin with the same people again."""
        self._next = 0

    def somebody(self) -> UserId:
        """An active person, another one each time."""
        while True:
            self._next += 1
            found = person(self._next * _STRIDE % PEOPLE, PEOPLE)
            if found.status == "active":
                self.name = found.username
                return UserId(id_of(found))


async def _create(bench: _Bench, number: int) -> None:
    async with bench.runtime.write(bench.actor) as tx:
        await users.create(tx, draft(person(number, 1_000_000)))


async def _change(bench: _Bench, change: UserChange) -> None:
    user_id = bench.somebody()
    async with bench.runtime.write(bench.actor) as tx:
        await users.change(tx, user_id, change)


async def _give_password(bench: _Bench) -> None:
    user_id = bench.somebody()
    async with bench.runtime.write(bench.actor) as tx:
        bench.passwords.append(await credentials.replace_password(tx, user_id, bench.hash))


async def _open(bench: _Bench, number: int) -> None:
    """What a sign-in writes once the secret was right."""
    user_id = bench.somebody()
    async with bench.runtime.write(bench.anybody) as tx:
        user = await users.tx_maybe(tx, user_id)
        assert user is not None  # noqa: S101 - for the types
        password = bench.passwords[number]
        opening = Opening(user_id, ("password",), password.id, password.version)
        _keep(bench, await granting.grant(tx, user, opening, None))


async def _sign_in(bench: _Bench, number: int, secret: str) -> None:
    bench.somebody()
    origin = Origin(dialect="native", request_id=str(uuid7()), address=f"192.0.2.{number % 250}", user_agent="bench")
    actor = msgspec.structs.replace(bench.anybody, origin=origin)
    with suppress(BadCredentials):
        done = await login.password(bench.runtime, actor, bench.name, secret)
        assert isinstance(done, Granted)  # noqa: S101 - nobody here has a second factor
        _keep(bench, done)


def _keep(bench: _Bench, granted: Granted) -> None:
    bench.refresh_tokens.append(granted.refresh_token)
    bench.opened.append(granted.session)


async def _refresh(bench: _Bench, number: int) -> None:
    done = await login.refresh(bench.runtime, bench.anybody, bench.refresh_tokens[number])
    bench.refresh_tokens[number] = done.refresh_token


async def _touch(bench: _Bench, number: int) -> None:
    """What the server notes once a minute for all sessions that were used, here one at a time."""
    async with bench.runtime.lease() as tx:
        await sessions.touch(tx, [(bench.actor.realm_id, bench.opened[number].id, now())])


async def _sizes(watch: asyncpg.Connection) -> dict[tuple[str, str], int]:
    found = await watch.fetch(_PARTS)
    sizes: dict[tuple[str, str], int] = {}
    for table, part, size in found:
        sizes[table, part] = sizes.get((table, part), 0) + size
    return sizes


async def _told(bench: _Bench, name: str, count: int, work: Callable[[int], Awaitable[None]]) -> None:
    """Do it `count` times and print the log's growth and that of every table, each per time."""
    before, start = await _sizes(bench.watch), await _position(bench.watch)
    for number in range(count):
        await work(number)
    grown, after = await _position(bench.watch) - start, await _sizes(bench.watch)
    print(f"{name}: {grown / count:,.0f} bytes of log, {count} times")
    for table in _ROWS:
        parts = {
            part: (size - before.get((owner, part), 0)) / count
            for (owner, part), size in after.items()
            if owner == table
        }
        rows = parts.pop("rows", 0)
        if rows or any(parts.values()):
            print(f"    {table}: rows {rows:.0f}, indexes {sum(parts.values()):.0f}")


async def _position(watch: asyncpg.Connection) -> int:
    return int(await watch.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


async def _work(bench: _Bench, first: int) -> None:
    await bench.watch.execute("CHECKPOINT")
    await _told(bench, "create", _MANY, lambda number: _create(bench, first + number))
    bench.again()
    await _told(bench, "set a password", _MANY + 4 * _FEW * len(_MODES), lambda _: _give_password(bench))
    bench.again()
    await _told(bench, "open a session", _MANY, lambda number: _open(bench, number))
    for number, (title, statements) in enumerate(_MODES.items()):
        print(f"-- {title}")
        for statement in statements:
            await bench.watch.execute(statement, timeout=600)
        await bench.watch.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(1)
        await _small(bench, number, first + _MANY + _FEW * number)


async def _small(bench: _Bench, mode: int, first: int) -> None:
    steps: dict[str, Callable[[int], Awaitable[None]]] = {
        "create a person": lambda number: _create(bench, first + number),
        "change the locale": lambda _: _change(bench, UserChange(locale=_LOCALES[mode])),
        "change the family name": lambda number: _change(bench, UserChange(family_name=f"Ny{mode}{number}")),
        "sign in": lambda number: _sign_in(bench, number, PASSWORD),
        "fail to sign in": lambda number: _sign_in(bench, number, "wrong"),
        "refresh": lambda number: _refresh(bench, 600 * mode + 3 * number),
        "note a use": lambda number: _touch(bench, 600 * mode + 3 * number + 1),
    }
    for name, work in steps.items():
        await bench.watch.execute("CHECKPOINT")
        await _told(bench, name, _FEW, work)


async def _main(data: Path) -> None:
    settings = processes.settings_of(data)
    with embedded.using(data) as dsn:
        watch = await asyncpg.connect(Embedded(data).dsn_for("postgres", "roster"))
        await watch.execute("ALTER SYSTEM SET autovacuum = off")
        runtime = app.runtime_of(settings, dsn)
        try:
            await _measure(runtime, watch)
        finally:
            await watch.execute("ALTER SYSTEM RESET ALL")
            await watch.execute("SELECT pg_reload_conf()")
            await watch.close()
            await runtime.close()


async def _measure(runtime: Runtime, watch: asyncpg.Connection) -> None:
    outside = system(RealmId(uuid7()), "main", "bench")
    async with runtime.read(outside) as tx:
        actor = realms.inside(outside, await realms.by_slug(tx, "main"))
    bench = _Bench(runtime, watch, actor)
    bench.hash = await runtime.workers.run(hashing.hash_secret, PASSWORD)
    print(await watch.fetchval("SELECT count(*) FROM users"), "people")
    for (table, part), size in sorted((await _sizes(watch)).items()):
        print(f"{table}\t{part}\t{size}")
    last = await watch.fetchval("SELECT max(number) FROM users")
    await _work(bench, max(last, PEOPLE) + 1_000)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]) / "data"))
