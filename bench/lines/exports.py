"""Exporting everybody: the CPU for each person, of many over few.

Whoever was made in the run is left out: they have no role, which is a third of what a person costs here, and would be
half of the few but hardly any of the many.
"""

import http.client
import math
from collections.abc import Iterator, Sequence
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
_PART: Final = 50_000
"""People, whose lines are many times what connections hold back."""
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
    """A part of the many, then the few, and so on: `there` is where few are."""
    _all(*there)
    pairs = [(part, _all(*there)) for part in _parts(*here, max(1, here[0].main.size // _PART))]
    many, few = [part for part, _ in pairs], [whole for _, whole in pairs]
    people, each_us = sum(part.people for part in many), trial.spread([part.each_us for part in many]).median
    rate = Line(
        name="export as NDJSON, people per core",
        figure=1e6 / each_us,
        unit="/s",
        note=f"{sum(part.bytes for part in many) / 1e6:.0f} MB; {_told(many)}",
    )
    name = f"export of {people:,} people: CPU for each, over that of {few[0].people:,}"
    grown = trial.ratios([part.each_us for part in many], [whole.each_us for whole in few])
    return [rate, ratio(name, grown, most=LINEAR, note=f"{each_us:.0f} µs")]


def _all(stage: Stage, server: Server) -> Exported:
    """In one go."""
    (whole,) = _parts(stage, server, 1)
    return whole


def _parts(stage: Stage, server: Server, parts: int) -> Iterator[Exported]:
    """One export, in parts of as many people each; between two of them the server soon waits to be read from again."""
    those = quote(f'created_at lt "{LAST_DAY:%Y-%m-%dT%H:%M:%SZ}"')
    path = api(stage.main, f"/exports?format=ndjson&filter={those}")
    (call,) = as_administrator(stage.main, [Call("GET", path)])
    total = 0
    with closing(http.client.HTTPConnection(LOOPBACK, server.port, timeout=_PATIENCE)) as connection:
        before = trial.usage(server, stage.database)
        connection.request(call.method, call.path, headers=call.headers)
        answer = connection.getresponse()
        for number in range(1, parts + 1):
            people = size = 0
            enough = math.inf if number == parts else stage.main.size * number // parts
            while total + people < enough and (piece := answer.read(_PIECE)):
                people, size = people + piece.count(b"\n"), size + len(piece)
            total += people
            if answer.status != 200 or total < min(enough, stage.main.size):
                raise Failed(f"An export of {total:,} people was answered {answer.status}.")
            after = trial.usage(server, stage.database)
            yield Exported(people, size, after.since(before))
            before = after


def _told(parts: Sequence[Exported]) -> str:
    server = trial.spread([each.usage.server / each.people * 1e6 for each in parts]).median
    database = trial.spread([each.usage.database / each.people * 1e6 for each in parts]).median
    return f"for each: server {server:.0f} µs, PostgreSQL {database:.0f} µs"
