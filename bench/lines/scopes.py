"""Searches by somebody who sees three facilities of a thousand, and what fifty assignments cost."""

from collections.abc import Iterator

from bench import calls, judging, trial
from bench.dataset import Realm
from bench.lines import reads
from bench.load import Call
from bench.people import mixed, person
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage
from bench.trial import Window

BAR = 2.0


def lines(stage: Stage, server: Server) -> list[Line]:
    """Both in the dialect of fulfillmenttools."""
    return [_search(stage, server), _effective(stage, server)]


def _search(stage: Stage, server: Server) -> Line:
    many, few = trial.in_turns(
        stage.size.rounds,
        lambda: _window(stage, server, stage.main, stage.main.limited_tokens),
        lambda: _window(stage, server, stage.small, stage.small.tokens),
    )
    return judging.slow_over(
        f"users/search, two filters and a sort, within 3 of 1,000 facilities of {stage.main.size:,} people",
        many,
        few,
        called=f"all {stage.small.size:,} people",
        most=BAR,
    )


def _window(stage: Stage, server: Server, realm: Realm, tokens: list[str]) -> Window:
    asked = list(_calls(realm, stage.size.searches, stage.size.few))
    return stage.window(server, calls.with_tokens(asked, tokens), connections=1, count=len(asked))


def _calls(realm: Realm, count: int, known: int) -> Iterator[Call]:
    """By the beginning of a name, and a part of the first name, in the order of the last names."""
    for number in range(count):
        asked = person(mixed(number * 7919) % known, 1)
        query = {"lastname": {"like": f"^{asked.family_name[:2]}"}, "firstname": {"like": asked.given_name[-2:]}}
        body = {"query": query, "sort": [{"lastname": "ASC"}], "size": 25}
        yield Call("POST", f"/fulfillmenttools/{realm.slug}/api/users/search", body=body)


def _effective(stage: Stage, server: Server) -> Line:
    tokens = stage.main.burdened_tokens
    path = f"/fulfillmenttools/{stage.main.slug}/api/users/me/effectivepermissions"
    asked = calls.with_tokens([Call("GET", path)] * len(tokens), tokens)
    ours, one = trial.in_turns(
        stage.size.rounds,
        lambda: stage.window(server, asked, count=stage.size.requests // 2),
        lambda: reads.get(stage, server),
    )
    name = "effective permissions of 50 assignments"
    return judging.over(name, ours, one, called="GET one user", most=BAR)
