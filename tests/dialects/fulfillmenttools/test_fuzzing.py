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
from roster.core.realms import client_keys
from roster.core.realms.models import Realm
from roster.dialects.fulfillmenttools import dialect, identity
from roster.storage.runtime import Runtime
from roster.web import openapi
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools import contract
from tests.dialects.fulfillmenttools.conftest import PREFIX

UNHURRIED: Any = [*HealthCheck]


@pytest.fixture(scope="module")
def server(runtime: Runtime, dsn: str) -> Iterator[str]:
    """An installation on a port of its own, in a thread with a loop of its own; its address."""
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


def _operations(document: dict[str, Any]) -> dict[str, Any]:
    schema: Any = schemathesis.openapi.from_dict(document)
    return {each.ok().label: each.ok() for each in schema.get_all_operations()}


WRITTEN = _operations(contract.document())
GENERATED = _operations(openapi.document(dialect, PREFIX))
SIGN_IN = _operations(openapi.document(identity.dialect, ""))


BEYOND_THE_SCHEMA: Any = [
    CHECKS.get_one(name)
    for name in ("positive_data_acceptance", "negative_data_rejection", "ignored_auth", "unsupported_method")
]
"""What a schema cannot say: names that are taken, texts with NUL; and what other tests are about."""


def test_both_documents_speak_of_the_same_operations() -> None:
    assert WRITTEN.keys() == GENERATED.keys() | SIGN_IN.keys()


def documented(case: schemathesis.Case, **more: Any) -> None:
    """Fail unless the answer is one that the generated document and the contract have."""
    answer = case.call(allow_redirects=False, **more)
    case.validate_response(answer, excluded_checks=BEYOND_THE_SCHEMA)
    if answer.status_code >= 400:
        found = contract.operation(case.method, case.operation.path)
        assert found is not None
        assert str(answer.status_code) in found.responses.keys() | contract.ANYWHERE
        contract.validate(answer.json(), contract.failure(found))


@pytest.mark.parametrize("who", ["administrator", "supervisor", "nobody"])
@pytest.mark.parametrize("label", sorted(GENERATED))
def test_no_request_brings_an_undocumented_answer(
    server: str, realm: Realm, chief: Person, supervisor: Person, label: str, who: str
) -> None:
    by = {"administrator": chief, "supervisor": supervisor, "nobody": None}[who]

    @settings(max_examples=8, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(GENERATED[label].as_strategy())
    def hold(case: schemathesis.Case) -> None:
        documented(case, base_url=server + PREFIX.format(realm=realm.slug), headers=by.bearer if by else {})

    hold()


@pytest.mark.parametrize("label", sorted(SIGN_IN))
def test_no_sign_in_brings_one_either(server: str, runtime: Runtime, realm: Realm, label: str) -> None:
    key = client_keys.write(runtime.keyring, realm.id)

    @settings(max_examples=12, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(SIGN_IN[label].as_strategy())
    def hold(case: schemathesis.Case) -> None:
        case.query = {**(case.query or {}), "key": key}
        documented(case, base_url=f"{server}/identitytoolkit.googleapis.com")

    hold()
