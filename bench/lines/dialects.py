"""One read and one write in every dialect, over the same in the native API."""

import asyncio
import itertools
from collections.abc import Callable

import msgspec

from bench import judging, stored, trial
from bench.calls import as_administrator
from bench.lines import organisations
from bench.load import Call
from bench.people import person
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage
from bench.stored import Stored
from bench.trial import Window


class Dialect(msgspec.Struct, frozen=True):
    """How one person is read, and how the first name is changed."""

    name: str
    read: Callable[[Stored, int], Call]
    write: Callable[[Stored, int, str], Call]


NATIVE = Dialect(
    "native",
    lambda each, _org: Call("GET", f"/api/v1/users/{each.id}"),
    lambda each, _org, name: Call("PATCH", f"/api/v1/users/{each.id}", body={"given_name": name}),
)
OTHERS = (
    Dialect(
        "acceleratxr",
        lambda each, _org: Call("GET", f"/acceleratxr/v1/users/{each.id}"),
        lambda each, _org, name: Call(
            "PUT",
            f"/acceleratxr/v1/users/{each.id}",
            body={
                "name": each.username,
                "email": each.email,
                "phone": each.phone,
                "firstName": name,
                "lastName": each.family_name,
            },
        ),
    ),
    Dialect(
        "fulfillmenttools",
        lambda each, _org: Call("GET", f"/fulfillmenttools/main/api/users/{each.id}"),
        lambda each, _org, name: Call(
            "PATCH",
            f"/fulfillmenttools/main/api/users/{each.id}",
            body={"version": each.version + 1, "actions": [{"action": "ModifyUser", "firstname": name}]},
        ),
    ),
    Dialect(
        "onslip360",
        lambda each, _org: Call("GET", f"/onslip360/v1/~main/users/{each.number}"),
        lambda each, _org, name: Call("PATCH", f"/onslip360/v1/~main/users/{each.number}", body={"name": name}),
    ),
    Dialect(
        "groupalarm",
        lambda each, org: Call("GET", f"{organisations.PREFIX}/user/{each.number}?organization={org}"),
        lambda each, org, name: Call(
            "PUT",
            f"{organisations.PREFIX}/user/",
            body={"user": {"id": each.number, "name": name}, "organizationId": org},
        ),
    ),
    Dialect(
        "wellbee",
        lambda each, _org: Call("GET", f"/wellbee/admin/user/{each.id}"),
        lambda each, _org, name: Call("PUT", f"/wellbee/admin/user/{each.id}", body={"firstName": name}),
    ),
)


def lines(stage: Stage, _server: Server) -> list[Line]:
    """On a server of its own that takes bearer tokens in Onslip 360's dialect too. All take turns."""
    with stage.beside("dialects", ROSTER_DIALECTS_ONSLIP360_BEARER_TOKENS="true") as server:
        org = organisations.organisation(stage, server, stage.main.changing(stage.size.creates))
        turns = itertools.count()
        every = (NATIVE, *OTHERS)
        reads = _in_turns(stage, [_reader(stage, server, each, org) for each in every])
        writes = _in_turns(stage, [_writer(stage, server, each, org, turns) for each in every])
    return [*_lines("read a person", reads), *_lines("change a person's first name", writes)]


def _in_turns(stage: Stage, sides: list[Callable[[], Window]]) -> list[list[Window]]:
    return trial.in_turns(stage.size.rounds, *sides)


def _lines(what: str, found: list[list[Window]]) -> list[Line]:
    native, *others = found
    return [
        judging.per_core(f"{what}, native", native),
        *(
            judging.over(f"{what}, {each.name}", windows, native, called="the native API")
            for each, windows in zip(OTHERS, others, strict=True)
        ),
    ]


def _reader(stage: Stage, server: Server, dialect: Dialect, org: int) -> Callable[[], Window]:
    people = asyncio.run(stored.people(stage, stage.main.changing(stage.size.creates)))
    calls = as_administrator(stage.main, [dialect.read(each, org) for each in people])
    return lambda: stage.window(server, calls, count=stage.size.requests // 2)


def _writer(
    stage: Stage, server: Server, dialect: Dialect, org: int, turns: "itertools.count[int]"
) -> Callable[[], Window]:
    """In each turn everybody gets another name, at the version that they have by then."""

    def write() -> Window:
        turn = next(turns)
        people = asyncio.run(stored.people(stage, stage.main.changing(stage.size.creates)))
        calls = [dialect.write(each, org, person(each.number + turn, 1).given_name) for each in people]
        return stage.window(server, as_administrator(stage.main, calls), count=len(calls))

    return write
