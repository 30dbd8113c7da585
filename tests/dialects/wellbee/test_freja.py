"""Freja, as Wellbee's applications use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit import ids
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import signed_in
from tests.dialects.wellbee.conftest import Answer, Wire
from tests.federation import identification
from tests.federation.identification import FrejaService, asking


@pytest.fixture
def freja(runtime: Runtime, tmp_path: Path) -> Iterator[FrejaService]:
    """Freja on this machine, which the installation asks."""
    with identification.freja(tmp_path) as service, asking(runtime, freja=service.settings):
        yield service


@pytest.fixture
async def eva(runtime: Runtime, realm: Realm) -> User:
    """Whom the number means."""
    return await factories.a_person(runtime, realm, "eva", email="eva@example.org", personal_number="19900101-2385")


async def collect(runtime: Runtime, realm: Realm, wire: Wire, begun: Answer, how: str = "") -> Answer:
    await people.execute(runtime, "UPDATE orders SET asked_at = now() - interval '5 s' WHERE realm_id = $1", realm.id)
    wire.http.cookies.clear()
    cookie = begun.headers["set-cookie"].partition(";")[0]
    found = await wire.call("GET", f"/freja/collect/{begun.data['authRef']}{how}", headers={"Cookie": cookie})
    wire.http.cookies.clear()
    return found


async def test_a_login(runtime: Runtime, realm: Realm, wire: Wire, freja: FrejaService, eva: User):
    begun = await wire.call("POST", "/freja/auth", {})
    assert begun.status == 201
    assert begun.data.keys() == {"authRef", "qrCode", "autoStartUrl"}
    assert begun.data["qrCode"].startswith("frejaeid://bindUserToTransaction?transactionReference=")
    freja.goes_on("DELIVERED_TO_MOBILE")
    pending = await collect(runtime, realm, wire, begun)
    assert (pending.status, pending.data) == (202, {"status": "DELIVERED_TO_MOBILE"})
    freja.approves()

    done = await collect(runtime, realm, wire, begun, "?type=token")

    assert (done.status, done.data["status"]) == (200, "APPROVED")
    assert done.data["requestedAttributes"]["basicUserInfo"] == {"name": "Jane", "surname": "Doe"}
    assert (await wire.by(done.data["accessToken"]).call("GET", "/me")).data["id"] == str(eva.id)
    assert (await collect(runtime, realm, wire, begun)).code == "NOT_FOUND"


async def test_a_login_by_cookie(runtime: Runtime, realm: Realm, wire: Wire, freja: FrejaService, eva: User):
    begun = await wire.call("POST", "/freja/auth", {"userInfoType": "INFERRED"})
    freja.approves()

    done = await collect(runtime, realm, wire, begun)

    assert done.data.keys() == {"status", "requestedAttributes"}
    assert done.headers["set-cookie"].startswith("jwt=")


@pytest.mark.parametrize("status", ["CANCELED", "REJECTED", "EXPIRED", "RP_CANCELED"])
async def test_a_failed_login_says_why(runtime: Runtime, realm: Realm, wire: Wire, freja: FrejaService, status: str):
    begun = await wire.call("POST", "/freja/auth", {})
    freja.goes_on(status)

    failed = await collect(runtime, realm, wire, begun)

    assert (failed.status, failed.code, failed.error["detail"]) == (400, "FREJA_FAILED", status)


async def test_nobody_is_signed_in_by_a_number_that_nobody_has(
    runtime: Runtime, realm: Realm, wire: Wire, freja: FrejaService
):
    begun = await wire.call("POST", "/freja/auth", {})
    freja.approves()

    assert (await collect(runtime, realm, wire, begun)).code == "auth-service.404.2"


async def test_whoever_is_signed_in_can_be_named(
    runtime: Runtime, realm: Realm, wire: Wire, freja: FrejaService, eva: User
):
    mine = wire.by((await signed_in(runtime, realm, eva)).access_token)

    assert (await mine.call("POST", "/freja/auth", {"userInfoType": "EMAIL"})).status == 201
    assert next(iter(freja.orders.values()))["wanted"]["userInfo"] == "eva@example.org"
    assert (await mine.call("POST", "/freja/auth", {"userInfoType": "PHONE"})).code == "BAD_REQUEST"
    assert (await wire.call("POST", "/freja/auth", {"userInfoType": "EMAIL"})).code == "MUST_BE_LOGGED_IN"
    assert (await wire.call("POST", "/freja/auth", {"userInfoType": "PASSPORT"})).code == "BAD_REQUEST"


async def test_a_provider_that_does_not_answer_is_our_failure(wire: Wire, freja: FrejaService):
    freja.refuses("initAuthentication", 0, 503)

    found = await wire.call("POST", "/freja/auth", {})

    assert (found.status, found.code) == (500, "INTERNAL_SERVER_ERROR")


async def test_without_certificates_nobody_answers(wire: Wire):
    for found in (
        await wire.call("POST", "/freja/auth", {}),
        await wire.call("GET", f"/freja/collect/{ids.uuid4()}"),
    ):
        assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")
