"""Signed requests (Hawk) against bearer tokens, with two workers; a list of a thousand against one made by hand."""

import asyncio
import base64
import gc
import os
import time
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import asyncpg
import msgspec

from bench import calls, judging, processes, stored, trial
from bench.calls import as_administrator
from bench.load import LOOPBACK, Call
from bench.processes import Server
from bench.report import Line, ratio
from bench.stage import Stage
from bench.trial import Window
from roster import app
from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft, SigningKey
from roster.core.users import service as users
from roster.core.users.store import COLUMNS
from roster.kit import actor as actors
from roster.kit import hawk
from roster.kit.clock import instant
from roster.kit.hawk import Header, Target
from roster.kit.ids import UserId
from roster.storage import pool

PREFIX = "/onslip360/v1/~main"
SIGNED_BAR = 1.3
LIST_BAR = 3.0
_TURNS = 4
"""Of a round."""
_LISTED = 1_000
_LIST = f"{PREFIX}/users/?s=id;o=1000;c={_LISTED}"
_ROWS = (
    "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND deleted_at IS NULL ORDER BY number OFFSET 1000 LIMIT $2"
)
_STORED = [name.strip() for name in COLUMNS.split(",")]
_SHOWN = ("number", "display_name", "username", "email", "personal_number", "tags", "created_at", "updated_at")
_wanted = itemgetter(*[_STORED.index(name) for name in _SHOWN])
_AS_WORKERS = (20_000, 20, 20)
_TIMES = 20
_encode = msgspec.json.Encoder().encode


def lines(stage: Stage, _server: Server) -> list[Line]:
    """On a server of its own that takes bearer tokens there too, or there would be nothing to compare with."""
    key = asyncio.run(_key(stage))
    paths = [f"{PREFIX}/users/{each.number}" for each in asyncio.run(stored.people(stage, stage.main.some()))]
    count = stage.size.requests // _TURNS
    with stage.beside("signed", "--workers", "2", ROSTER_DIALECTS_ONSLIP360_BEARER_TOKENS="true") as server:
        by_key, by_token = trial.in_turns(
            _TURNS * stage.size.rounds,
            lambda: stage.window(server, _signed(key, paths, count), count=count),
            lambda: stage.window(server, _with_tokens(stage, paths), count=count),
        )
        listed = _lists(stage, server)
    signed = judging.over("GET one user, signed, two workers", by_key, by_token, called="bearer token", most=SIGNED_BAR)
    return [signed, judging.per_core("GET one user, signed", by_key), listed]


def _streamed(listed: Sequence[Window], rows: Sequence[float], bare: Sequence[float]) -> Line:
    ours = [each.server_us for each in listed]
    read, made = trial.spread(rows).median / 1e3, trial.spread(bare).median / 1e3
    return ratio(
        f"list of {_LISTED:,} users: server CPU, over reading the rows and building the same JSON in one go",
        trial.ratios(ours, rows),
        most=LIST_BAR,
        note=f"{trial.spread(ours).median / 1e3:.1f} ms, by hand {read:.1f} ms, of which JSON {made:.1f} ms",
    )


async def _key(stage: Stage) -> SigningKey:
    """A key of the administrator, good for everything."""
    runtime = app.runtime_of(processes.settings_of(stage.data), stage.dsn)
    try:
        async with runtime.write(actors.system(stage.main.id, "main", "bench")) as tx:  # type: ignore[arg-type]
            found = await users.find_by_identifier(tx, "main-administrator")
            if found is None:
                raise processes.Failed("There is no administrator.")
            return await signing.create(tx, UserId(found.id), SigningDraft())
    finally:
        await runtime.close()


def _signed(key: SigningKey, paths: Sequence[str], count: int) -> list[Call]:
    """As many requests, each signed now and for itself."""
    stamp = str(int(time.time()))
    return [_sign(key, paths[at % len(paths)], stamp) for at in range(count)]


def _sign(key: SigningKey, path: str, stamp: str) -> Call:
    nonce = base64.urlsafe_b64encode(os.urandom(9)).decode()
    header = Header(id=key.identifier, ts=stamp, nonce=nonce, mac="")
    made = hawk.sign(key.key, header, Target("GET", path, LOOPBACK, 80))
    return Call("GET", path, {"Authorization": hawk.write(made)})


def _with_tokens(stage: Stage, paths: Sequence[str]) -> list[Call]:
    return as_administrator(stage.main, [Call("GET", path) for path in paths])


def _listing(stage: Stage, server: Server) -> Window:
    asked = as_administrator(stage.main, [Call("GET", _LIST)])
    return stage.window(server, asked, count=max(20, stage.size.searches // 2), connections=1)


def _lists(stage: Stage, server: Server) -> Line:
    """In turns, so that whatever else the machine does hits both. Raises Failed when the JSON is another one."""
    answer = calls.fetch(server.port, as_administrator(stage.main, [Call("GET", _LIST)])[0])
    rows: list[float] = []
    bare: list[float] = []
    listed: list[Window] = []
    for number in range(stage.size.rounds + 1):
        window, (read, made) = _listing(stage, server), asyncio.run(_by_hand(stage, answer))
        if number:
            listed, rows, bare = [*listed, window], [*rows, read], [*bare, made]
    return _streamed(listed, rows, bare)


async def _by_hand(stage: Stage, answer: object) -> tuple[float, float]:
    """Microseconds of CPU for reading the rows, as the limit does, and making the JSON; and for the JSON alone."""
    connection = await pool.connect(stage.dsn)
    gc.freeze()
    gc.set_threshold(*_AS_WORKERS)
    try:
        found = await connection.fetch(_ROWS, stage.main.id, _LISTED)
        if msgspec.json.decode(_json(found)) != answer:
            raise processes.Failed("The list is another one than that made by hand.")
        began = time.process_time()
        for _ in range(_TIMES):
            _json(await connection.fetch(_ROWS, stage.main.id, _LISTED))
        between = time.process_time()
        for _ in range(_TIMES):
            _json(found)
        return (between - began) / _TIMES * 1e6, (time.process_time() - between) / _TIMES * 1e6
    finally:
        await connection.close()
        gc.unfreeze()


def _json(rows: Sequence[asyncpg.Record]) -> bytes:
    return _encode([_shown(row) for row in rows])


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    number, name, username, email, personal_number, tags, created_at, updated_at = _wanted(row)
    found = {"id": number, "name": name, "alias": username, "email": email or ""}
    if personal_number is not None:
        found["identity-number"] = personal_number
    if tags:
        found["tags"] = tags
    return {**found, "created": instant(created_at), "updated": instant(updated_at)}
