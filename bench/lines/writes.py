"""Making people: with audit and outbox, against three bare INSERTs in one transaction."""

from bench import judging, trial
from bench.calls import api, as_administrator
from bench.load import Call
from bench.people import person
from bench.processes import Server
from bench.report import Line
from bench.rows import draft
from bench.stage import Stage
from bench.trial import Window


def lines(stage: Stage, server: Server) -> list[Line]:
    """Subject and reference never make the same person."""
    turns = (stage.size.rounds + 1) * stage.size.creates
    prepared = stage.numbers(turns)
    with stage.limit(first=prepared.start, count=turns) as reference:
        ours, least = trial.in_turns(
            stage.size.rounds,
            lambda: create(stage, server),
            lambda: stage.window(reference, [_call(stage, prepared.start)], count=stage.size.creates),
        )
    return [judging.over("create user", ours, least, called="three bare INSERT", most=2)]


def create(stage: Stage, server: Server) -> Window:
    """One window of making people whom nobody has made yet."""
    calls = [_call(stage, number) for number in stage.numbers(stage.size.creates)]
    return stage.window(server, as_administrator(stage.main, calls), count=len(calls))


def _call(stage: Stage, number: int) -> Call:
    described = draft(person(number, 1_000_000))
    body = {name: getattr(described, name) for name in described.__struct_fields__ if name != "facets"}
    return Call("POST", api(stage.main, "/users"), body=body)
