"""Exporting everybody: the CPU for each person, of many over few.

Whoever was made in the run is left out: they have no role, which is a third of what a person costs here, and would be
half of the few but hardly any of the many.
"""

import http.client
from contextlib import closing
from typing import Final
from urllib.parse import quote

import msgspec

from bench import trial
from bench.calls import api, as_administrator
from bench.load import LOOPBACK, Call
from bench.meter import Usage
from bench.people import LAST_DAY
from bench.processes import Failed, Server
from bench.report import Line, ratio
from bench.stage import Stage

LINEAR: Final = 1.25
"""What grows with the people may cost each of them the same. A quarter is for pages that no cache holds any more, and
for measuring; work that grows as sorting does would be at 1.5 when people become a hundred times as many."""
_PIECE: Final = 1 << 20
_PATIENCE: Final = 600


class Exported(msgspec.Struct, frozen=True):
    """So many people in so many bytes, and what server and PostgreSQL used for them."""

    people: int
    bytes: int
    usage: Usage

    @property
    def each_us(self) -> float:
        """CPU for one person, in microseconds."""
        return self.usage.both / self.people * 1e6


def lines(here: tuple[Stage, Server], there: tuple[Stage, Server]) -> list[Line]:
    """Few, many, few: `there` is where few are."""
    size = here[0].size
    _exported(*there)
    before = _exported(*there)
    many = _exported(*here)
    few = [before, *(_exported(*there) for _ in range(size.rounds))]
    rate = Line(
        name="export as NDJSON, people per core",
        figure=1e6 / many.each_us,
        unit="/s",
        note=f"{many.bytes / 1e6:.0f} MB; {_told(many)}",
    )
    name = f"export of {many.people:,} people: CPU for each, over that of {few[0].people:,}"
    grown = trial.ratios([many.each_us] * len(few), [each.each_us for each in few])
    return [rate, ratio(name, grown, most=LINEAR, note=f"{many.each_us:.0f} µs")]


def _exported(stage: Stage, server: Server) -> Exported:
    those = quote(f'created_at lt "{LAST_DAY:%Y-%m-%dT%H:%M:%SZ}"')
    path = api(stage.main, f"/exports?format=ndjson&filter={those}")
    (call,) = as_administrator(stage.main, [Call("GET", path)])
    before = trial.usage(server, stage.database)
    people = size = 0
    with closing(http.client.HTTPConnection(LOOPBACK, server.port, timeout=_PATIENCE)) as connection:
        connection.request(call.method, call.path, headers=call.headers)
        answer = connection.getresponse()
        while piece := answer.read(_PIECE):
            people, size = people + piece.count(b"\n"), size + len(piece)
    if answer.status != 200 or people < stage.main.size:
        raise Failed(f"An export of {people:,} people was answered {answer.status}.")
    return Exported(people, size, trial.usage(server, stage.database).since(before))


def _told(exported: Exported) -> str:
    server, database = (part / exported.people * 1e6 for part in (exported.usage.server, exported.usage.database))
    return f"for each: server {server:.0f} µs, PostgreSQL {database:.0f} µs"
