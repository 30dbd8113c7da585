"""The limit: the least that does the same work on the same server, driver and database, with no checks at all.

It knows neither people's rights nor routes, reads nothing of a request but its path, and answers with

    GET  /users/{id}   the SELECT of one person, and the same JSON
    GET  /list/{n}     the n-th list query it was started with, and the same JSON without cursors
    POST /users        the next of its prepared people: three bare INSERTs (person, audit, outbox) in one transaction

The server is uvicorn as it comes, without Roster's own way with connections (`web/protocol.py`). It is started
with one line of JSON on standard input and says on standard output when it is ready.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
import uvloop

from bench import rows
from roster.core.users.fields import FIELDS, custom
from roster.core.users.store import COLUMNS
from roster.dialects.native import query
from roster.dialects.native.wire.people import User
from roster.kit import filters
from roster.kit.filters import EVERYTHING
from roster.kit.ids import uuid7
from roster.kit.pages import Page, Walk
from roster.storage import pool, sql

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_HEADERS = [
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]
_STORED = [name.strip() for name in COLUMNS.split(",")]
_SHOWN = [name for name in User.__struct_fields__ if name in _STORED]
_shown = itemgetter(*[_STORED.index(name) for name in _SHOWN])
_shown_of_new = itemgetter(*[rows.COLUMNS.index(name) if name in rows.COLUMNS else 0 for name in _SHOWN])
_encode = msgspec.json.Encoder().encode

Person = msgspec.defstruct("Person", [*((name, Any) for name in _SHOWN), ("view", str, "full")])
Listed = msgspec.defstruct("Listed", [("items", list[Any]), ("next_cursor", None, None), ("total", None, None)])

_ONE = "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND id = $2 AND deleted_at IS NULL"
_PLACES = ", ".join(f"${number + 1}" for number in range(len(rows.COLUMNS)))
_INSERT_PERSON = f"INSERT INTO users ({', '.join(rows.COLUMNS)}) VALUES ({_PLACES})"
_INSERT_ENTRY = (
    "INSERT INTO audit_entries (realm_id, at, id, action, actor_kind, actor_id, actor_name, session_id, dialect,"
    " request_id, address, subject_kind, subject_id, changes)"
    " VALUES ($1, $2, $3, 'user.created', 'user', $4, 'admin', $4, 'native', 'request', '127.0.0.1', 'user', $4, $5)"
)
_INSERT_EVENT = (
    "INSERT INTO outbox_events (realm_id, id, at, type, subject_id, payload)"
    " VALUES ($1, $2, $3, 'user.created', $4, $5)"
)


class Question(msgspec.Struct, frozen=True):
    """A list as the native API is asked for it."""

    filter: str
    sort: str


class Plan(msgspec.Struct, frozen=True):
    """What the limit is started with: it makes people from number `first` on in a directory of `size`."""

    dsn: str
    port: int
    realm_id: UUID
    connections: int
    questions: list[Question] = []
    size: int = 1
    first: int = 0
    count: int = 0


class Limit:
    """An ASGI application without lifespan."""

    def __init__(self, plan: Plan, connections: list[pool.Connection]) -> None:
        self._realm_id = plan.realm_id
        self._idle = connections
        self._lists = [compiled(question, plan.realm_id) for question in plan.questions]
        made = rows.rows(plan.realm_id, plan.size, start=plan.first, count=plan.count)
        self._new: Iterator[rows.Values] = iter(list(made))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        connection = self._idle.pop()
        path: str = scope["path"]
        if scope["method"] == "POST":
            body = await self._insert(connection, receive)
        elif path.startswith("/list/"):
            text, values = self._lists[int(path[6:])]
            found = await connection.fetch(text, *values)
            body = _encode(Listed([Person(*_shown(row)) for row in found[:25]]))
        else:
            row = await connection.fetchrow(_ONE, self._realm_id, UUID(path[7:]))
            body = _encode(Person(*_shown(cast("asyncpg.Record", row))))
        self._idle.append(connection)
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _insert(self, connection: pool.Connection, receive: Receive) -> bytes:
        while (await receive()).get("more_body"):
            pass
        row = next(self._new)
        person_id, now = row[1], datetime.now(UTC)
        async with connection.transaction():
            await connection.execute(_INSERT_PERSON, *row)
            changes = {"username": [None, row[4]]}
            await connection.execute(_INSERT_ENTRY, self._realm_id, now, uuid7(), person_id, changes)
            await connection.execute(_INSERT_EVENT, self._realm_id, uuid7(), now, person_id, {"fields": ["username"]})
        return _encode(Person(*_shown_of_new(row)))


def compiled(question: Question, realm_id: UUID, *, limit: int = 25) -> sql.Compiled:
    """The statement with which Roster answers a list for administrators."""
    fields = FIELDS.with_attributes(custom({}))
    where = query.parse_filter(question.filter) or EVERYTHING
    wanted = filters.check(where, fields, may_see_private=True)
    order = filters.check_sorts(query.parse_sort(question.sort), fields, may_see_private=True)
    walk = Walk(b"bench", Page(limit), where=wanted, sorts=order, fields=fields, about=())
    listing = sql.Listing(columns=COLUMNS, tables="users", condition="realm_id = $1 AND deleted_at IS NULL")
    return sql.compile_page(listing, fields, walk, args=(realm_id,), realm_id=realm_id)


async def serve(plan: Plan) -> None:
    """Serve until SIGTERM, with the options of `roster.cli.process`."""
    connections = [await pool.connect(plan.dsn) for _ in range(plan.connections)]
    config = uvicorn.Config(
        Limit(plan, connections),
        host="127.0.0.1",
        port=plan.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    started_with = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(started_with))
