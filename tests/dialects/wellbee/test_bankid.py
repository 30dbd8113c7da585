"""BankID, as Wellbee's applications and services use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roster.core.flows import identified
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit import ids
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import signed_in
from tests.dialects.wellbee import signing
from tests.dialects.wellbee.conftest import Answer, Reset, Wire
from tests.dialects.wellbee.signing import PASSWORD, Browser
from tests.federation import identification
from tests.federation.identification import NAMES, NUMBER, BankIdService, asking

OTHER = "198506152399"
IP = {"endUserIp": "198.51.100.4"}


@pytest.fixture
def bankid(runtime: Runtime, tmp_path: Path) -> Iterator[BankIdService]:
    """BankID on this machine, which the installation asks."""
    with identification.bankid(tmp_path) as service, asking(runtime, bankid=service.settings):
        yield service


@pytest.fixture
async def eva(runtime: Runtime, realm: Realm) -> User:
    """Whom the number means, and who has a password."""
    person = await factories.a_person(runtime, realm, "eva", email="eva@example.org", personal_number="19900101-2385")
    await signing.give_password(runtime, realm, person)
    return person


class Order:
    """A browser, or a program with a token, and an order that it has begun."""

    def __init__(self, runtime: Runtime, realm: Realm, wire: Wire, found: Answer) -> None:
        assert found.status == 201, found
        self.runtime, self.realm, self.wire = runtime, realm, wire
        self.begun = found.data
        self.reference: str = found.data["orderRef"]
        self.cookie = found.headers.get("set-cookie", "").partition(";")[0]
        self.set_cookie = found.headers.get("set-cookie", "")

    async def collect(self, how: str = "", cookie: str | None = None) -> Answer:
        """As if the provider had not been asked for a while."""
        await people.execute(
            self.runtime, "UPDATE orders SET asked_at = now() - interval '5 s' WHERE realm_id = $1", self.realm.id
        )
        self.wire.http.cookies.clear()
        shown = self.cookie if cookie is None else cookie
        headers = {"Cookie": shown} if shown else {}
        found = await self.wire.call("GET", f"/bankid/collect/{self.reference}{how}", headers=headers)
        self.wire.http.cookies.clear()
        return found


async def begin(runtime: Runtime, realm: Realm, wire: Wire, path: str = "/bankid/auth", **body: Any) -> Order:
    wire.http.cookies.clear()
    found = await wire.call("POST", path, body)
    wire.http.cookies.clear()
    return Order(runtime, realm, wire, found)


async def test_a_login_by_cookie(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User):
    order = await begin(runtime, realm, wire)
    assert order.begun.keys() == {"orderRef", "autoStartToken", "qrCode"}
    assert order.begun["qrCode"].startswith("bankid.")
    wanted = next(iter(bankid.orders.values()))["wanted"]
    assert wanted == {"endUserIp": "192.0.2.1"}
    bankid.goes_on("userSign")
    pending = await order.collect()
    assert pending.status == 202
    assert pending.data.keys() == {"status", "hintCode", "qrCode"}
    assert (pending.data["status"], pending.data["hintCode"]) == ("pending", "userSign")

    bankid.completes()
    done = await order.collect()

    assert done.status == 200
    assert done.data["status"] == "complete"
    assert done.data["completionData"]["user"] == {"personalNumber": NUMBER, **NAMES}
    assert done.data.keys() == {"status", "completionData"}
    browser = Browser(wire)
    browser.cookie = done.headers["set-cookie"].partition(";")[0]
    assert (await browser.call("GET", "/me")).data["id"] == str(eva.id)


async def test_a_login_by_token(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User):
    order = await begin(runtime, realm, wire)
    bankid.completes()

    done = await order.collect("?type=token")

    assert done.data.keys() == {"status", "completionData", "accessToken", "refreshToken", "profile"}
    assert "set-cookie" not in done.headers
    assert (await wire.by(done.data["accessToken"]).call("GET", "/me")).data["id"] == str(eva.id)
    refreshed = await wire.call("POST", "/auth/refresh", {"refreshToken": done.data["refreshToken"]})
    assert refreshed.status == 200
    assert (await order.collect("?type=bearer")).code == "BAD_REQUEST"


async def test_an_order_is_the_browsers_that_began_it(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User
):
    order = await begin(runtime, realm, wire)
    assert "HttpOnly" in order.set_cookie
    assert "SameSite=Lax" in order.set_cookie
    bankid.completes()

    for shown in ("", order.cookie.partition("=")[0] + "=guessed"):
        refused = await order.collect(cookie=shown)
        assert (refused.status, refused.code) == (404, "NOT_FOUND")
    other = await begin(runtime, realm, wire)
    assert (await order.collect(cookie=other.cookie)).status == 404
    assert (await order.collect(cookie=f"{other.cookie}; {order.cookie}")).status == 200


async def test_without_cookies_the_reference_will_do_where_the_installation_says_so(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User, configured: Reset
):
    before = await begin(runtime, realm, wire)
    configured(order_cookies=False)
    order = await begin(runtime, realm, wire)
    assert order.set_cookie == ""
    bankid.completes()

    assert (await before.collect(cookie="")).status == 404
    assert (await order.collect()).status == 200


async def test_an_order_is_answered_once(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User):
    order = await begin(runtime, realm, wire)
    bankid.completes()
    assert (await order.collect()).status == 200

    assert (await order.collect()).code == "NOT_FOUND"
    order.reference = str(ids.uuid4())
    assert (await order.collect()).code == "NOT_FOUND"


async def test_letter_case_does_not_matter(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User
):
    order = await begin(runtime, realm, wire)
    order.reference = order.reference.upper()

    assert (await order.collect()).status == 202


async def test_a_failed_order_says_why(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService):
    order = await begin(runtime, realm, wire)
    bankid.goes_on("userCancel", "failed")

    failed = await order.collect()

    assert (failed.status, failed.code, failed.error["detail"]) == (400, "BANKID_FAILED", "userCancel")


async def test_who_has_no_account_or_a_closed_one_is_told(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User
):
    order = await begin(runtime, realm, wire)
    bankid.completes(OTHER)
    nobody = await order.collect()
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(status="disabled"))
    order = await begin(runtime, realm, wire)
    bankid.completes()
    closed = await order.collect()

    assert (nobody.status, nobody.code) == (404, "auth-service.404.2")
    assert (closed.status, closed.code) == (403, "auth-service.403.2")


async def test_a_provider_that_does_not_answer_is_our_failure(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService
):
    order = await begin(runtime, realm, wire)
    for method in ("auth", "collect"):
        bankid.refuses(method, 503, "Maintenance")

    for found in (await order.collect(), await wire.call("POST", "/bankid/auth", {})):
        assert (found.status, found.code) == (500, "INTERNAL_SERVER_ERROR")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:8080/back", 201),
        ("https://app.example.org/x", 201),
        ("https://evil.example/", 400),
        ("https://app.example.org.evil.example/", 400),
        ("https://app.example.org\\@evil.example/", 400),
        ("javascript:alert(1)", 400),
        ("", 400),
        (3, 400),
    ],
)
async def test_apps_lead_back_only_where_the_installation_says(
    wire: Wire, bankid: BankIdService, configured: Reset, url: Any, status: int
):
    configured(redirect_origins=("https://app.example.org",))

    found = await wire.call("POST", "/bankid/auth", {"returnUrl": url})
    wire.http.cookies.clear()

    assert found.status == status


async def test_pages_of_other_sites_begin_and_collect_nothing(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService
):
    order = await begin(runtime, realm, wire)
    elsewhere = {"Origin": "https://evil.example", "Cookie": order.cookie}

    for method, path in (("POST", "/bankid/auth"), ("GET", f"/bankid/collect/{order.reference}")):
        refused = await wire.call(method, path, {} if method == "POST" else None, headers=elsewhere)
        wire.http.cookies.clear()
        assert (refused.status, refused.code) == (403, "PERMISSION_DENIED")


# signing


async def test_whoever_is_signed_in_signs(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User):
    mine = wire.by((await signed_in(runtime, realm, eva)).access_token)
    order = await begin(runtime, realm, mine, "/bankid/sign", userVisibleData="I agree.", userNonVisibleData="v1")
    assert order.set_cookie == ""
    assert next(iter(bankid.orders.values()))["wanted"]["requirement"] == {"personalNumber": NUMBER}
    bankid.completes()
    foreign = Order(runtime, realm, wire, Answer(201, order.begun))
    assert (await foreign.collect()).code == "NOT_FOUND"

    done = await order.collect()

    assert done.data["completionData"]["signature"] == "c2lnbmF0dXJl"
    assert "set-cookie" not in done.headers


@pytest.mark.parametrize(
    "body", [{}, {"userVisibleData": ""}, {"userVisibleData": 3}, {"userVisibleData": "å" * 20_000}, {"more": 1}]
)
async def test_texts_to_sign_are_checked(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User, body: dict[str, Any]
):
    mine = wire.by((await signed_in(runtime, realm, eva)).access_token)

    assert (await mine.call("POST", "/bankid/sign", body)).code == "BAD_REQUEST"
    assert (await wire.call("POST", "/bankid/sign", body)).code == "MUST_BE_LOGGED_IN"
    assert bankid.there.asked == []


# tying accounts


async def test_an_account_that_is_tied_is_not_opened_by_its_password(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User
):
    order = await begin(runtime, realm, wire)
    bankid.completes()
    mine = wire.by((await order.collect("?type=token")).data["accessToken"])

    bound = await mine.call("POST", "/user/activate-bankid", {"orderRef": order.reference})
    refused = await signing.by_token(wire)

    assert bound.data == {"bankIdActivated": True}
    assert refused.data == {"twoFactorRequired": True, "methods": ["bankid"]}
    assert "accessToken" not in refused.data
    freed = await mine.call("POST", "/user/deactivate-bankid", {})
    assert freed.data == {"bankIdActivated": False}
    assert "accessToken" in (await signing.by_token(wire)).data


async def test_a_number_that_nobody_has_is_tied_by_a_finished_order(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService
):
    new = await factories.a_person(runtime, realm)
    mine = wire.by((await signed_in(runtime, realm, new)).access_token)
    order = await begin(runtime, realm, mine)
    bankid.completes()
    done = await order.collect()
    assert done.data.keys() == {"status", "completionData"}

    assert (await mine.call("POST", "/user/activate-bankid", {"orderRef": order.reference})).status == 200

    assert (await mine.call("GET", "/me")).data["personalNumber"] == NUMBER
    again = await mine.call("POST", "/user/activate-bankid", {"orderRef": order.reference})
    assert (again.status, again.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("body", [{}, {"personalNumber": NUMBER}, {"orderRef": "unknown"}, {"more": 1}])
async def test_nobody_ties_their_own_account_without_proof(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User, body: dict[str, Any]
):
    mine = wire.by((await signed_in(runtime, realm, eva)).access_token)

    refused = await mine.call("POST", "/user/activate-bankid", body)

    assert (refused.status, refused.code) == (400, "BAD_REQUEST")
    assert (await wire.call("POST", "/user/activate-bankid", body)).code == "MUST_BE_LOGGED_IN"


async def test_administrators_tie_others(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    await factories.a_role(runtime, realm, "manager", "wellbee:admin.*")
    manager = await factories.a_person(runtime, realm, roles=("manager",))
    mine = wire.by((await signed_in(runtime, realm, manager)).access_token)
    twin = await factories.a_person(runtime, realm)

    async def tie(user_id: object, **more: str) -> Answer:
        return await mine.call("POST", "/user/activate-bankid", {"userId": str(user_id), **more})

    assert (await tie(eva.id)).status == 200
    taken = await tie(twin.id, personalNumber=NUMBER)
    assert (taken.status, taken.code) == (400, "fruster-user-service.PERSONALNUMBER_NOT_UNIQUE")
    assert (await tie(twin.id, personalNumber="199001012386")).code == "BAD_REQUEST"
    assert (await tie(twin.id)).code == "BAD_REQUEST"
    assert (await tie(twin.id, personalNumber=OTHER)).status == 200
    for unknown in (ids.uuid4(), "nobody"):
        assert (await tie(unknown, personalNumber=OTHER)).code == "user-service.404.1"
        gone = await mine.call("POST", "/user/deactivate-bankid", {"userId": str(unknown)})
        assert gone.code == "user-service.404.1"
    last = await mine.call("POST", "/user/deactivate-bankid", {"userId": str(twin.id)})
    assert (last.status, last.code) == (400, "BAD_REQUEST")


async def test_others_are_not_tied_by_just_anybody(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    mine = wire.by((await signed_in(runtime, realm, await factories.a_person(runtime, realm))).access_token)

    for path in ("activate", "deactivate"):
        refused = await mine.call("POST", f"/user/{path}-bankid", {"userId": str(eva.id)})
        assert (refused.status, refused.code) == (403, "PERMISSION_DENIED")


# other services


async def test_a_service_learns_who_it_was(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService):
    begun = await wire.ask("bank-id-service.auth", IP)
    assert begun.status == 200
    assert next(iter(bankid.orders.values()))["wanted"] == IP
    asked = {"orderRef": begun.data["orderRef"]}
    assert (await wire.ask("bank-id-service.collect", asked)).status == 202
    bankid.completes(OTHER)
    await people.execute(runtime, "UPDATE orders SET asked_at = now() - interval '5 s' WHERE realm_id = $1", realm.id)

    done = await wire.ask("bank-id-service.collect", asked)

    assert (done.status, done.data["completionData"]["user"]["personalNumber"]) == (200, OTHER)
    assert (await wire.ask("bank-id-service.collect", asked)).code == "NOT_FOUND"


async def test_a_service_has_a_text_signed(runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService):
    begun = await wire.ask("bank-id-service.sign", {**IP, "userVisibleData": "I agree."})
    bankid.goes_on("cancelled", "failed")

    failed = await wire.ask("bank-id-service.collect", {"orderRef": begun.data["orderRef"]})

    assert (failed.code, failed.error["detail"]) == ("BANKID_FAILED", "cancelled")


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("auth", {}),
        ("auth", {"endUserIp": "somewhere"}),
        ("sign", IP),
        ("sign", {**IP, "userVisibleData": ""}),
        ("collect", {}),
        ("collect", {"orderRef": "x", "more": 1}),
    ],
)
async def test_what_services_ask_is_checked(wire: Wire, bankid: BankIdService, subject: str, body: dict[str, Any]):
    assert (await wire.ask(f"bank-id-service.{subject}", body)).code == "BAD_REQUEST"


async def test_over_the_bus_a_browser_keeps_its_order(
    runtime: Runtime, realm: Realm, wire: Wire, bankid: BankIdService, eva: User
):
    from_gateway = {"x-forwarded-for": "203.0.113.9, 198.51.100.4"}
    begun = await wire.ask("http.post.bankid.auth", headers=from_gateway)
    assert begun.status == 201
    assert next(iter(bankid.orders.values()))["wanted"] == IP
    assert (await wire.ask("http.post.bankid.auth")).code == "BAD_REQUEST"

    refused = await wire.ask(f"http.get.bankid.collect.{begun.data['orderRef']}")

    assert refused.code == "NOT_FOUND"


async def test_without_certificates_nobody_answers(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    mine = wire.by((await signed_in(runtime, realm, eva)).access_token)

    for found in (
        await wire.call("POST", "/bankid/auth", {}),
        await mine.call("POST", "/bankid/sign", {"userVisibleData": "x"}),
        await wire.call("GET", f"/bankid/collect/{ids.uuid4()}"),
        await wire.ask("bank-id-service.auth", IP),
        await wire.ask("bank-id-service.sign", {**IP, "userVisibleData": "x"}),
        await wire.ask("bank-id-service.collect", {"orderRef": "x"}),
    ):
        assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")


# what foreign gateways ask about answers


def envelope(data: object, **more: object) -> dict[str, object]:
    known = {"reqId": str(ids.uuid4()), "transactionId": str(ids.uuid4())}
    sender = {"service": "auth", "instanceId": "auth.1"}
    return {"status": 200, "data": data, **known, "ms": 3, "from": sender, **more}


@pytest.mark.parametrize("key", ["", "profile", "user"])
async def test_a_foreign_sign_in_by_password_is_withheld_where_bankid_is_due(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, key: str
):
    person = {"id": str(eva.id)}
    message = envelope({"accessToken": "t", key: person} if key else person, headers={"Set-Cookie": "jwt=t"})
    passed = await wire.ask("wb-user-service.intercept-login", message)
    assert passed.data == message["data"]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await identified.activate(tx, eva.id)

    withheld = await wire.ask("wb-user-service.intercept-login", message)

    assert (withheld.status, withheld.code, withheld.data) == (403, "BANKID_REQUIRED", None)


@pytest.mark.parametrize("data", [None, "text", [], {"id": 3}, {"id": "nobody"}, {"profile": "x"}])
async def test_answers_to_others_go_on(wire: Wire, data: object):
    message = envelope(data)

    assert (await wire.ask("wb-user-service.intercept-login", message)).data == data


async def test_passwords_are_what_they_were(wire: Wire, eva: User):
    assert PASSWORD
    assert "accessToken" in (await signing.by_token(wire)).data
