"""Every operation of the contract: it is in the table, it works, and it refuses what must be refused."""

from typing import Any

import httpx
import pytest

from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.dialects.onslip360 import dialect
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.onslip360 import cases, contract
from tests.dialects.onslip360.cases import CASES, Case
from tests.dialects.onslip360.conftest import Hawk, Wire, refusal
from tests.security.stored import snapshot

OPERATIONS = {each.id: each for each in contract.operations()}
REPORTS = {"inspectUser"}
"""In the contract, but under a name of ours, because OpenAPI has no place for the method."""
PUBLIC = {id for id, case in CASES.items() if case.public}
WITH_BODY = [each.id for each in dialect.operations if each.body_type is not None and each.id not in REPORTS]
FREE = {"getClientInfo", "getCompanyInfo"}
"""Take a credential of the realm, and no permission."""


async def carry_out(wire: Wire, id: str, case: Case, **more: Any) -> httpx.Response:
    """The call of a case."""
    return await wire.call(OPERATIONS[id].method, case.path, case.body, **more)


def test_the_table_has_every_operation_of_the_contract_and_no_other():
    table = {each.id: (each.method, each.path) for each in dialect.operations if each.id not in REPORTS}

    assert table == {each.id: (each.method, each.path) for each in OPERATIONS.values()}
    assert table.keys() == CASES.keys()


def test_the_table_asks_for_a_credential_where_the_contract_does():
    details = {
        operation["operationId"]: operation
        for path in contract.document()["paths"].values()
        for method, operation in path.items()
        if method in contract.METHODS
    }

    assert {id for id, operation in details.items() if operation.get("security") == []} == PUBLIC
    assert {each.id for each in dialect.operations if each.public} == PUBLIC


def test_the_table_needs_the_permissions_of_the_contract():
    for path in contract.document()["paths"].values():
        for method, operation in path.items():
            if method in contract.METHODS and "x-permission" in operation:
                found = next(each for each in dialect.operations if each.id == operation["operationId"])
                assert found.needs == operation["x-permission"]


@pytest.mark.parametrize("id", CASES)
async def test_it_works(wire: Wire, runtime: Runtime, realm: Realm, id: str):
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    answer = await carry_out(wire, id, case)

    assert answer.status_code == case.status, answer.text


@pytest.mark.parametrize("id", sorted(CASES.keys() - PUBLIC))
async def test_without_a_good_credential_it_is_refused(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
):
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    before = await snapshot(runtime, realm)

    for headers in ({}, stranger.bearer, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Hawk"}):
        answer = await carry_out(wire.by_someone(None), id, case, headers=headers)
        assert refusal(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"]
    assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize("id", sorted(CASES.keys() - PUBLIC))
async def test_a_key_of_another_realm_opens_nothing_here(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
):
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    async with runtime.write(factories.roster_in(stranger.realm)) as tx:
        key = await signing.create(tx, stranger.user.id, SigningDraft(alias="ci"))
    before = await snapshot(runtime, realm)

    answer = await carry_out(wire.by_someone(None), id, case, auth=Hawk(key.identifier, key.key))

    assert refusal(answer) == (404, "not-found")
    assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize("id", sorted(CASES.keys() - PUBLIC - FREE))
async def test_without_a_permission_it_is_refused_and_nothing_is_learnt(
    wire: Wire, runtime: Runtime, realm: Realm, person: Person, id: str
):
    world = await cases.a_world(runtime, realm)
    before = await snapshot(runtime, realm)
    elsewhere = {name: 10**12 if isinstance(value, int) else value for name, value in world.ids.items()}

    for ids in (world.ids, elsewhere):
        case = CASES[id].filled(cases.World(realm, ids))
        assert refusal(await carry_out(wire.by_someone(person), id, case)) == (403, "forbidden")
    assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize("id", [each.id for each in OPERATIONS.values() if each.path.count("{") > 1])
async def test_administrators_of_another_realm_find_nothing_of_this_one(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
):
    world = await cases.a_world(runtime, realm)
    case = CASES[id].filled(cases.World(realm, {**world.ids, "realm": stranger.realm.slug}))
    before = await snapshot(runtime, realm)

    answer = await carry_out(wire.by_someone(stranger), id, case)

    assert refusal(answer) == (404, "not-found")
    assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize("id", [each for each in CASES if CASES[each].body])
async def test_what_belongs_to_another_realm_cannot_be_named_in_bodies(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
):
    """Paths of the stranger's realm, numbers of this one in the body."""
    theirs, ours = await cases.a_world(runtime, stranger.realm), await cases.a_world(runtime, realm)
    case = CASES[id].filled(theirs)
    body = CASES[id].filled(ours).body
    before = await snapshot(runtime, realm)

    await wire.by_someone(None if CASES[id].public else stranger).call(OPERATIONS[id].method, case.path, body)

    if not CASES[id].public:
        assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize("id", WITH_BODY)
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"text"', b'{"x":"\\ud800"}', b'{"x":"\\u0000"}', b"\xff", b"[" * 200]
)
async def test_what_is_no_such_body_is_refused(wire: Wire, runtime: Runtime, realm: Realm, id: str, content: bytes):
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    answer = await wire.call(
        OPERATIONS[id].method, case.path, headers={"Content-Type": "application/json"}, content=content
    )

    assert refusal(answer) == (400, "bad-request")


async def test_a_body_that_is_too_large_is_refused(wire: Wire):
    answer = await wire.post("users/", {"name": "x" * 1_100_000, "alias": "x", "email": ""})

    assert refusal(answer) == (413, "too-large")


async def test_an_erased_person_is_gone(wire: Wire, sign_in: SignIn, runtime: Runtime, realm: Realm):
    one = await sign_in()
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.erase(tx, one.user.id)

    assert refusal(await wire.get(f"users/{one.user.number}")) == (404, "not-found")
    assert one.user.number not in [each["id"] for each in (await wire.get("users/?d=t")).json()]
