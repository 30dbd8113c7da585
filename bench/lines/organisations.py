"""Organisations with many members, invitations by the thousand, and what a second factor costs at log-in."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence

from bench import calls, joined, judging, trial
from bench.calls import as_administrator
from bench.dataset import PASSWORD
from bench.joined import Account
from bench.load import Call
from bench.processes import Failed, Server
from bench.report import Line
from bench.stage import Stage
from bench.trial import Window

PREFIX = "/groupalarm/api/v1"
MEMBERS_BAR = 2.0
INVITED_BAR = 1_000.0
LOGIN_BAR = 1.2
_FEW = 1_000
_SMALL = f"{_FEW:,} members"
_ORDERS = list(itertools.product(("sur_name", "name"), ("asc", "desc"), (0, 50)))
_AT_ONCE = 4
_SEARCHED = ("berg", "bergman9")


def lines(stage: Stage, server: Server) -> list[Line]:
    """All in the dialect of GroupAlarm."""
    return [*_members(stage, server), _login(stage, server), _invited(stage, server)]


def _members(stage: Stage, server: Server) -> list[Line]:
    size = stage.size
    orgs = [organisation(stage, server, stage.main.some(members)) for members in (size.members, _FEW)]
    page = _compared(stage, server, orgs, (size.rounds, size.searches * 2))
    found = [_compared(stage, server, orgs, (size.rounds // 3, len(_ORDERS)), text) for text in _SEARCHED]
    name = f"users/pagination, 50 of {size.members:,} members with the total"
    return [judging.slow_over(name, *page, called=_SMALL, most=MEMBERS_BAR), *map(_searched, _SEARCHED, found)]


def _searched(text: str, found: Sequence[Sequence[Window]]) -> Line:
    """All that match are counted, so this grows with them."""
    return judging.over(f"users/pagination, a search for “{text}”", *found, called=_SMALL)


def _compared(
    stage: Stage, server: Server, orgs: Sequence[int], amount: tuple[int, int], search: str = ""
) -> list[list[Window]]:
    """Windows of the large organisation and of the small one; `amount` is how many, and of how many requests."""
    rounds, count = amount
    large, small = orgs
    return trial.in_turns(
        rounds,
        lambda: _listed(stage, server, large, count, search),
        lambda: _listed(stage, server, small, count, search),
    )


def organisation(stage: Stage, server: Server, members: Sequence[int]) -> int:
    """The number of a new organisation, with these people of the realm in it."""
    org = _founded(stage, server)
    asyncio.run(joined.join(stage, org, [stage.main.person_id(number) for number in members]))
    return org


def _founded(stage: Stage, server: Server) -> int:
    (call,) = as_administrator(stage.main, [Call("POST", f"{PREFIX}/organization", body={"name": "Fire brigade"})])
    return calls.fetch(server.port, call)["id"]


def _listed(stage: Stage, server: Server, org: int, count: int, search: str = "") -> Window:
    paths = [
        f"{PREFIX}/users/pagination?organization={org}&limit=50&orderby={by}&orderdir={way}&offset={offset}"
        + (f"&search={search}" if search else "")
        for by, way, offset in _ORDERS
    ]
    asked = as_administrator(stage.main, [Call("GET", path) for path in paths])
    return stage.window(server, asked, connections=1, count=count)


def _login(stage: Stage, server: Server) -> Line:
    """One request each, with all that it takes; every code is of somebody who has used none yet."""
    rounds = max(2, stage.size.rounds // 2)
    count = stage.size.searches
    guarded = iter(asyncio.run(joined.accounts(stage, (rounds + 1) * count, second_factor=True)))
    plain = asyncio.run(joined.accounts(stage, count, second_factor=False))
    with_code, without = trial.in_turns(
        rounds,
        lambda: _logged_in(stage, server, list(itertools.islice(guarded, count))),
        lambda: _logged_in(stage, server, plain),
    )
    name = "auth/login with a code of an authenticator"
    return judging.over(name, with_code, without, called="log-in without", most=LOGIN_BAR)


def _logged_in(stage: Stage, server: Server, accounts: list[Account]) -> Window:
    asked = list(_log_ins(accounts))
    return stage.window(server, asked, count=len(asked), connections=_AT_ONCE)


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
    calls.fetch(server.port, call)
    while (found := asyncio.run(joined.invited(stage))) is None:
        time.sleep(0.1)
    used = trial.usage(server, stage.database).since(before)
    done, seconds = found
    if done != count:
        raise Failed(f"Of {count} people {done} were invited.")
    name = f"user/invite of {count:,} people whom nobody knows, by a job, nothing delivered"
    each = [part / count * 1e6 for part in (used.server, used.database)]
    note = f"{seconds:.1f} s; CPU of each: server {each[0]:.0f} µs, PostgreSQL {each[1]:.0f} µs"
    return Line(name=name, figure=count / seconds, unit="/s", least=INVITED_BAR, note=note)
