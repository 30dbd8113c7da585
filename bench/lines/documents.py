"""Searches by three custom fields in the dialect of Wellbee: many people against few."""

from collections.abc import Iterator
from urllib.parse import quote

from bench import judging, trial
from bench.calls import as_administrator
from bench.dataset import Realm
from bench.load import Call
from bench.people import mixed, person
from bench.processes import Server
from bench.report import Line
from bench.stage import Stage
from bench.trial import Window

BAR = 3.0


def lines(stage: Stage, server: Server) -> list[Line]:
    """One line."""
    many, few = trial.in_turns(
        stage.size.rounds,
        lambda: _window(stage, server, stage.main),
        lambda: _window(stage, server, stage.small),
    )
    name = f"Wellbee, three custom fields, page of 25 of {stage.main.size:,} people"
    return [judging.slow_over(name, many, few, called=f"{stage.small.size:,} people", most=BAR)]


def _window(stage: Stage, server: Server, realm: Realm) -> Window:
    calls = list(_calls(realm, stage.size.searches, stage.size.few))
    return stage.window(server, as_administrator(realm, calls), connections=1, count=len(calls))


def _calls(realm: Realm, count: int, known: int) -> Iterator[Call]:
    """What is true of one of the first people, who are the same in every realm: two equal, one greater."""
    for number in range(count):
        found = person(mixed(number * 7919) % known, 1).attributes
        asked = f"department={found['department']}&site={found['site']}&{quote('employee_no[$gte]')}=E0000"
        yield Call("GET", f"/realms/{realm.slug}/wellbee/admin/user?{asked}&limit=25")
