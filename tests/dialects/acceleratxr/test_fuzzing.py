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
from schemathesis.checks import CHECKS

from roster import app
from roster.core.realms.models import Realm
from roster.dialects.acceleratxr import dialect
from roster.storage.runtime import Runtime
from roster.web import openapi
from roster.web.mounts import Mount, Mounts
from tests.dialects.acceleratxr import contract
from tests.dialects.acceleratxr.conftest import PREFIX
from tests.dialects.conftest import Person

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


WRITTEN = _operations(contract.document())
GENERATED = _operations(openapi.document(dialect, PREFIX))


BEYOND_THE_SCHEMA: Any = [
    CHECKS.get_one(name)
    for name in ("positive_data_acceptance", "negative_data_rejection", "ignored_auth", "unsupported_method")
]
"""What a schema cannot say: names that are taken, texts with NUL; and what other tests are about."""


def test_both_documents_speak_of_the_same_operations() -> None:
    assert WRITTEN.keys() == GENERATED.keys()


@pytest.mark.parametrize("who", ["administrator", "user", "nobody"])
@pytest.mark.parametrize("label", sorted(GENERATED))
def test_no_request_brings_an_undocumented_answer(
    server: str, realm: Realm, admin: Person, person: Person, label: str, who: str
) -> None:
    by = {"administrator": admin, "user": person, "nobody": None}[who]
    headers = {"Accept": "application/json", **({"Authorization": f"jwt {by.access_token}"} if by else {})}

    @settings(max_examples=8, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(GENERATED[label].as_strategy())
    def hold(case: schemathesis.Case) -> None:
        answer = case.call(base_url=f"{server}/realms/{realm.slug}{PREFIX}", headers=headers, allow_redirects=False)
        case.validate_response(answer, excluded_checks=BEYOND_THE_SCHEMA)

    hold()
