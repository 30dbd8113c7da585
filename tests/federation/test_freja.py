"""Freja: what is asked, over which connection, and whose word is believed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import RSAKey

from roster.core.orders.errors import OrderNotFound, OrderRunning
from roster.federation import freja
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.settings import Freja
from tests.federation import identification
from tests.federation.identification import NUMBER, FrejaService

APPROVED = {"status": "APPROVED", "requestedAttributes": {"ssn": {"ssn": NUMBER, "country": "SE"}}}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[FrejaService]:
    """Freja on this machine."""
    with identification.freja(tmp_path) as found:
        yield found


async def test_an_order_is_begun_with_our_certificate_and_names_nobody(service: FrejaService) -> None:
    reference = await freja.begin(service.settings)

    wanted = service.orders[reference]["wanted"]
    assert service.there.asked[0].shown == "Our Company"
    assert (wanted["userInfoType"], wanted["userInfo"], wanted["minRegistrationLevel"]) == ("INFERRED", "N/A", "PLUS")
    assert {"attribute": "SSN"} in wanted["attributesToReturn"]


async def test_a_number_is_named_in_the_documented_form(service: FrejaService) -> None:
    reference = await freja.begin(service.settings, "SSN", NUMBER)

    named = service.orders[reference]["wanted"]["userInfo"]
    assert msgspec.json.decode(msgspec.json.decode(f'"{named}"', type=bytes)) == {"country": "SE", "ssn": NUMBER}


@pytest.mark.parametrize("status", ["STARTED", "DELIVERED_TO_MOBILE", "CANCELED", "REJECTED", "EXPIRED", "RP_CANCELED"])
async def test_an_order_says_how_it_stands(service: FrejaService, status: str) -> None:
    reference = await freja.begin(service.settings)
    service.goes_on(status)

    found = await freja.collect(service.settings, reference)

    assert (found.status, found.personal_number) == (status, None)


async def test_an_approved_order_says_who_it_was(service: FrejaService) -> None:
    reference = await freja.begin(service.settings)
    service.approves()

    found = await freja.collect(service.settings, reference)

    assert (found.status, found.personal_number) == ("APPROVED", NUMBER)
    assert found.attributes.basic_user_info is not None
    assert found.attributes.basic_user_info.surname == "Doe"


@pytest.mark.parametrize(("number", "country"), [(NUMBER, "NO"), ("12", "SE"), ("19900101 238", "SE")])
async def test_numbers_of_other_countries_and_forms_are_nobodys(
    service: FrejaService, number: str, country: str
) -> None:
    reference = await freja.begin(service.settings)
    service.approves(number, country)

    assert (await freja.collect(service.settings, reference)).personal_number is None


async def approved_with(service: FrejaService, details: Any) -> freja.Collected:
    reference = await freja.begin(service.settings)
    shown = details(reference) if callable(details) else details
    service.orders[reference].update(APPROVED, details=shown)
    return await freja.collect(service.settings, reference)


async def test_what_a_stranger_has_signed_is_not_believed(service: FrejaService) -> None:
    stranger = RSAKey.generate_key(2048)

    with pytest.raises(ProviderSilent):
        await approved_with(service, lambda ref: service.signed({"authRef": ref, **APPROVED}, stranger))


@pytest.mark.parametrize("details", [None, "", "a.b.c", "no signature", "e30.e30."])
async def test_what_nobody_has_signed_is_not_believed(service: FrejaService, details: Any) -> None:
    with pytest.raises(ProviderSilent):
        await approved_with(service, details)


async def test_a_certificate_that_the_operator_does_not_name_signs_nothing(service: FrejaService) -> None:
    with pytest.raises(ProviderSilent):
        await approved_with(service, lambda ref: service.signed({"authRef": ref, **APPROVED}, x5t="AAAA"))


async def test_what_was_signed_for_another_order_or_state_is_not_believed(service: FrejaService) -> None:
    with pytest.raises(ProviderSilent):
        await approved_with(service, service.signed({"authRef": "another", **APPROVED}))
    with pytest.raises(ProviderSilent):
        await approved_with(service, lambda ref: service.signed({"authRef": ref, "status": "REJECTED"}))


async def test_only_what_was_signed_counts(service: FrejaService) -> None:
    other = {"authRef": "", "status": "APPROVED", "requestedAttributes": {"ssn": {"ssn": "2" * 12, "country": "SE"}}}

    found = await approved_with(service, lambda ref: service.signed({**other, "authRef": ref}))

    assert found.personal_number == "2" * 12


async def test_an_unknown_order_is_not_found(service: FrejaService) -> None:
    with pytest.raises(OrderNotFound):
        await freja.collect(service.settings, "unknown")


async def test_an_order_can_be_cancelled_once(service: FrejaService) -> None:
    reference = await freja.begin(service.settings)
    await freja.cancel(service.settings, reference)

    with pytest.raises(OrderNotFound):
        await freja.cancel(service.settings, reference)


@pytest.mark.parametrize(("code", "status"), [(1008, 422), (1100, 422), (0, 500), (0, 503), (1001, 200)])
async def test_an_order_that_cannot_be_begun_is_the_provider_being_silent(
    service: FrejaService, code: int, status: int
) -> None:
    service.refuses("initAuthentication", code, status)

    with pytest.raises(ProviderSilent):
        await freja.begin(service.settings)


@pytest.mark.parametrize("code", [2000, 2002])
async def test_a_person_with_an_order_under_way_begins_again(service: FrejaService, code: int) -> None:
    service.refuses("initAuthentication", code)

    with pytest.raises(OrderRunning):
        await freja.begin(service.settings, "SSN", NUMBER)


@pytest.mark.parametrize(
    "body", ["", "[]", '{"authRef": "any", "status": "NEW"}', '{"authRef": "x", "status": "STARTED"}']
)
async def test_answers_that_are_not_as_documented_are_believed_in_nothing(service: FrejaService, body: str) -> None:
    service.there.says("/authentication/1.0/getOneResult", body)

    with pytest.raises(ProviderSilent):
        await freja.collect(service.settings, "any")


async def test_signers_that_cannot_be_read_vouch_for_nobody(service: FrejaService, tmp_path: Path) -> None:
    reference = await freja.begin(service.settings)
    service.approves()
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")

    with pytest.raises(ProviderSilent):
        await freja.collect(msgspec.structs.replace(service.settings, signers=nothing), reference)


def test_the_link_opens_the_app_for_this_order() -> None:
    assert freja.link("a/b+c") == "frejaeid://bindUserToTransaction?transactionReference=a%2Fb%2Bc"


async def test_without_certificates_there_is_no_freja(tmp_path: Path) -> None:
    half = Freja(certificate=tmp_path, key=tmp_path)

    assert not freja.is_usable(half)
    with pytest.raises(UnknownProvider):
        await freja.begin(half)
