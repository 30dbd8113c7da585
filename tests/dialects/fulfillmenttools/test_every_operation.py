"""Every operation of the contract: it is in the table, it works, and it refuses what must be refused."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from roster import app
from roster.core.realms.models import Realm
from roster.dialects.fulfillmenttools import auth, catalogue, dialect, identity
from roster.settings import Provider
from roster.storage.runtime import Runtime
from tests.dialects.calling import client_of
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools import cases, contract
from tests.dialects.fulfillmenttools.cases import CASES, CLOSED, MINE, Case, World
from tests.dialects.fulfillmenttools.conftest import Wire, given, refusal
from tests.federation.provider import StandIn
from tests.federation.test_federation import configured
from tests.federation.test_oidc import there, token

__all__ = ["there"]

OPERATIONS = {each.id: each for each in contract.operations()}
TABLE = {each.id: each for each in (*dialect.operations, *identity.dialect.operations)}


@pytest.fixture
def issuer(runtime: Runtime, there: StandIn) -> Iterator[StandIn]:
    """An issuer that the installation knows as `corp`."""
    provider: Provider = there.provider("oidc", issuer=there.address)
    with configured(runtime, corp=provider):
        yield there


async def carry_out(wire: Wire, id: str, case: Case, by: Person | None = None, **more: str) -> httpx.Response:
    """The call of a case."""
    if case.signs_in:
        return await wire.toolkit(case.path, case.body)
    headers = {"Authorization": f"Bearer {more['token']}"} if "token" in more else None
    return await wire.call(OPERATIONS[id].method, case.path, json=case.body, by=by, headers=headers)


async def prepared(runtime: Runtime, realm: Realm, id: str, issuer: StandIn) -> World:
    """The world with what this operation needs besides."""
    world = await cases.a_world(runtime, realm)
    if id == "finalizeMfaSignIn":
        return await cases.with_step(runtime, world)
    if id == "refreshToken":
        return await cases.with_session(runtime, world)
    return cases.with_identity(world, urlencode({"providerId": "oidc.corp", "id_token": token(issuer)}))


def test_the_table_has_every_operation_of_the_contract_and_no_other() -> None:
    table = {id: (each.method, each.path) for id, each in TABLE.items()}

    assert table == {id: (each.method, each.path) for id, each in OPERATIONS.items()}
    assert table.keys() == CASES.keys()


def test_the_table_asks_for_the_documented_permissions() -> None:
    assert {id: auth.keys(each.needs) for id, each in TABLE.items()} == {
        id: contract.keys(each) for id, each in OPERATIONS.items()
    }
    assert {id for id, each in TABLE.items() if not each.public} == CLOSED


@pytest.mark.parametrize("id", CASES)
async def test_it_works(wire: Wire, runtime: Runtime, realm: Realm, admin: Person, issuer: StandIn, id: str) -> None:
    case = CASES[id].filled(await prepared(runtime, realm, id, issuer))

    answer = await carry_out(wire, id, case, by=admin)

    assert answer.status_code == case.status, answer.text


@pytest.mark.parametrize("id", sorted(CLOSED))
async def test_it_works_for_the_vendors_administrator(
    wire: Wire, runtime: Runtime, realm: Realm, chief: Person, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    assert (await carry_out(wire, id, case, by=chief)).status_code == case.status


@pytest.mark.parametrize("id", sorted(CLOSED))
async def test_the_documented_permissions_alone_are_enough(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    to_hand_out = [key for key, each in catalogue.KEYS.items() if not each.means and each.group != "USER_MANAGEMENT"]
    of_fulfillers = ["CURRENT_USER_READ", "CURRENT_USER_MODIFY"]
    body = {"name": "ENOUGH", "permissions": [*{*contract.keys(OPERATIONS[id]), *to_hand_out, *of_fulfillers}]}
    assert (await wire.post("/api/roles", body, by=admin)).status_code == 201
    caller = await given(runtime, realm, "ENOUGH")

    answer = await carry_out(wire, id, case, by=caller)

    assert answer.status_code == case.status, answer.text


@pytest.mark.parametrize("id", sorted(CLOSED))
async def test_without_a_good_token_of_this_tenant_it_is_refused(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    nobody = await carry_out(wire, id, case)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    for text in (stranger.access_token, stranger.refresh_token, "x.y.z", "rk_" + "A" * 86):
        answer = await carry_out(wire, id, case, token=text)
        assert refusal(answer) == (401, "The token is not valid.")
        assert "invalid_token" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "jwt x.y.z", "", "Bearer a b"])
async def test_a_malformed_header_is_refused(wire: Wire, header: str) -> None:
    answer = await wire.get("/api/roles", headers={"Authorization": header})

    assert refusal(answer) == (401, "The token is not valid.")


async def test_a_tenant_that_does_not_exist_looks_like_any_other(wire: Wire, admin: Person) -> None:
    for slug in ("no-such-tenant", "%00", "é"):
        nowhere = Wire(wire.http, slug)
        assert (await nowhere.get("/api/roles")).status_code == 401
        assert (await nowhere.get("/api/roles", by=admin)).status_code == 401


@pytest.mark.parametrize("id", sorted(CLOSED))
async def test_without_the_documented_permissions_it_is_refused_and_nothing_changes(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    for missing in contract.keys(OPERATIONS[id]):
        others = [key for key in contract.keys(OPERATIONS[id]) if key != missing]
        name = f"NO_{missing}"[:20]
        body = {"name": name, "permissions": [*others, "STOCK_READ"]}
        assert (await wire.post("/api/roles", body, by=admin)).status_code == 201
        caller = await given(runtime, realm, name)

        answer = await carry_out(wire, id, case, by=caller)

        assert refusal(answer) == (403, f"The permission {missing} is required.")
    assert (await carry_out(wire, id, case, by=admin)).status_code == case.status


@pytest.mark.parametrize("id", sorted(id for id in CLOSED - MINE if "/{" in OPERATIONS[id].path))
async def test_administrators_of_another_tenant_find_nothing_here(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, admin: Person, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    answer = await carry_out(Wire(wire.http, stranger.realm.slug), id, case, by=stranger)

    assert answer.status_code == 404
    assert (await carry_out(wire, id, case, by=admin)).status_code == case.status


BODIES = sorted(id for id in CLOSED if TABLE[id].body_type is not None)


@pytest.mark.parametrize("id", BODIES)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"name":"\\ud800"}', b'{"query":{"\\u0000":1}}', b"\xff", b"[" * 200],
)
async def test_what_is_no_such_body_is_refused(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person, id: str, content: bytes
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    headers = {"Content-Type": "application/json"}

    answer = await wire.call(OPERATIONS[id].method, case.path, content=content, headers=headers, by=admin)

    assert answer.status_code == 400
    assert answer.json()[0]["summary"]


@pytest.mark.parametrize("id", BODIES)
async def test_unknown_members_are_ignored(wire: Wire, runtime: Runtime, realm: Realm, admin: Person, id: str) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    assert isinstance(case.body, dict)
    body = {**case.body, "someDayThisMeansSomething": {"a": [1]}}

    answer = await wire.call(OPERATIONS[id].method, case.path, json=body, by=admin)

    assert answer.status_code == case.status, answer.text


async def test_an_unknown_address_and_a_wrong_method_are_refused_in_the_dialects_form(wire: Wire) -> None:
    assert refusal(await wire.get("/api/nothing")) == (404, "There is nothing at this address.")
    wrong = await wire.call("PUT", "/api/users/me")
    assert refusal(wrong) == (405, "This address does not take this method.")
    assert wrong.headers["allow"]


async def test_a_body_that_is_too_large_is_refused(wire: Wire, admin: Person) -> None:
    answer = await wire.post("/api/roles", {"name": "x" * 1_100_000, "permissions": []}, by=admin)

    assert refusal(answer)[0] == 413


async def test_pages_of_other_sites_may_call_it_and_its_sign_in(runtime: Runtime, realm: Realm) -> None:
    before = runtime.settings
    server = msgspec.structs.replace(before.server, cors_origins=("https://app.example.org",))
    runtime.settings = msgspec.structs.replace(before, server=server)
    whole = app.application(runtime)
    runtime.settings = before
    headers = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "POST"}

    async with client_of(whole) as client:
        for path in (
            f"/fulfillmenttools/{realm.slug}/api/users/search",
            f"/fulfillmenttools/{realm.slug}/v1/token",
            "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword",
            "/securetoken.googleapis.com/v1/token",
        ):
            answer = await client.options(path, headers=headers)
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
            assert "POST" in answer.headers["access-control-allow-methods"]
