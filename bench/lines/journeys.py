"""What every application does: for each core, and what it costs with many people over what it costs with few.

Few people are in an installation of their own, with its own database and server, so that tables, indexes and caches
are small there too.
"""

import itertools
from collections.abc import Callable

import msgspec

from bench import judging, trial
from bench.calls import api, as_administrator
from bench.judging import BOTH, DATABASE, Reading
from bench.lines import exports, lists, reads, sign_ins, writes
from bench.load import Call, Job
from bench.people import person
from bench.processes import Server
from bench.report import Line
from bench.stage import CONNECTIONS, Stage
from bench.trial import Window

BAR = 3.0
"""An O(1) path may cost so many times as much when people become a hundred times as many."""


class Journey(msgspec.Struct, frozen=True):
    """One path; `window` is told which turn it is. `least` is the bar of its rate on one core."""

    name: str
    window: Callable[[Stage, Server, int], Window]
    least: float | None = None
    by: Reading = BOTH


def lines(stage: Stage, server: Server) -> list[Line]:
    """Two for each path, and those of the export."""
    few = stage.with_few()
    with few.serving() as other:
        found = [line for each in JOURNEYS for line in _lines(each, (stage, server), (few, other))]
        return [*found, *exports.lines((stage, server), (few, other))]


def _lines(journey: Journey, here: tuple[Stage, Server], there: tuple[Stage, Server]) -> list[Line]:
    size = here[0].size
    mine, theirs = itertools.count(), itertools.count()
    many, few = trial.in_turns(
        size.rounds,
        lambda: journey.window(*here, next(mine)),
        lambda: journey.window(*there, next(theirs)),
    )
    name = f"{journey.name}, {size.people:,} people"
    grown = judging.over(name, many, few, called=f"{size.few:,} people", by=journey.by, most=BAR)
    return [judging.per_core(journey.name, many, least=journey.least), grown]


def _get(stage: Stage, server: Server, _turn: int) -> Window:
    return reads.get(stage, server)


def _check(stage: Stage, server: Server, _turn: int) -> Window:
    calls = as_administrator(stage.main, [Call("GET", api(stage.main, "/me"))] * len(stage.main.tokens))
    return stage.window(server, calls, count=stage.size.requests)


def _refresh(stage: Stage, server: Server, turn: int) -> Window:
    """Every connection refreshes a session of its own, again and again."""
    mine = stage.main.refresh_tokens[turn * CONNECTIONS :][:CONNECTIONS]
    calls = [Call("POST", api(stage.main, "/refresh"), body={"refresh_token": token}) for token in mine]
    job = Job(server.port, calls, CONNECTIONS, stage.size.requests // 4, carry="refresh_token")
    return trial.window(stage.load, server, stage.database, job)


def _list(stage: Stage, server: Server, _turn: int) -> Window:
    return stage.window(server, lists.plain(stage), count=stage.size.requests // 4)


def _search(stage: Stage, server: Server, _turn: int) -> Window:
    """All kinds of searches in turn, the same ones everywhere."""
    kinds = [list(lists.asking(stage.main, each, stage.size.searches, stage.size.few)) for each in lists.SEARCHES]
    calls = [call for turn in zip(*kinds, strict=True) for call in turn]
    return stage.window(server, as_administrator(stage.main, calls), count=len(calls))


def _create(stage: Stage, server: Server, _turn: int) -> Window:
    return writes.create(stage, server)


def _update(stage: Stage, server: Server, turn: int) -> Window:
    """Everybody gets another first name, that of somebody else."""
    numbers = stage.main.changing(stage.size.creates)
    calls = [
        Call(
            "PATCH",
            api(stage.main, f"/users/{stage.main.person_id(number)}"),
            body={"given_name": person(number + turn + 1, 1).given_name},
        )
        for number in numbers
    ]
    return stage.window(server, as_administrator(stage.main, calls), count=len(calls))


def _sign_in(stage: Stage, server: Server, _turn: int) -> Window:
    return stage.window(server, sign_ins.calls(stage), count=stage.size.searches)


JOURNEYS = (
    Journey("GET one user", _get),
    Journey("session check (GET /me)", _check, least=2_000),
    Journey("refresh with rotation", _refresh, least=250),
    Journey("list page of 25", _list, least=800),
    Journey("searches of all kinds", _search),
    Journey("create user", _create),
    Journey("update user", _update),
    Journey("sign-in", _sign_in, by=DATABASE),
)
