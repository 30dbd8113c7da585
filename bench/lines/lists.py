"""Pages of 25 with filter and sort: many people against few, and the least that a page costs."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec

from bench import calls, judging, trial
from bench.calls import api, as_administrator
from bench.dataset import Realm
from bench.limit import Question
from bench.load import Call
from bench.people import mixed, person
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage
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
    """One line for each kind of search, one over the limit, and one for totals."""
    return [*(_scaling(stage, server, search) for search in SEARCHES), _cost(stage, server), _total(stage, server)]


def _scaling(stage: Stage, server: Server, search: Search) -> Line:
    many, few = trial.in_turns(
        stage.size.rounds,
        lambda: _window(stage, server, stage.main, search),
        lambda: _window(stage, server, stage.small, search),
    )
    name = f"list 25 of {stage.main.size:,} people, {search.name}"
    return judging.slow_over(name, many, few, called=f"{stage.small.size:,} people", most=BAR)


def _window(stage: Stage, server: Server, realm: Realm, search: Search) -> Window:
    """One after another, as people search; both realms are asked the same."""
    asked = as_administrator(realm, list(asking(realm, search, stage.size.searches, stage.size.few)))
    return stage.window(server, asked, connections=1, count=len(asked))


def asking(realm: Realm, search: Search, count: int, known: int) -> Iterator[Call]:
    """Searches for what is true of one of the first `known` people, who are the same in every realm."""
    for number in range(count):
        bits = mixed(number * 7919)
        asked = f"{search.parameter}={quote(search.ask(bits % known, bits >> 16))}"
        yield Call("GET", api(realm, f"/users?{asked}" + (f"&sort={search.sort}" if search.sort else "")))


def plain(stage: Stage) -> list[Call]:
    """The first page of those who are active, by username, in every session of the administrator's."""
    path = api(stage.main, f"/users?filter={quote(_PLAIN.filter)}&sort={_PLAIN.sort}")
    return as_administrator(stage.main, [Call("GET", path)] * len(stage.main.tokens))


def _cost(stage: Stage, server: Server) -> Line:
    count = stage.size.requests // 4
    with stage.limit(questions=[_PLAIN]) as reference:
        ours, least = trial.in_turns(
            stage.size.rounds,
            lambda: stage.window(server, plain(stage), count=count),
            lambda: stage.window(reference, [Call("GET", "/list/0")], count=count),
        )
    return judging.over("list page of 25", ours, least, called="the limit", by=judging.SERVER)


def _total(stage: Stage, server: Server) -> Line:
    """1 when a page tells the total exactly when it was asked for."""
    bare, asked = as_administrator(
        stage.small, [Call("GET", api(stage.small, path)) for path in ("/users?limit=1", "/users?limit=1&total=true")]
    )
    untold = calls.fetch(server.port, bare).get("total") is None
    told = calls.fetch(server.port, asked)["total"] >= stage.small.size
    return Line(name="list: total only when asked (1 is yes)", figure=float(untold and told), unit="", least=1)
