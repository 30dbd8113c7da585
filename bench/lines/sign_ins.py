"""Signing in against argon2 alone, and what readers notice of it."""

import msgspec

from bench import processes, trial
from bench.argon import Hashed
from bench.calls import api, as_administrator
from bench.dataset import PASSWORD
from bench.load import Call, Job
from bench.people import person
from bench.processes import Load, Server
from bench.report import Line, ratio
from bench.stage import Stage
from bench.trial import Window

_AT_ONCE = 8
_READS_PER_SECOND = 100


def lines(stage: Stage, server: Server) -> list[Line]:
    """Sign-ins alone, then with a steady trickle of reads beside them."""
    ours: list[Window] = []
    alone: list[Hashed] = []
    _sign_in(stage, server)
    for _ in range(stage.size.rounds):
        ours.append(_sign_in(stage, server))
        alone.append(_argon(stage))
    return [_rate(ours, alone), _cpu(ours, alone), _reads(stage, server, max(2, stage.size.rounds // 2))]


def calls(stage: Stage) -> list[Call]:
    """Sign-ins of different people, with their password."""
    path = api(stage.main, "/sign-in")
    names = [person(number, 1).username for number in stage.main.signing_in()]
    return [Call("POST", path, body={"username": name, "password": PASSWORD}) for name in names]


def _job(stage: Stage, server: Server, seconds: float) -> Job:
    return Job(server.port, calls(stage), _AT_ONCE, seconds=seconds)


def _sign_in(stage: Stage, server: Server) -> Window:
    return trial.window(stage.load, server, stage.database, _job(stage, server, _seconds(stage)))


def _argon(stage: Stage) -> Hashed:
    return msgspec.json.decode(processes.output_of([*processes.module("argon"), str(_seconds(stage))]), type=Hashed)


def _seconds(stage: Stage) -> float:
    """Of a turn: the shorter, the less the machine changes between two; the longer, the less its ends count."""
    return max(1.0, stage.size.seconds / 2)


def _rate(ours: list[Window], alone: list[Hashed]) -> Line:
    mine, theirs = [each.rate for each in ours], [each.rate for each in alone]
    note = f"{trial.spread(mine).median:.1f}/s, argon2 alone {trial.spread(theirs).median:.1f}/s"
    return ratio("sign-in: rate, over that of argon2 alone", trial.ratios(mine, theirs), least=0.9, note=note)


def _cpu(ours: list[Window], alone: list[Hashed]) -> Line:
    """What a noisy machine does not disturb."""
    hashes = [each.cpu / each.count * 1e6 for each in alone]
    compared = trial.ratios([each.both_us for each in ours], hashes)
    note = f"{trial.cost(ours)}; argon2 alone: {trial.spread(hashes).median / 1e3:.1f} ms"
    return ratio("sign-in: CPU, over that of one argon2", compared, note=note)


def _reads(stage: Stage, server: Server, rounds: int) -> Line:
    """The p99 of reads at a fixed rate, quiet and while sign-ins keep every core busy."""
    quiet: list[float] = []
    busy: list[float] = []
    other = Load()
    try:
        for _ in range(rounds):
            quiet += other.do(_read(stage, server)).latencies
            stage.load.begin(_job(stage, server, stage.size.seconds + 0.5))
            busy += other.do(_read(stage, server)).latencies
            stage.load.end()
    finally:
        other.close()
    slow = [trial.percentile(each, 0.99) for each in (busy, quiet)]
    half = [trial.percentile(each, 0.5) for each in (busy, quiet)]
    return Line(
        name="GET one user: p99 while sign-ins saturate, over quiet",
        figure=slow[0] / slow[1],
        most=3,
        note="p99 {:.1f} and {:.1f} ms, p50 {:.1f} and {:.1f} ms".format(*(each * 1e3 for each in slow + half)),
    )


def _read(stage: Stage, server: Server) -> Job:
    asked = [Call("GET", api(stage.main, f"/users/{stage.main.person_id(number)}")) for number in stage.main.some()]
    return Job(
        server.port, as_administrator(stage.main, asked), _AT_ONCE, seconds=stage.size.seconds, rate=_READS_PER_SECOND
    )
