"""Organisations with many members, invitations by the thousand, and what a second factor costs at log-in."""

import asyncio
import itertools
import time
from collections.abc import Iterator

from bench import joined, trial
from bench import stage as stages
from bench.dataset import PASSWORD
from bench.joined import Account
from bench.lines import lists
from bench.load import Call, Job
from bench.processes import Failed, Server
from bench.report import Line, ratio
from bench.stage import Stage, as_administrator
from bench.trial import Window

PREFIX = "/groupalarm/api/v1"
MEMBERS_BAR = 2.0
INVITED_BAR = 1_000.0
LOGIN_BAR = 1.2
_FEW = 1_000
_ORDERS = list(itertools.product(("sur_name", "name"), ("asc", "desc"), (0, 50)))
_AT_ONCE = 4
_SEARCHED = ("berg", "bergman9")


def lines(stage: Stage, server: Server) -> list[Line]:
    """All in the dialect of GroupAlarm."""
    return [*_members(stage, server), _login(stage, server), _invited(stage, server)]


def _members(stage: Stage, server: Server) -> list[Line]:
    large, small = _organisation(stage, server, stage.size.members), _organisation(stage, server, _FEW)
    return [_page(stage, server, large, small), _search(stage, server, large, small)]


def _page(stage: Stage, server: Server, large: int, small: int) -> Line:
    count = stage.size.searches * 2
    many, few = trial.in_turns(
        stage.size.rounds,
        lambda: _listed(stage, server, large, count),
        lambda: _listed(stage, server, small, count),
    )
    name = f"users/pagination, 50 members with the total: p95 of {stage.size.members:,} members over {_FEW:,}"
    return lists.compared(name, many, few, most=MEMBERS_BAR)


def _search(stage: Stage, server: Server, large: int, small: int) -> Line:
    """For a last name and what many addresses end with; all that match are counted, so this grows with them."""
    asked = ["&search=" + text for text in _SEARCHED]
    found = [_listed(stage, server, org, len(_ORDERS), search) for org in (large, small) for search in asked]
    p50 = [trial.percentile(trial.latencies([each]), 0.5) * 1e3 for each in found]
    detail = f"{_FEW:,} members: {p50[2]:.1f} ms; for a rare text {p50[1]:.1f} and {p50[3]:.1f} ms"
    return Line(
        name=f"users/pagination, a search in {stage.size.members:,} members: p50",
        figure=p50[0],
        unit="ms",
        detail=detail,
    )


def _organisation(stage: Stage, server: Server, members: int) -> int:
    """The number of an organisation with so many members, who are spread over the directory."""
    org = _founded(stage, server)
    step = max(1, stage.main.size // members)
    people = [stage.main.person_id(number) for number in range(0, members * step, step)]
    asyncio.run(joined.join(stage, org, people))
    return org


def _founded(stage: Stage, server: Server) -> int:
    (call,) = as_administrator(stage.main, [Call("POST", f"{PREFIX}/organization", body={"name": "Fire brigade"})])
    return stages.fetch(server.port, call)["id"]


def _listed(stage: Stage, server: Server, org: int, count: int, search: str = "") -> Window:
    paths = [
        f"{PREFIX}/users/pagination?organization={org}&limit=50&orderby={by}&orderdir={way}&offset={offset}{search}"
        for by, way, offset in _ORDERS
    ]
    calls = as_administrator(stage.main, [Call("GET", path) for path in paths])
    return stage.window(server, calls, connections=1, count=count)


def _login(stage: Stage, server: Server) -> Line:
    """One request each, with all that it takes; every code is of somebody who has used none yet."""
    rounds = max(3, stage.size.rounds // 2)
    count = stage.size.searches
    guarded = iter(asyncio.run(joined.accounts(stage, (rounds + 1) * count, second_factor=True)))
    plain = asyncio.run(joined.accounts(stage, count, second_factor=False))
    with_code, without = trial.in_turns(
        rounds,
        lambda: _logged_in(stage, server, list(itertools.islice(guarded, count))),
        lambda: _logged_in(stage, server, plain),
    )
    mine, theirs = [each.both_us for each in with_code], [each.both_us for each in without]
    detail = f"{trial.spread(mine).median / 1e3:.1f} ms, without {trial.spread(theirs).median / 1e3:.1f} ms"
    name = "auth/login with a code of an authenticator: CPU of server and PostgreSQL, over log-in without"
    return ratio(name, trial.ratios(mine, theirs), most=LOGIN_BAR, detail=detail)


def _logged_in(stage: Stage, server: Server, accounts: list[Account]) -> Window:
    calls = list(_log_ins(accounts))
    return trial.window(stage.load, server, stage.database, Job(server.port, calls, _AT_ONCE, len(calls)))


def _log_ins(accounts: list[Account]) -> Iterator[Call]:
    for each in accounts:
        form = {"email": each.email, "password": PASSWORD}
        if each.seed is not None:
            form["mfa"] = joined.code(each.seed)
        yield Call("POST", f"{PREFIX}/auth/login", form=form)


def _invited(stage: Stage, server: Server) -> Line:
    """From the request until the job has written down that it is done; no mail server is set up."""
    count = stage.size.invited
    people = [{"email": f"guest-{number}@{stage.main.slug}-{time.time_ns()}.example.org"} for number in range(count)]
    body = {"organization": {"id": _founded(stage, server)}, "users": people}
    (call,) = as_administrator(stage.main, [Call("POST", f"{PREFIX}/user/invite", body=body)])
    before = trial.usage(server, stage.database)
    stages.fetch(server.port, call)
    while (found := asyncio.run(joined.invited(stage))) is None:
        time.sleep(0.1)
    used = trial.usage(server, stage.database).since(before)
    done, seconds = found
    if done != count:
        raise Failed(f"Of {count} people {done} were invited.")
    name = f"user/invite of {count:,} people whom nobody knows, by a job, nothing delivered"
    each = [part / count * 1e6 for part in (used.server, used.database)]
    detail = f"{seconds:.1f} s; CPU of each: server {each[0]:.0f} µs, PostgreSQL {each[1]:.0f} µs"
    return Line(name=name, figure=count / seconds, unit="/s", least=INVITED_BAR, detail=detail)
