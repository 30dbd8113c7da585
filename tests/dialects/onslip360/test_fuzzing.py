"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

import asyncio
import copy
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from roster import app
from roster.core.realms.models import Realm
from roster.dialects.onslip360 import dialect
from roster.storage.runtime import Runtime
from roster.web import openapi
from roster.web.mounts import Mount, Mounts
from tests.dialects.conftest import Person
from tests.dialects.onslip360 import cases, contract
from tests.dialects.onslip360.conftest import PREFIX

UNHURRIED: Any = [*HealthCheck]


@pytest.fixture(scope="module")
def server(runtime: Runtime, dsn: str) -> Iterator[str]:
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


def _operations(document: dict[str, Any]) -> dict[str, Any]:
    schema: Any = schemathesis.openapi.from_dict(document)
    return {each.ok().label: each.ok() for each in schema.get_all_operations()}


def _with_answers_of_the_frame() -> dict[str, Any]:
    """The contract with what stands in front of every operation."""
    document = copy.deepcopy(contract.document())
    error = document["components"]["responses"]["BadRequest"]
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in contract.METHODS:
                operation["responses"] |= dict.fromkeys(contract.ANYWHERE - operation["responses"].keys(), error)
    return document


WRITTEN = _operations(_with_answers_of_the_frame())
GENERATED = _operations(openapi.document(dialect, PREFIX))
BEYOND_THE_SCHEMA: Any = [
    CHECKS.get_one(name)
    for name in ("positive_data_acceptance", "negative_data_rejection", "ignored_auth", "unsupported_method")
]
"""What a schema cannot say: names that are taken, texts with NUL; and what other tests are about."""


def test_both_documents_speak_of_the_same_operations():
    assert WRITTEN.keys() == GENERATED.keys()


@pytest.fixture
async def world(runtime: Runtime, realm: Realm, bearer: None) -> cases.World:
    """Somebody with one of everything, so that some numbers are good."""
    return await cases.a_world(runtime, realm)


@pytest.mark.parametrize("who", ["administrator", "cashier"])
@pytest.mark.parametrize("label", sorted(WRITTEN))
def test_no_request_brings_an_undocumented_answer(
    server: str, world: cases.World, boss: Person, cashier: Person, label: str, who: str
):
    by = {"administrator": boss, "cashier": cashier}[who]
    good = [value for value in world.ids.values() if isinstance(value, int)]
    made = 0

    @settings(max_examples=10, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(WRITTEN[label].as_strategy())
    def hold(case: schemathesis.Case) -> None:
        nonlocal made
        made += 1
        for name in case.path_parameters:
            if name == "realm":
                case.path_parameters[name] = world.realm.slug
            elif made % 2:
                case.path_parameters[name] = good[made % len(good)]
        headers = {"Accept": "application/json", **by.bearer}
        answer = case.call(base_url=server + PREFIX, headers=headers, allow_redirects=False)
        case.validate_response(answer, excluded_checks=BEYOND_THE_SCHEMA)

    hold()
