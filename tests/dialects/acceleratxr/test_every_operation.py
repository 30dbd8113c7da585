"""Every operation of the contract: it is in the table, it works, and it refuses what must be refused."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.dialects.acceleratxr import dialect
from roster.storage.runtime import Runtime
from tests.dialects.acceleratxr import cases, contract
from tests.dialects.acceleratxr.cases import CASES, OWN_CREDENTIAL, PUBLIC, Case
from tests.dialects.acceleratxr.conftest import Wire, options, refusal
from tests.dialects.conftest import Person
from tests.federation import provider as providers
from tests.federation.provider import StandIn

OPERATIONS = {each.id: each for each in contract.operations()}


@pytest.fixture
def there() -> Iterator[StandIn]:
    """Google and Twitter on this machine."""
    with providers.running() as stand_in:
        stand_in.says("/tokeninfo", {"aud": "our-app"})
        stand_in.says("/userinfo", {"sub": "117", "email": "g@example.org", "email_verified": True})
        stand_in.says("/request_token", "OAuth oauth_version=1.0")
        yield stand_in


async def carry_out(wire: Wire, id: str, case: Case, **more: Any) -> httpx.Response:
    """The call of a case."""
    headers = {**case.headers, **more.pop("headers", {})}
    if case.form:
        more["data"] = case.form
    return await wire.call(OPERATIONS[id].method, case.path, json=case.body, headers=headers, **more)


def test_the_table_has_every_operation_of_the_contract_and_no_other() -> None:
    table = {each.id: (each.method, each.path) for each in dialect.operations}

    assert table == {each.id: (each.method, each.path) for each in OPERATIONS.values()}
    assert table.keys() == CASES.keys()


def test_the_table_asks_for_a_credential_where_the_contract_does() -> None:
    details = {
        operation["operationId"]: operation
        for path in contract.document()["paths"].values()
        for method, operation in path.items()
        if method in contract.METHODS
    }
    optional = {id for id, operation in details.items() if {} in operation["security"]}

    assert optional == PUBLIC
    assert {each.id for each in dialect.operations if each.public} == PUBLIC


@pytest.mark.parametrize("id", CASES)
async def test_it_works(wire: Wire, runtime: Runtime, realm: Realm, admin: Person, there: StandIn, id: str) -> None:
    world = await cases.a_world(runtime, realm)
    if id.startswith("AuthTotp"):
        world = await cases.with_step(runtime, world)
    case = CASES[id].filled(world)
    configured = {"google": there.provider("google"), "twitter": there.provider("twitter")}

    with options(runtime, providers=configured, truncate_allowed=True):
        answer = await carry_out(wire, id, case, by=admin if case.by_admin else None)

    assert answer.status_code == case.status, answer.text


@pytest.mark.parametrize("id", CASES)
async def test_a_malformed_header_is_refused_everywhere(wire: Wire, runtime: Runtime, realm: Realm, id: str) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    for header in ("jwt", "jwt ", "jwt a b", "token", "Digest abc", ""):
        answer = await carry_out(wire, id, case, headers={"Authorization": header})
        assert refusal(answer) == (401, "api-101"), header
        assert answer.headers["www-authenticate"]


@pytest.mark.parametrize("id", sorted(CASES.keys() - PUBLIC - OWN_CREDENTIAL))
async def test_without_a_good_token_it_is_refused_where_one_is_required(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
) -> None:
    world = await cases.a_world(runtime, realm)
    case = CASES[id].filled(world)

    assert refusal(await carry_out(wire, id, case)) == (401, "api-100")
    bad = [stranger.access_token, world.ids["verification"], "x.y.z", "rk_" + "A" * 86]
    if "password" not in case.path and id != "UserSecret.create":
        bad.append(world.ids["recovery"])
    for token in bad:
        assert refusal(await carry_out(wire, id, case, token=token)) == (401, "api-101")


@pytest.mark.parametrize("id", sorted(PUBLIC))
async def test_a_bad_token_counts_as_none_where_one_is_optional(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))

    without = await carry_out(wire, id, case)
    if id == "User.create":
        case = Case(case.path, body={"name": "another", "email": "a@example.org"})
    with_bad = await carry_out(wire, id, case, by=stranger)

    assert with_bad.status_code == without.status_code
    assert with_bad.status_code in (200, 201, 403, 404)


@pytest.mark.parametrize(
    "id", [each.id for each in OPERATIONS.values() if "{" in each.path and each.id not in PUBLIC | OWN_CREDENTIAL]
)
async def test_administrators_of_another_realm_find_nothing_here(
    wire: Wire, runtime: Runtime, realm: Realm, stranger: Person, client: httpx.AsyncClient, id: str
) -> None:
    case = CASES[id].filled(await cases.a_world(runtime, realm))
    elsewhere = Wire(client, stranger.realm.slug)
    if id == "ACL.findById":
        case = Case(case.path.replace("User", "editors"))

    answer = await carry_out(elsewhere, id, case, by=stranger)

    assert refusal(answer) == (404, "api-010")


@pytest.mark.parametrize(
    "id", [each.id for each in dialect.operations if each.body_type is not None and each.id != "User.recoverPost"]
)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"name":"\\ud800"}', b'{"name":"\\u0000"}', b"\xff", b"[" * 200, b"{}"],
)
async def test_what_is_no_such_body_is_refused(
    wire: Wire, runtime: Runtime, realm: Realm, admin: Person, id: str, content: bytes
) -> None:
    world = await cases.a_world(runtime, realm)
    case = CASES[id].filled(world)
    headers = {"Content-Type": "application/json"}
    token = None if id in OWN_CREDENTIAL else admin.access_token

    answer = await wire.call(OPERATIONS[id].method, case.path, content=content, headers=headers, token=token)

    absent = id == "UserSecret.setPassword" and content == b""
    assert refusal(answer) == ((404, "api-010") if absent else (400, "api-003"))


async def test_an_unknown_address_and_a_wrong_method_are_refused_in_the_dialects_form(wire: Wire) -> None:
    assert refusal(await wire.get("/nothing")) == (404, "api-010")
    wrong = await wire.call("PATCH", "/users/me")
    assert refusal(wrong) == (405, "api-003")
    assert wrong.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


async def test_a_body_that_is_too_large_is_refused(wire: Wire) -> None:
    answer = await wire.post("/users", {"name": "x" * 1_100_000, "email": "x@example.org"})

    assert refusal(answer) == (413, "api-004")


async def test_a_body_of_another_type_is_refused(wire: Wire) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        answer = await wire.post("/users", {"name": "x", "email": "x@example.org"}, headers={"Content-Type": kind})
        assert refusal(answer) == (400, "api-003")
