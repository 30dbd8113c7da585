"""Pages of 25 with filter and sort: many people against few, and the least that a page costs."""

import asyncio
from collections.abc import Callable, Iterator
from urllib.parse import quote

import asyncpg
import msgspec

from bench import stage as stages
from bench import trial
from bench.dataset import Realm
from bench.limit import Question
from bench.load import Call
from bench.people import mixed, person
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage, api, as_administrator
from bench.trial import Window

BAR = 3.0
_PLAIN = Question('status eq "active"', "username")


class Search(msgspec.Struct, frozen=True):
    """A kind of search: `ask` makes the filter from one person and bits that look random."""

    name: str
    sort: str
    ask: Callable[[int, int], str]
    parameter: str = "filter"


def _slice(text: str, bits: int) -> str:
    """Three to eight characters out of the middle."""
    length = 3 + bits % 6
    return text[(bits >> 8) % max(1, len(text) - length) :][:length]


def _begin(text: str, bits: int) -> str:
    return text[: 2 + bits % 5]


SEARCHES = (
    Search("status eq, by username", "username", lambda _number, _bits: 'status eq "active"'),
    Search("status eq (rare), by family name", "family_name", lambda _number, _bits: 'status eq "disabled"'),
    Search(
        "email contains, by username",
        "username",
        lambda number, bits: f'email contains "{_slice(person(number, 1).username, bits)}"',
    ),
    Search(
        "family name starts, newest first",
        "-created_at",
        lambda number, bits: f'family_name starts "{_begin(person(number, 1).family_name, bits)}"',
    ),
    Search(
        "created after, by username",
        "username",
        lambda _number, bits: f'created_at ge "{2021 + bits % 4}-{1 + bits // 4 % 12:02d}-01T00:00:00Z"',
    ),
    Search(
        "custom field eq, by username",
        "username",
        lambda number, _bits: f'attributes.site eq "{person(number, 1).attributes["site"]}"',
    ),
    Search("words anywhere", "", lambda number, bits: _slice(person(number, 1).display_name, bits), "q"),
    Search("status eq, by display name", "display_name", lambda _number, _bits: 'status eq "active"'),
)


def lines(stage: Stage, server: Server) -> list[Line]:
    """One line for each kind of search, one for what must not happen, and the page's own cost."""
    spilled = _spilled(stage)
    found = [_scaling(stage, server, search) for search in SEARCHES]
    return [*found, *_cost(stage, server), _total(stage, server), _spill(_spilled(stage) - spilled)]


def _scaling(stage: Stage, server: Server, search: Search) -> Line:
    many, few = trial.in_turns(
        stage.size.rounds,
        lambda: _window(stage, server, stage.main, search),
        lambda: _window(stage, server, stage.small, search),
    )
    return compared(
        f"list 25, {search.name}: p95 at {stage.main.size:,} over {stage.small.size:,}", many, few, most=BAR
    )


def compared(name: str, many: list[Window], few: list[Window], *, most: float) -> Line:
    """The p95 of one side over the other's."""
    p95 = [trial.percentile(trial.latencies(windows), 0.95) for windows in (many, few)]
    p50 = [trial.percentile(trial.latencies(windows), 0.5) for windows in (many, few)]
    each = trial.ratios([_p95(window) for window in many], [_p95(window) for window in few])
    return Line(
        name=name,
        figure=p95[0] / p95[1],
        low=each.least,
        high=each.greatest,
        most=most,
        detail=f"p95 {p95[0] * 1e3:.1f} and {p95[1] * 1e3:.1f} ms, p50 {p50[0] * 1e3:.1f} and {p50[1] * 1e3:.1f} ms",
    )


def _p95(window: Window) -> float:
    return trial.percentile(window.outcome.latencies, 0.95)


def _window(stage: Stage, server: Server, realm: Realm, search: Search) -> Window:
    """One after another, as people search; both realms are asked the same."""
    calls = [Call("GET", path) for path in _paths(realm, search, stage.size.searches, stage.small.size)]
    return stage.window(server, as_administrator(realm, calls), connections=1, count=len(calls))


def _paths(realm: Realm, search: Search, count: int, known: int) -> Iterator[str]:
    """Searches for what is true of one of the first `known` people, who are the same in every realm."""
    for number in range(count):
        bits = mixed(number * 7919)
        asked = f"{search.parameter}={quote(search.ask(bits % known, bits >> 16))}"
        yield api(realm, f"/users?{asked}" + (f"&sort={search.sort}" if search.sort else ""))


def _cost(stage: Stage, server: Server) -> list[Line]:
    path = api(stage.main, f"/users?filter={quote(_PLAIN.filter)}&sort={_PLAIN.sort}")
    calls = as_administrator(stage.main, [Call("GET", path)] * len(stage.main.tokens))
    count = stage.size.requests // 4
    with stage.limit(questions=[_PLAIN]) as reference:
        ours, least = trial.in_turns(
            stage.size.rounds,
            lambda: stage.window(server, calls, count=count),
            lambda: stage.window(reference, [Call("GET", "/list/0")], count=count),
        )
    compared = trial.ratios([each.server_us for each in ours], [each.server_us for each in least])
    middle = trial.spread([each.server_us for each in least]).median
    return [
        Line(
            name="list page of 25: server CPU, over the limit's",
            figure=compared.median,
            low=compared.least,
            high=compared.greatest,
            detail=f"limit {middle:.0f} µs",
        ),
        stages.per_core("list page of 25", ours),
    ]


def _total(stage: Stage, server: Server) -> Line:
    """1 when a page tells the total exactly when it was asked for."""
    bare, asked = as_administrator(
        stage.small, [Call("GET", api(stage.small, path)) for path in ("/users?limit=1", "/users?limit=1&total=true")]
    )
    untold = stages.fetch(server.port, bare).get("total") is None
    told = stages.fetch(server.port, asked)["total"] >= stage.small.size
    return Line(name="list: total only when asked (1 is yes)", figure=float(untold and told), unit="", least=1)


def _spill(count: int) -> Line:
    return Line(name="list: queries that spilled to disk", figure=count, unit="", most=0)


def _spilled(stage: Stage) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(stage.dsn)
        try:
            return await connection.fetchval(
                "SELECT temp_files FROM pg_stat_database WHERE datname = current_database()"
            )
        finally:
            await connection.close()

    return asyncio.run(ask())
