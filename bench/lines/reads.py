"""GET of one person against the limit, with and without many other operations."""

from bench import calls, judging, processes, trial
from bench.calls import api, as_administrator
from bench.load import Call
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage
from bench.trial import Window

OPERATIONS = 500
_TURNS = 8
"""Of a round: what one reading takes is so short that a shared machine changes within it."""
_PART = 3
"""A turn has one of so many parts of a round's requests."""


def lines(stage: Stage, server: Server) -> list[Line]:
    """Also sees to it that the limit says the same as the server."""
    crowd = [*processes.module("crowded"), str(OPERATIONS)]
    with stage.limit() as reference, stage.beside("crowded", program=crowd) as crowded:
        _require_same_answer(stage, server, reference)
        roster, many, least = trial.in_turns(
            _TURNS * stage.size.rounds,
            lambda: get(stage, server, part=_PART),
            lambda: get(stage, crowded, part=_PART),
            lambda: _get_of_limit(stage, reference),
        )
    beside = f"GET one user, {OPERATIONS} operations more"
    return [
        judging.over("GET one user", roster, least, called="the limit", by=judging.SERVER, most=1.5),
        judging.over(beside, many, roster, called="GET one user", by=judging.SERVER, most=1.1),
    ]


def get(stage: Stage, server: Server, *, part: int = 1) -> Window:
    """One window of reading people one by one, with one of so many parts of a round's requests."""
    asked = [Call("GET", api(stage.main, f"/users/{stage.main.person_id(number)}")) for number in stage.main.some()]
    return stage.window(server, as_administrator(stage.main, asked), count=stage.size.requests // part)


def _get_of_limit(stage: Stage, reference: Server) -> Window:
    asked = [Call("GET", f"/users/{stage.main.person_id(number)}") for number in stage.main.some()]
    return stage.window(reference, asked, count=stage.size.requests // _PART)


def _require_same_answer(stage: Stage, server: Server, reference: Server) -> None:
    person_id = stage.main.person_id(7)
    call = as_administrator(stage.main, [Call("GET", api(stage.main, f"/users/{person_id}"))])[0]
    ours = calls.fetch(server.port, call)
    least = calls.fetch(reference.port, Call("GET", f"/users/{person_id}"))
    different = {name for name in ours if ours[name] != least.get(name) and not name.endswith("_at")}
    if different or set(ours) != set(least):
        raise processes.Failed(f"The limit answers otherwise than the server: {different or set(ours) ^ set(least)}")
