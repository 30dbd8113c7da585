"""Every operation of the contract is served, and the call of each in the table succeeds, as the contract has it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.dialects.wellbee import messages
from roster.dialects.wellbee.subjects import REQUEST, WHOLE, is_for_sockets, subject_of
from roster.storage.runtime import Runtime
from tests.dialects.conftest import Person
from tests.dialects.wellbee import cases, contract
from tests.dialects.wellbee.cases import BUS, CASES, HTTP, OPERATIONS, Case, World
from tests.dialects.wellbee.conftest import PREFIX, Reset, bus_front
from tests.federation import identification
from tests.federation import provider as providers
from tests.federation.identification import asking

ELSEWHERE = {
    "gateway-preflight": "tests/web/test_mounts.py",
    "gateway-unknown-route": "test_gateway.py",
    "ws-connect": "test_sockets.py",
    "ws-request": "test_sockets.py",
    "ws-out-user": "test_sockets.py",
    "ws-out-public": "test_sockets.py",
    "bus-metadata": "bus/test_serving.py",
    "bus-options": "bus/test_serving.py",
    "bus-health": "not needed",
    "bus-http-log": "not needed",
    "event-user-deleted": "bus/test_speaking.py",
    "event-job-created": "test_other_services.py",
    "event-file-processed": "nothing is processed after it was stored",
}
"""What the contract describes and no handler is: where it is tested, or why there is nothing."""
HANDS_OUT = {
    **{f"svc-auth-generate-{each}": {"accessToken", "refreshToken"} for each in ("token", "app")},
    "svc-auth-refresh": {"accessToken"},
    "svc-reset-generate-token": {"token"},
    "svc-bankid-auth": {"autoStartToken"},
    "svc-bankid-sign": {"autoStartToken"},
}
"""What an answer on the bus holds because it was asked for."""
NAMES = "password|salt|hash|hashDate|emailVerificationToken|setPasswordToken"
SECRET = re.compile(rf'"({NAMES})":|\$argon2|eyJ[\w-]{{10,}}\.')
CALLED = [each for each in CASES if not CASES[each].provider]


@pytest.fixture(autouse=True)
def profiles(configured: Reset) -> None:
    """People have profiles, so that what is about them is served."""
    configured(profile_fields=("team",))


@pytest.fixture
def served(runtime: Runtime, tmp_path: Path) -> Iterator[Runtime]:
    """Everybody else whom the installation may ask, on this machine."""
    with (
        identification.bankid(tmp_path) as bankid,
        identification.freja(tmp_path) as freja,
        providers.running() as there,
        asking(runtime, bankid=bankid.settings, freja=freja.settings),
    ):
        _with_account(runtime, there.address)
        for path in ("invoices", "subscriptions", "payment_methods"):
            there.says(f"/v1/{path}", {"id": "x_1", "data": [{"id": "x_1"}], "has_more": False})
        for path in (
            *("charges", "accounts", "customers", "payment_intents", "plans", "products", "refunds"),
            *("payment_methods/pm_1", "subscriptions/sub_1", "invoices/upcoming", "accounts/acct_1"),
            "customers/cus_1",
        ):
            there.says(f"/v1/{path}", {"id": "x_1"})
        yield runtime


def _with_account(runtime: Runtime, address: str) -> None:
    own = msgspec.structs.replace(runtime.settings.dialects.wellbee, stripe_key="sk_test_of_ours", stripe_url=address)
    dialects = msgspec.structs.replace(runtime.settings.dialects, wellbee=own)
    runtime.settings = msgspec.structs.replace(runtime.settings, dialects=dialects)


def test_every_operation_of_the_contract_is_served():
    assert contract.identifiers() - OPERATIONS.keys() == ELSEWHERE.keys()


def test_the_table_has_every_operation_and_no_other():
    assert CASES.keys() == OPERATIONS.keys()
    assert {each for each in OPERATIONS if OPERATIONS[each].method == REQUEST} == BUS.keys()


@pytest.mark.parametrize("id", [each for each in CALLED if each in HTTP])
async def test_a_call_over_http_succeeds(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, admin: Person, id: str
):
    await call(client, await cases.a_world(runtime, realm, admin.user), admin, id)


@pytest.mark.parametrize("id", [each for each in CALLED if each in BUS])
async def test_a_call_on_the_bus_succeeds(runtime: Runtime, realm: Realm, person: Person, id: str):
    await ask(await cases.a_world(runtime, realm, person.user), id)


async def test_calls_that_need_somebody_else_succeed(
    client: httpx.AsyncClient, served: Runtime, realm: Realm, admin: Person
):
    plain = await cases.a_world(served, realm, admin.user)
    world = msgspec.structs.replace(plain, has_providers=True)
    for id in CASES.keys() - CALLED:
        if id in BUS:
            await ask(world, id)
        else:
            await call(client, world, admin, id)


async def test_without_anybody_to_ask_nobody_answers(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, admin: Person
):
    world = await cases.a_world(runtime, realm, admin.user)
    for id in CASES.keys() - CALLED:
        if id in BUS:
            await ask(world, id, 404)
        else:
            await call(client, world, admin, id, 404)


async def call(client: httpx.AsyncClient, world: World, person: Person, id: str, status: int | None = None) -> None:
    """Over HTTP; fail unless it is answered so, as the contract says."""
    operation, case = OPERATIONS[id], await CASES[id].filled(world)
    headers = case.headers if operation.public else {**person.bearer, **case.headers}
    client.cookies.clear()
    path = case.path or operation.path
    where = f"/realms/{world.realm.slug}{PREFIX}{path}"
    answer = await client.request(operation.method, where, headers=headers, **sent(case))
    client.cookies.clear()
    assert answer.status_code == (status or case.status), answer.text
    if answer.headers.get("content-type") == "application/json" and not id.startswith("gateway-"):
        bare = path.partition("?")[0].strip("/").replace(".", "{dot}").replace("/", ".")
        contract.check(f"http.{operation.method.lower()}.{bare}", answer.status_code, answer.json())


def sent(case: Case) -> dict[str, Any]:
    """The body of a request."""
    if case.file is not None:
        return {"files": {"file": ("me.png", case.file, "image/png")}}
    if case.form is not None:
        return {"data": case.form}
    return {} if case.body is None else {"json": case.body}


async def ask(world: World, id: str, status: int | None = None) -> None:
    """On the bus; fail unless it is answered so, as the contract says, and without a secret."""
    operation, case = OPERATIONS[id], await CASES[id].filled(world)
    subject = subject_of(operation)
    extra = {"userId": str(world.caller.id)} if is_for_sockets(operation) else {}
    request = messages.request_of(
        subject,
        msgspec.json.encode({} if case.body is None else case.body),
        realm=world.realm.slug,
        query=case.query,
        extra=extra,
    )
    answer = await bus_front(world.runtime).answer(request)
    assert isinstance(answer.body, bytes)
    assert answer.status == (status or case.status), (id, answer.body)
    data = msgspec.json.decode(answer.body).get("data")
    if isinstance(data, dict):
        data = {name: each for name, each in data.items() if name not in HANDS_OUT.get(id, ())}
    text = msgspec.json.encode(data).decode()
    assert not SECRET.search(text)
    assert not [each for each in world.secrets if each in text]
    if WHOLE not in operation.extra:
        contract.check(re.sub(r":\w+", "x", subject), answer.status, msgspec.json.decode(answer.body))
