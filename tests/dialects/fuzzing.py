"""Made-up requests of every kind: to the whole installation on a port of its own, and what they may be answered."""

import asyncio
import copy
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi import checks

from roster import app
from roster.storage.runtime import Runtime
from tests.dialects.contracts import METHODS

_UNHURRIED: Any = [*HealthCheck]
_BEYOND_THE_SCHEMA: Any = [
    checks.positive_data_acceptance,
    checks.negative_data_rejection,
    checks.ignored_auth,
    checks.unsupported_method,
]
"""What a schema cannot say: names that are taken, texts with NUL; and what other tests are about."""


@contextmanager
def serving(runtime: Runtime, dsn: str) -> Iterator[str]:
    """Another server of the same installation, in a thread with a loop of its own; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        own = app.runtime_of(runtime.settings, dsn)
        served: Any = app.application(own)
        servers.append(uvicorn.Server(uvicorn.Config(served, log_level="critical", lifespan="off")))
        await servers[0].serve(sockets=[listening])
        await own.close()

    thread = Thread(target=asyncio.run, args=(run(),))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    servers[0].should_exit = True
    thread.join()


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """All operations of a document, by method and path."""
    schema: Any = schemathesis.openapi.from_dict(document)
    return {each.ok().label: each.ok() for each in schema.get_all_operations()}


def completed(document: dict[str, Any], anywhere: Collection[str], error: dict[str, Any]) -> dict[str, Any]:
    """A contract with the answers of the frame, which stands in front of every operation."""
    document = copy.deepcopy(document)
    for item in document["paths"].values():
        for method in item.keys() & set(METHODS):
            responses = item[method]["responses"]
            responses |= dict.fromkeys(set(anywhere) - responses.keys(), error)
    return document


def requests(operation: Any) -> Any:
    """Requests that are as the document says, and some that break it, if there is anything in them to break."""
    good = operation.as_strategy()
    if not (operation.body or operation.query):
        return good
    return operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE) | good


def every(strategy: Any, check: Callable[[schemathesis.Case], None], *, examples: int = 8) -> None:
    """Make up requests and look at each. Making them takes longest: a check sends each for every caller of interest."""
    settings(max_examples=examples, deadline=None, suppress_health_check=_UNHURRIED, database=None)(
        given(strategy)(check)
    )()


def documented(case: schemathesis.Case, address: str, headers: dict[str, str]) -> Any:
    """Send a request; fail unless its document has the answer. What the server could not read as HTTP has none."""
    answer = case.call(base_url=address, headers={"Accept": "application/json", **headers}, allow_redirects=False)
    if "x-request-id" not in answer.headers:
        assert answer.status_code == 400
    else:
        case.validate_response(answer, excluded_checks=_BEYOND_THE_SCHEMA)
    return answer
