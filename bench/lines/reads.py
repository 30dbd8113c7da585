"""GET of one person against the limit, with and without many other operations; the session check; refresh."""

from contextlib import AbstractContextManager

from bench import processes, trial
from bench import stage as stages
from bench.load import Call, Job
from bench.processes import Server
from bench.report import Line, ratio
from bench.stage import CONNECTIONS, Stage, api, as_administrator
from bench.trial import Window

OPERATIONS = 500
_DIFFERENT = 2_000


def lines(stage: Stage, server: Server) -> list[Line]:
    """Also sees to it that the limit says the same as the server."""
    with stage.limit() as reference, _crowded(stage) as crowded:
        _require_same_answer(stage, server, reference)
        roster, many, least, check = trial.in_turns(
            stage.size.rounds,
            lambda: get(stage, server),
            lambda: get(stage, crowded),
            lambda: _get_of_limit(stage, reference),
            lambda: _check(stage, server),
        )
    refreshed = [_refresh(stage, server, number) for number in range(stage.size.rounds)]
    return [
        *_judged(roster, many, least),
        stages.per_core("GET one user", roster),
        stages.per_core("session check (GET /me)", check),
        stages.per_core("refresh with rotation", refreshed),
    ]


def _crowded(stage: Stage) -> AbstractContextManager[Server]:
    """The same server, whose native API has so many operations more."""
    port = processes.free_port()
    folder = stage.folder / "crowded"
    folder.mkdir(exist_ok=True)
    data = ["--data", str(folder), "--database-url", stage.dsn]
    command = [*processes.module("crowded"), str(OPERATIONS), "serve", "--port", str(port), *data]
    key = (stage.data / "secret.key").read_text().strip()
    return processes.running(command, port, stage.log, ROSTER_SECURITY_SECRET_KEY=key)


def _people(stage: Stage) -> list[str]:
    step = max(1, stage.main.size // _DIFFERENT)
    return [str(stage.main.person_id(number)) for number in range(0, stage.main.size, step)]


def get(stage: Stage, server: Server) -> Window:
    """One window of reading people one by one."""
    calls = [Call("GET", api(stage.main, f"/users/{person_id}")) for person_id in _people(stage)]
    return stage.window(server, as_administrator(stage.main, calls), count=stage.size.requests)


def _get_of_limit(stage: Stage, reference: Server) -> Window:
    calls = [Call("GET", f"/users/{person_id}") for person_id in _people(stage)]
    return stage.window(reference, calls, count=stage.size.requests)


def _check(stage: Stage, server: Server) -> Window:
    calls = as_administrator(stage.main, [Call("GET", api(stage.main, "/me"))] * len(stage.main.tokens))
    return stage.window(server, calls, count=stage.size.requests)


def _refresh(stage: Stage, server: Server, turn: int) -> Window:
    """Every connection refreshes a session of its own, again and again."""
    mine = stage.main.refresh_tokens[turn * CONNECTIONS :][:CONNECTIONS]
    calls = [Call("POST", api(stage.main, "/refresh"), body={"refresh_token": token}) for token in mine]
    job = Job(server.port, calls, CONNECTIONS, stage.size.requests // 4, carry="refresh_token")
    return trial.window(stage.load, server, stage.database, job)


def _require_same_answer(stage: Stage, server: Server, reference: Server) -> None:
    person_id = stage.main.person_id(7)
    call = as_administrator(stage.main, [Call("GET", api(stage.main, f"/users/{person_id}"))])[0]
    ours = stages.fetch(server.port, call)
    least = stages.fetch(reference.port, Call("GET", f"/users/{person_id}"))
    different = {name for name in ours if ours[name] != least.get(name) and not name.endswith("_at")}
    if different or set(ours) != set(least):
        raise processes.Failed(f"The limit answers otherwise than the server: {different or set(ours) ^ set(least)}")


def _judged(roster: list[Window], many: list[Window], least: list[Window]) -> list[Line]:
    ours, limits = [each.server_us for each in roster], [each.server_us for each in least]
    crowded = [each.server_us for each in many]
    return [
        ratio(
            "GET one user: server CPU, over the limit's",
            trial.ratios(ours, limits),
            most=2,
            detail=f"{trial.spread(ours).median:.0f} µs, limit {trial.spread(limits).median:.0f} µs",
        ),
        ratio(
            f"GET one user: server CPU with {OPERATIONS} operations more, over without",
            trial.ratios(crowded, ours),
            most=1.1,
            detail=f"{trial.spread(crowded).median:.0f} µs",
        ),
    ]
