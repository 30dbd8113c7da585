"""`fruster-stripe-service`: what other services ask of the account at Stripe (notes, section 20).

Bodies and answers are Stripe's; only the names of ids differ. Without a key in the settings nobody answers here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from roster.bus import link as links
from roster.dialects.wellbee import auth, frame
from roster.dialects.wellbee.bus import client
from roster.dialects.wellbee.subjects import Services
from roster.federation import stripe
from roster.federation.errors import ProviderSilent
from roster.federation.stripe import Account, NoSuchThing
from roster.kit import clock
from roster.kit.errors import InvalidInput, Unavailable
from roster.storage.runtime import Runtime
from roster.web.errors import UnknownRoute
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="subscription-updates")
services: Final = Services(tag="fruster-stripe-service")

Name = Annotated[str, Meta(min_length=1, max_length=500)]
Minor = Annotated[int, Meta(ge=1, le=99_999_999_999)]
Currency = Annotated[str, Meta(pattern=r"^[A-Za-z]{3}$")]
Body = dict[str, Any]
_LISTENER: Final = "wb-license-service.handle-subscription-update"
"""Who follows what becomes of subscriptions (planning half of the contract)."""
_RAISES: Final = (NoSuchThing, ProviderSilent)


class _Asked(msgspec.Struct, frozen=True, rename="camel"):
    """What every request has in common: members beyond these are not looked at."""


class Charge(_Asked, frozen=True):
    source: Name
    amount: Minor
    currency: Currency
    description: str | None = None


class Customer(_Asked, frozen=True):
    email: str | None = None
    payment_method: Name | None = None


class PaymentIntent(_Asked, frozen=True):
    amount: Minor
    currency: Currency
    customer_id: Name


class Plan(_Asked, frozen=True):
    amount: Annotated[int, Meta(ge=0, le=99_999_999_999)]
    currency: Currency
    interval: Annotated[str, Meta(pattern="^(day|week|month|year)$")]
    product: Name


class Product(_Asked, frozen=True):
    name: Name


class Subscription(_Asked, frozen=True):
    customer_id: Name
    plan: Name


class OfCustomer(_Asked, frozen=True):
    customer_id: Name


class OfPaymentMethod(_Asked, frozen=True):
    payment_method_id: Name


class OfSubscription(_Asked, frozen=True):
    subscription_id: Name


class Refund(_Asked, frozen=True):
    charge_id: Name
    amount: Minor | None = None


@services.serve("fruster-stripe-service.charge", id="svc-stripe-charge", errors=_RAISES)
async def charge(runtime: Runtime, request: Request, body: Charge) -> Body:
    """Charge a customer or a card, whichever the source is."""
    whom = "customer" if body.source.startswith("cus_") else "source"
    asked = {"amount": body.amount, "currency": body.currency.lower(), whom: body.source}
    return await _post(runtime, request, "charges", {**asked, "description": body.description})


@services.serve("fruster-stripe-service.create-account", id="svc-stripe-create-account", errors=_RAISES)
async def create_account(runtime: Runtime, request: Request, body: Body) -> Body:
    """A connected account for a company."""
    return await _post(runtime, request, "accounts", body)


@services.serve("fruster-stripe-service.create-customer", id="svc-stripe-create-customer", errors=_RAISES)
async def create_customer(runtime: Runtime, request: Request, body: Customer) -> Body:
    """A customer who pays by this payment method."""
    asked = {"email": body.email, "payment_method": body.payment_method, **_paying_by(body.payment_method)}
    return await _post(runtime, request, "customers", asked)


@services.serve("fruster-stripe-service.create-payment-intent", id="svc-stripe-create-payment-intent", errors=_RAISES)
async def create_payment_intent(runtime: Runtime, request: Request, body: PaymentIntent) -> Body:
    """A payment whose authorisation is followed."""
    asked = {"amount": body.amount, "currency": body.currency.lower(), "customer": body.customer_id}
    return await _post(runtime, request, "payment_intents", asked)


@services.serve("fruster-stripe-service.create-plan", id="svc-stripe-create-plan", errors=_RAISES)
async def create_plan(runtime: Runtime, request: Request, body: Plan) -> Body:
    """Price, currency and billing cycle."""
    return await _post(runtime, request, "plans", msgspec.structs.asdict(body) | {"currency": body.currency.lower()})


@services.serve("fruster-stripe-service.create-product", id="svc-stripe-create-product", errors=_RAISES)
async def create_product(runtime: Runtime, request: Request, body: Product) -> Body:
    """What customers can subscribe to."""
    return await _post(runtime, request, "products", {"name": body.name})


@services.serve("fruster-stripe-service.create-subscription", id="svc-stripe-create-subscription", errors=_RAISES)
async def create_subscription(runtime: Runtime, request: Request, body: Subscription) -> Body:
    """Charge a customer for a plan again and again."""
    asked = {"customer": body.customer_id, "items": [{"plan": body.plan}]}
    return await _post(runtime, request, "subscriptions", asked)


@services.serve("fruster-stripe-service.get-invoices", id="svc-stripe-get-invoices", errors=_RAISES)
async def get_invoices(runtime: Runtime, body: OfCustomer) -> list[Body]:
    """All invoices of a customer."""
    return await stripe.all_of(_account(runtime), "invoices", {"customer": body.customer_id})


@services.serve("fruster-stripe-service.get-payment-method", id="svc-stripe-get-payment-method", errors=_RAISES)
async def get_payment_method(runtime: Runtime, body: OfPaymentMethod) -> Body:
    """A way to pay."""
    return await _get(runtime, f"payment_methods/{stripe.id_of(body.payment_method_id)}")


@services.serve(
    "fruster-stripe-service.get-payment-method-by-customer",
    id="svc-stripe-get-payment-method-by-customer",
    errors=_RAISES,
)
async def get_payment_method_by_customer(runtime: Runtime, body: OfCustomer) -> Body:
    """The card that a customer pays by."""
    found = await _get(runtime, "payment_methods", {"customer": body.customer_id, "type": "card", "limit": 1})
    if not found.get("data"):
        raise NoSuchThing
    return found["data"][0]


@services.serve("fruster-stripe-service.get-subscription", id="svc-stripe-get-subscription", errors=_RAISES)
async def get_subscription(runtime: Runtime, body: OfSubscription) -> Body:
    """One subscription."""
    return await _get(runtime, f"subscriptions/{stripe.id_of(body.subscription_id)}")


@services.serve("fruster-stripe-service.get-subscriptions", id="svc-stripe-get-subscriptions", errors=_RAISES)
async def get_subscriptions(runtime: Runtime, body: OfCustomer) -> list[Body]:
    """All subscriptions of a customer."""
    return await stripe.all_of(_account(runtime), "subscriptions", {"customer": body.customer_id})


@services.serve("fruster-stripe-service.get-upcoming-invoice", id="svc-stripe-get-upcoming-invoice", errors=_RAISES)
async def get_upcoming_invoice(runtime: Runtime, body: OfCustomer) -> Body:
    """What a customer is charged next."""
    return await _get(runtime, "invoices/upcoming", {"customer": body.customer_id})


@services.serve("fruster-stripe-service.refund", id="svc-stripe-refund", errors=_RAISES)
async def refund(runtime: Runtime, request: Request, body: Refund) -> Body:
    """Give back a charge, or a part of it."""
    return await _post(runtime, request, "refunds", {"charge": body.charge_id, "amount": body.amount})


@services.serve("fruster-stripe-service.unsubscribe", id="svc-stripe-unsubscribe", errors=_RAISES)
async def unsubscribe(runtime: Runtime, body: OfSubscription) -> Body:
    """End a subscription: nothing more is charged."""
    return await stripe.ask(_account(runtime), "DELETE", f"subscriptions/{stripe.id_of(body.subscription_id)}")


@services.serve("fruster-stripe-service.update-account", id="svc-stripe-update-account", errors=_RAISES)
async def update_account(runtime: Runtime, request: Request, body: Body) -> Body:
    """Change a connected account; all members but its id are Stripe's."""
    return await _change(runtime, request, "accounts", body, "accountId")


@services.serve("fruster-stripe-service.update-customer", id="svc-stripe-update-customer", errors=_RAISES)
async def update_customer(runtime: Runtime, request: Request, body: Body) -> Body:
    """Change a customer; a payment method among the members becomes the one that is charged."""
    method = body.pop("paymentMethod", None)
    if isinstance(method, str):
        whose = {"customer": _id(body, "customerId")}
        once = f"{frame.transaction_id(request)}-attach"
        await stripe.ask(_account(runtime), "POST", f"payment_methods/{stripe.id_of(method)}/attach", whose, once=once)
        body |= _paying_by(method)
    return await _change(runtime, request, "customers", body, "customerId")


@services.serve("fruster-stripe-service.update-subscription", id="svc-stripe-update-subscription", errors=_RAISES)
async def update_subscription(runtime: Runtime, request: Request, body: Body) -> Body:
    """Change a subscription; all members but its id are Stripe's."""
    return await _change(runtime, request, "subscriptions", body, "subscriptionId")


@ops.post(
    "/subscription-updates",
    id="stripe-webhook",
    public=True,
    errors=(InvalidInput, UnknownRoute, Unavailable),
    extra={auth.READS_BY_ITSELF: True},
)
async def hear(runtime: Runtime, request: Request, body: bytes) -> None:
    """An event that Stripe tells; the licence service on the bus hears of it, or Stripe tries again."""
    secret = runtime.settings.dialects.wellbee.stripe_webhook_secret
    if secret is None:
        raise UnknownRoute
    if not stripe.is_signed(secret, request.header("stripe-signature") or "", body, clock.now().timestamp()):
        raise InvalidInput.of("body", "signature", "should be signed")
    link = links.of(runtime)
    if link is None or not link.is_connected:
        raise Unavailable
    event = {"reqId": frame.request_id(request), "data": msgspec.Raw(body)}
    if client.refused(await client.ask(link, _LISTENER, event)):
        raise Unavailable


def _account(runtime: Runtime) -> Account:
    """Ours at Stripe. Raises UnknownRoute when there is none."""
    settings = runtime.settings.dialects.wellbee
    if settings.stripe_key is None:
        raise UnknownRoute
    return Account(settings.stripe_key, settings.stripe_url)


async def _get(runtime: Runtime, path: str, params: Mapping[str, object] | None = None) -> Body:
    return await stripe.ask(_account(runtime), "GET", path, params)


async def _post(runtime: Runtime, request: Request, path: str, params: Mapping[str, object]) -> Body:
    """A message that is delivered twice charges once."""
    return await stripe.ask(_account(runtime), "POST", path, params, once=frame.transaction_id(request))


async def _change(runtime: Runtime, request: Request, things: str, body: Body, name: str) -> Body:
    id = _id(body, name)
    return await _post(runtime, request, f"{things}/{id}", {key: each for key, each in body.items() if key != name})


def _id(body: Body, name: str) -> str:
    id = body.get(name)
    if not isinstance(id, str):
        raise InvalidInput.of(name, "required", "This member is required.")
    return stripe.id_of(id)


def _paying_by(method: str | None) -> dict[str, object]:
    return {} if method is None else {"invoice_settings": {"default_payment_method": method}}
