"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from roster import app
from roster.core.realms.models import Realm
from roster.dialects.native import dialect
from roster.storage.runtime import Runtime
from roster.web import openapi
from roster.web.mounts import Mount, Mounts
from tests.dialects.conftest import Person

PREFIX = "/api/v1"
UNHURRIED: Any = [*HealthCheck]


@pytest.fixture(scope="module")
def server(runtime: Runtime, dsn: str, main_realm: Realm) -> Iterator[str]:
    """The dialect on a port of its own, in a thread with a loop of its own; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        own = app.runtime_of(runtime.settings, dsn)
        served = Mounts(own, [Mount(dialect=dialect, prefix=PREFIX)])
        servers.append(uvicorn.Server(uvicorn.Config(served, log_level="critical", lifespan="off")))  # type: ignore[arg-type]
        await servers[0].serve(sockets=[listening])
        await own.close()

    thread = Thread(target=asyncio.run, args=(run(),))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    servers[0].should_exit = True
    thread.join()


def _operations() -> dict[str, Any]:
    schema: Any = schemathesis.openapi.from_dict(openapi.document(dialect, PREFIX))
    return {each.ok().label: each.ok() for each in schema.get_all_operations()}


OPERATIONS = _operations()
BEYOND_THE_SCHEMA: Any = [
    CHECKS.get_one(name)
    for name in ("positive_data_acceptance", "negative_data_rejection", "ignored_auth", "unsupported_method")
]
"""What a schema cannot say: names that are taken, texts with NUL; and what other tests are about."""
FINITE = sorted(OPERATIONS.keys() - {"GET /events"})
SPOILED = [label for label, operation in OPERATIONS.items() if operation.body or operation.query]
"""Those of which there are requests that break the document."""


@pytest.mark.parametrize("who", ["administrator", "nobody"])
@pytest.mark.parametrize("label", FINITE)
def test_no_request_brings_an_undocumented_answer(server: str, realm: Realm, admin: Person, label: str, who: str):
    headers = {"Accept": "application/json", **(admin.bearer if who == "administrator" else {})}
    strategy = OPERATIONS[label].as_strategy()
    if label in SPOILED and who == "administrator":
        strategy = OPERATIONS[label].as_strategy(generation_mode=GenerationMode.NEGATIVE) | strategy

    @settings(max_examples=8, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(strategy)
    def hold(case: schemathesis.Case) -> None:
        answer = case.call(base_url=f"{server}/realms/{realm.slug}{PREFIX}", headers=headers, allow_redirects=False)
        if "x-request-id" not in answer.headers:
            assert answer.status_code == 400  # no HTTP: refused before it came to us
            return
        case.validate_response(answer, excluded_checks=BEYOND_THE_SCHEMA)

    hold()


def test_no_operation_is_left_out():
    assert len(OPERATIONS) == len(list(dialect.operations))
