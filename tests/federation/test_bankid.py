"""BankID: what is asked, over which connection, and what is made of the answers."""

import base64
import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Event

import msgspec
import pytest

from roster.core.orders.errors import OrderNotFound, OrderRunning
from roster.federation import bankid, mutual
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.settings import BankId
from tests import certificates
from tests.federation import identification
from tests.federation.identification import NUMBER, BankIdService
from tests.federation.provider import Answer, Asked

PENDING = ("outstandingTransaction", "noClient", "started", "userMrtd", "userCallConfirm", "userSign", "processing")
FAILED = (
    "expiredTransaction",
    "certificateErr",
    "userCancel",
    "cancelled",
    "startFailed",
    "userDeclinedCall",
    "notSupportedByUserApp",
    "something new",
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[BankIdService]:
    """BankID on this machine."""
    with identification.bankid(tmp_path) as found:
        yield found


async def test_an_order_is_begun_with_our_certificate_for_the_address_of_the_person(service: BankIdService) -> None:
    begun = await bankid.auth(service.settings, "192.0.2.7", return_url="https://example.org/back")

    assert begun.order_ref in service.orders
    asked = service.there.asked[0]
    assert asked.shown == "Our Company"
    assert asked.headers["Content-Type"] == "application/json"
    assert msgspec.json.decode(asked.body) == {"endUserIp": "192.0.2.7", "returnUrl": "https://example.org/back"}


async def test_texts_to_sign_travel_as_base64_and_name_the_one_who_may_sign(service: BankIdService) -> None:
    await bankid.sign(service.settings, "192.0.2.7", "Köp för 1 öre", hidden="a=1", signer=NUMBER)

    wanted = msgspec.json.decode(service.there.asked[0].body)
    assert base64.b64decode(wanted["userVisibleData"]).decode() == "Köp för 1 öre"
    assert base64.b64decode(wanted["userNonVisibleData"]) == b"a=1"
    assert wanted["requirement"] == {"personalNumber": NUMBER}


@pytest.mark.parametrize("hint", PENDING)
async def test_a_pending_order_says_how_it_goes_on(service: BankIdService, hint: str) -> None:
    begun = await bankid.auth(service.settings, "192.0.2.7")
    service.goes_on(hint)

    found = await bankid.collect(service.settings, begun.order_ref)

    assert (found.status, found.hint_code, found.completion_data) == ("pending", hint, None)


@pytest.mark.parametrize("hint", FAILED)
async def test_a_failed_order_says_why_and_is_gone(service: BankIdService, hint: str) -> None:
    begun = await bankid.auth(service.settings, "192.0.2.7")
    service.goes_on(hint, "failed")

    found = await bankid.collect(service.settings, begun.order_ref)

    assert (found.status, found.hint_code) == ("failed", hint)
    with pytest.raises(OrderNotFound):
        await bankid.collect(service.settings, begun.order_ref)


async def test_a_complete_order_says_who_it_was(service: BankIdService) -> None:
    begun = await bankid.auth(service.settings, "192.0.2.7")
    service.completes()

    data = (await bankid.collect(service.settings, begun.order_ref)).completion_data

    assert data is not None
    assert (data.user.personal_number, data.user.given_name) == (NUMBER, "Jane")
    assert (data.device.ip_address, data.bank_id_issue_date, data.signature) == (
        "192.0.2.7",
        "2020-02-01",
        "c2lnbmF0dXJl",
    )


async def test_an_order_can_be_cancelled_once(service: BankIdService) -> None:
    begun = await bankid.auth(service.settings, "192.0.2.7")

    await bankid.cancel(service.settings, begun.order_ref)

    with pytest.raises(OrderNotFound):
        await bankid.cancel(service.settings, begun.order_ref)


def test_the_moving_code_proves_the_second_it_was_made_in() -> None:
    token, secret = "67df3917-fa0d-44e5-b327-edcc928297f8", "d28db9a7-4cde-429e-a983-359be676944c"

    assert bankid.code(token, secret, 0) == (
        f"bankid.{token}.0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8"
    )
    proof = hmac.new(secret.encode(), b"17", sha256).hexdigest()
    assert bankid.code(token, secret, 17) == f"bankid.{token}.17.{proof}"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalidParameters"),
        (401, "unauthorized"),
        (404, "notFound"),
        (405, "methodNotAllowed"),
        (408, "requestTimeout"),
        (415, "unsupportedMediaType"),
        (429, "tooManyRequests"),
        (500, "internalError"),
        (503, "Maintenance"),
    ],
)
async def test_an_order_that_cannot_be_begun_is_the_provider_being_silent(
    service: BankIdService, status: int, code: str
) -> None:
    service.refuses("auth", status, code)

    with pytest.raises(ProviderSilent):
        await bankid.auth(service.settings, "192.0.2.7")


async def test_a_person_with_an_order_under_way_begins_again(service: BankIdService) -> None:
    service.refuses("sign", 400, "alreadyInProgress")

    with pytest.raises(OrderRunning):
        await bankid.sign(service.settings, "192.0.2.7", "Text", signer=NUMBER)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        '{"orderRef": "x"}',
        '{"status": "finished"}',
        '{"status": "complete"}',
        '{"status": "complete", "completionData": {"user": {"personalNumber": "12"}}}',
        '{"status": "pending", "hintCode": 3}',
        '{"status": "pending", "hintCode": "' + "x" * 300_000 + '"}',
    ],
)
async def test_answers_that_are_not_as_documented_are_believed_in_nothing(service: BankIdService, body: str) -> None:
    service.there.says("/rp/v6.0/collect", body)

    with pytest.raises(ProviderSilent):
        await bankid.collect(service.settings, "any")


async def test_a_redirect_is_not_followed(service: BankIdService) -> None:
    service.there.says("/rp/v6.0/collect", {}, status=302, Location="/elsewhere")

    with pytest.raises(ProviderSilent):
        await bankid.collect(service.settings, "any")
    assert len(service.there.asked) == 1


async def test_without_a_certificate_of_the_authority_nothing_is_answered(
    service: BankIdService, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    foreign = certificates.Authority(folder, "Foreign").issue("Our Company")
    settings = msgspec.structs.replace(service.settings, certificate=foreign, key=foreign)

    with pytest.raises(ProviderSilent):
        await bankid.auth(settings, "192.0.2.7")
    assert service.there.asked == []


async def test_a_server_that_another_authority_vouches_for_is_told_nothing(
    service: BankIdService, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    settings = msgspec.structs.replace(service.settings, authority=certificates.Authority(folder, "Foreign").file)

    with pytest.raises(ProviderSilent):
        await bankid.auth(settings, "192.0.2.7")
    assert service.there.asked == []


async def test_an_encrypted_key_takes_its_password(service: BankIdService) -> None:
    locked = service.authority.issue("Locked", password="open sesame")
    settings = msgspec.structs.replace(service.settings, certificate=locked, key=locked, key_password="open sesame")

    await bankid.auth(settings, "192.0.2.7")

    assert service.there.asked[0].shown == "Locked"
    with pytest.raises(ProviderSilent):
        await bankid.auth(msgspec.structs.replace(settings, key_password="wrong"), "192.0.2.7")


async def test_a_server_that_takes_too_long_is_silent(service: BankIdService, monkeypatch: pytest.MonkeyPatch) -> None:
    done = Event()

    def late(_: Asked) -> Answer:
        done.wait()
        return Answer({})

    service.there.answers["/rp/v6.0/collect"] = late
    monkeypatch.setattr(mutual, "_SECONDS", 0.05)
    try:
        with pytest.raises(ProviderSilent):
            await bankid.collect(service.settings, "any")
    finally:
        done.set()


async def test_a_server_that_is_not_there_is_silent(service: BankIdService) -> None:
    settings = msgspec.structs.replace(service.settings, url="https://127.0.0.1:1/rp/v6.0")

    with pytest.raises(ProviderSilent):
        await bankid.auth(settings, "192.0.2.7")


async def test_without_certificates_there_is_no_bankid() -> None:
    assert not bankid.is_usable(BankId())
    with pytest.raises(UnknownProvider):
        await bankid.auth(BankId(), "192.0.2.7")
