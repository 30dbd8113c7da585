"""Making people: with audit and outbox, against three bare INSERTs in one transaction."""

from bench import stage as stages
from bench import trial
from bench.load import Call
from bench.people import person
from bench.processes import Server
from bench.report import Line, ratio
from bench.rows import draft
from bench.stage import Stage, as_administrator
from bench.trial import Window


def lines(stage: Stage, server: Server) -> list[Line]:
    """Subject and reference never make the same person."""
    turns = (stage.size.rounds + 1) * stage.size.creates
    prepared = stage.numbers(turns)
    with stage.limit(first=prepared.start, count=turns) as reference:
        ours, least = trial.in_turns(
            stage.size.rounds,
            lambda: _create(stage, server),
            lambda: stage.window(reference, [_call(prepared.start)], count=stage.size.creates),
        )
    mine, limits = [each.both_us for each in ours], [each.both_us for each in least]
    detail = f"{trial.spread(mine).median:.0f} µs, limit {trial.spread(limits).median:.0f} µs"
    return [
        ratio(
            "create user: CPU of server and PostgreSQL, over three bare INSERTs'",
            trial.ratios(mine, limits),
            most=2,
            detail=detail,
        ),
        stages.per_core("create user", ours),
    ]


def _create(stage: Stage, server: Server) -> Window:
    calls = [_call(number) for number in stage.numbers(stage.size.creates)]
    return stage.window(server, as_administrator(stage.main, calls), count=len(calls))


def _call(number: int) -> Call:
    described = draft(person(number, 1_000_000))
    body = {name: getattr(described, name) for name in described.__struct_fields__ if name != "facets"}
    return Call("POST", "/api/v1/users", body=body)
