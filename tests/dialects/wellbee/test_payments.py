"""`fruster-stripe-service`: what Stripe is asked, and what becomes of its answers."""

import hmac
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from roster.federation import stripe
from roster.storage.runtime import Runtime
from tests.dialects.wellbee.conftest import Wire
from tests.federation import provider as providers
from tests.federation.provider import Answer, StandIn

CASES: dict[str, tuple[dict[str, Any], str, str, dict[str, str]]] = {
    "charge": (
        {"source": "cus_1", "amount": 100, "currency": "SEK", "description": "One month"},
        "POST",
        "/v1/charges",
        {"customer": "cus_1", "amount": "100", "currency": "sek", "description": "One month"},
    ),
    "create-account": (
        {"type": "custom", "company": {"name": "Ada AB"}},
        "POST",
        "/v1/accounts",
        {"type": "custom", "company[name]": "Ada AB"},
    ),
    "create-customer": (
        {"email": "ada@example.org", "paymentMethod": "pm_1"},
        "POST",
        "/v1/customers",
        {"email": "ada@example.org", "payment_method": "pm_1", "invoice_settings[default_payment_method]": "pm_1"},
    ),
    "create-payment-intent": (
        {"amount": 1, "currency": "eur", "customerId": "cus_1"},
        "POST",
        "/v1/payment_intents",
        {"amount": "1", "currency": "eur", "customer": "cus_1"},
    ),
    "create-plan": (
        {"amount": 0, "currency": "sek", "interval": "month", "product": "prod_1"},
        "POST",
        "/v1/plans",
        {"amount": "0", "currency": "sek", "interval": "month", "product": "prod_1"},
    ),
    "create-product": ({"name": "Licence"}, "POST", "/v1/products", {"name": "Licence"}),
    "create-subscription": (
        {"customerId": "cus_1", "plan": "plan_1"},
        "POST",
        "/v1/subscriptions",
        {"customer": "cus_1", "items[0][plan]": "plan_1"},
    ),
    "get-payment-method": ({"paymentMethodId": "pm_1"}, "GET", "/v1/payment_methods/pm_1", {}),
    "get-subscription": ({"subscriptionId": "sub_1"}, "GET", "/v1/subscriptions/sub_1", {}),
    "get-upcoming-invoice": ({"customerId": "cus_1"}, "GET", "/v1/invoices/upcoming", {"customer": "cus_1"}),
    "refund": ({"chargeId": "ch_1", "amount": 5}, "POST", "/v1/refunds", {"charge": "ch_1", "amount": "5"}),
    "unsubscribe": ({"subscriptionId": "sub_1"}, "DELETE", "/v1/subscriptions/sub_1", {}),
    "update-account": (
        {"accountId": "acct_1", "business_type": "company"},
        "POST",
        "/v1/accounts/acct_1",
        {"business_type": "company"},
    ),
    "update-subscription": (
        {"subscriptionId": "sub_1", "cancel_at_period_end": True},
        "POST",
        "/v1/subscriptions/sub_1",
        {"cancel_at_period_end": "true"},
    ),
}


@pytest.fixture
def there(runtime: Runtime) -> Iterator[StandIn]:
    """Stripe on this machine, with an account of ours."""
    before = runtime.settings
    with providers.running() as stand_in:
        known = {"stripe_key": "sk_test_of_ours", "stripe_url": stand_in.address}
        wellbee = msgspec.structs.replace(before.dialects.wellbee, **known)
        runtime.settings = msgspec.structs.replace(
            before, dialects=msgspec.structs.replace(before.dialects, wellbee=wellbee)
        )
        yield stand_in
    runtime.settings = before


@pytest.mark.parametrize("name", CASES)
async def test_stripe_is_asked_in_its_own_words(wire: Wire, there: StandIn, name: str):
    data, method, path, sent = CASES[name]
    there.says(path, {"id": "x_1", "object": "thing"})
    found = await wire.ask(f"fruster-stripe-service.{name}", data)
    assert (found.status, found.data) == (200, {"id": "x_1", "object": "thing"})
    asked = there.asked[-1]
    assert (asked.method, asked.path, {**asked.query, **asked.form}) == (method, path, sent)
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert headers["authorization"] == "Bearer sk_test_of_ours"
    assert headers["stripe-version"] == "2020-08-27"
    assert ("idempotency-key" in headers) is (method == "POST")


@pytest.mark.parametrize(
    ("name", "path"), [("get-invoices", "/v1/invoices"), ("get-subscriptions", "/v1/subscriptions")]
)
async def test_lists_are_read_to_their_end(wire: Wire, there: StandIn, name: str, path: str):
    there.answers[path] = lambda asked: Answer(
        {"data": [{"id": "b"}], "has_more": False}
        if asked.query.get("starting_after") == "a"
        else {"data": [{"id": "a"}], "has_more": True}
    )
    found = await wire.ask(f"fruster-stripe-service.{name}", {"customerId": "cus_1"})
    assert found.data == [{"id": "a"}, {"id": "b"}]


async def test_a_customer_may_have_no_card(wire: Wire, there: StandIn):
    there.says("/v1/payment_methods", {"data": []})
    subject = "fruster-stripe-service.get-payment-method-by-customer"
    found = await wire.ask(subject, {"customerId": "cus_1"})
    assert (found.status, found.code) == (404, "NOT_FOUND")
    there.says("/v1/payment_methods", {"data": [{"id": "pm_1"}]})
    assert (await wire.ask(subject, {"customerId": "cus_1"})).data == {"id": "pm_1"}


async def test_a_new_payment_method_is_attached_before_it_is_charged(wire: Wire, there: StandIn):
    there.says("/v1/payment_methods/pm_2/attach", {"id": "pm_2"})
    there.says("/v1/customers/cus_1", {"id": "cus_1"})
    data = {"customerId": "cus_1", "paymentMethod": "pm_2", "name": "Ada"}
    found = await wire.ask("fruster-stripe-service.update-customer", data)
    assert found.data == {"id": "cus_1"}
    assert [asked.form for asked in there.asked] == [
        {"customer": "cus_1"},
        {"name": "Ada", "invoice_settings[default_payment_method]": "pm_2"},
    ]


async def test_what_stripe_refuses_is_told(wire: Wire, there: StandIn):
    there.says("/v1/charges", {"error": {"message": "Your card was declined."}}, status=402)
    found = await wire.ask("fruster-stripe-service.charge", {"source": "tok_1", "amount": 1, "currency": "sek"})
    assert (found.status, found.code) == (400, "BAD_REQUEST")
    assert "Your card was declined." in found.error["detail"]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_troubles_between_us_and_stripe_are_no_bodys_input(wire: Wire, there: StandIn, status: int):
    there.says("/v1/subscriptions/sub_1", {"error": {"message": "sk_test_of_ours"}}, status=status)
    found = await wire.ask("fruster-stripe-service.get-subscription", {"subscriptionId": "sub_1"})
    assert (found.status, found.code) == (503, "UNAVAILABLE")
    assert "sk_test" not in str(found.error)


@pytest.mark.parametrize("id", ["../customers", "sub_1/../x", "", "a b", "sub_1?x=1"])
async def test_an_id_never_leads_elsewhere(wire: Wire, there: StandIn, id: str):
    found = await wire.ask("fruster-stripe-service.get-subscription", {"subscriptionId": id})
    assert found.status in (400, 404)
    assert there.asked == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("charge", {"source": "cus_1", "amount": 0, "currency": "sek"}),
        ("charge", {"source": "cus_1", "amount": 1.5, "currency": "sek"}),
        ("charge", {"source": "cus_1", "amount": 1, "currency": "kronor"}),
        ("update-account", {"name": "x"}),
        ("update-customer", {"paymentMethod": "pm_1"}),
        ("create-plan", {"amount": 1, "currency": "sek", "interval": "decade", "product": "p"}),
    ],
)
async def test_bad_input_does_not_reach_stripe(wire: Wire, there: StandIn, name: str, data: dict[str, Any]):
    found = await wire.ask(f"fruster-stripe-service.{name}", data)
    assert (found.status, found.code) == (400, "BAD_REQUEST")
    assert there.asked == []


async def test_without_an_account_nobody_answers(wire: Wire):
    found = await wire.ask("fruster-stripe-service.get-subscription", {"subscriptionId": "sub_1"})
    assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")


def signed(body: bytes, at: int = 1000, secret: str = "whsec") -> str:
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, 'sha256').hexdigest()}"


@pytest.mark.parametrize(
    ("header", "now", "good"),
    [
        (signed(b"{}"), 1000, True),
        (signed(b"{}") + ",v1=00", 1299, True),
        (signed(b"{}"), 1301, False),
        (signed(b"{} "), 1000, False),
        (signed(b"{}", secret="other"), 1000, False),
        ("t=1000", 1000, False),
        ("v1=00", 1000, False),
        ("", 1000, False),
        (signed(b"{}") + ",t=1000", 1000, False),
    ],
)
def test_only_what_stripe_has_signed_just_now_is_believed(header: str, now: int, good: bool):
    assert stripe.is_signed("whsec", header, b"{}", now) is good
