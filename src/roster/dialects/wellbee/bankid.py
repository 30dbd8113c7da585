"""`/bankid`, `/user/…-bankid` and `bank-id-service`: signing in and signing with BankID, and tying it to accounts
(contract, groups bankid, user and bank-id-service).
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.core.flows import identified
from roster.core.flows.models import Terms
from roster.core.mfa import bankid
from roster.core.mfa.errors import LastWay, PersonalNumberTaken
from roster.core.orders.errors import OrderNotFound
from roster.core.users.errors import UserNotFound
from roster.dialects.wellbee import cookies, identification, refusals
from roster.dialects.wellbee.identification import BEGINNING, COLLECTING, Delivery
from roster.dialects.wellbee.refusals import BankIdFailed, NoSuchUser, ProviderUnreachable
from roster.dialects.wellbee.subjects import Services
from roster.federation import orders
from roster.federation.orders import Answered, Pending, Started
from roster.kit import ids
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, Unauthenticated
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="bankid")
services: Final = Services(tag="bank-id-service")

_BEGUN: Final = "outstandingTransaction"
Text = Annotated[str, Meta(min_length=1, max_length=40_000)]
Hidden = Annotated[str, Meta(max_length=200_000)]
Url = Annotated[str, Meta(max_length=512)]
Reference = Annotated[str, Meta(max_length=200)]


class Login(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A login to begin."""

    return_url: Url | None = None


class Signing(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A text to be signed."""

    user_visible_data: Text
    user_non_visible_data: Hidden | None = None


class LoginFor(msgspec.Struct, frozen=True, rename="camel"):
    """A login that another service begins."""

    end_user_ip: str


class SigningFor(LoginFor, frozen=True, rename="camel", kw_only=True):
    """A text that another service wants signed."""

    user_visible_data: Text
    user_non_visible_data: Hidden | None = None


class Order(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An order by its reference."""

    order_ref: Reference


class Begun(msgspec.Struct, frozen=True, rename="camel"):
    """An order that waits for its person."""

    order_ref: str
    auto_start_token: str
    qr_code: str


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """An order that goes on."""

    status: str
    hint_code: str
    qr_code: str


class Activating(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An account to be tied to BankID."""

    user_id: str | None = None
    personal_number: str | None = None
    order_ref: Reference | None = None


class Deactivating(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An account to be opened by its password again."""

    user_id: str | None = None


class Activation(msgspec.Struct, frozen=True, rename="camel"):
    """Whether an account is tied to BankID."""

    bank_id_activated: bool = msgspec.field(name="bankIdActivated")


@ops.post("/bankid/auth", id="bankid-login-init", status=201, public=True, returns=Begun, errors=BEGINNING)
async def begin_login(runtime: Runtime, actor: Actor, request: Request, body: Login) -> Reply:
    """Begin a login; whoever is not signed in gets a cookie for it."""
    cookies.refuse_other_sites(request)
    url = identification.checked_url(runtime, request, body.return_url)
    bare = not runtime.settings.dialects.wellbee.order_cookies
    with identification.in_words():
        begun = await orders.log_in_with_bankid(
            runtime, actor, address=identification.address(request), return_url=url, bare=bare
        )
    return Reply(201, _begun(begun), identification.cookie_for(runtime, begun))


@ops.post("/bankid/sign", id="bankid-sign-init", status=201, errors=BEGINNING)
async def begin_signing(runtime: Runtime, actor: Actor, request: Request, body: Signing) -> Begun:
    """Begin to sign a text: by whoever asks, and by nobody else."""
    if actor.user_id is None:
        raise Unauthenticated
    with identification.in_words():
        begun = await orders.sign_with_bankid(
            runtime,
            actor,
            body.user_visible_data,
            hidden=body.user_non_visible_data,
            address=identification.address(request),
        )
    return _begun(begun)


@ops.get(
    "/bankid/collect/{orderRef}",
    id="bankid-collect",
    public=True,
    returns=Waiting,
    errors=(*COLLECTING, BankIdFailed),
)
async def collect(runtime: Runtime, actor: Actor, request: Request, orderRef: str, query: Delivery) -> Reply:
    """How an order stands: 202 while it goes on, and once 200 with what it brought. A login signs in whom it means."""
    found = await identification.collect(runtime, actor, request, "bankid", reference=orderRef, how=query)
    if isinstance(found, Pending):
        return _waiting(found)
    answered, session = found
    return Reply(200, {**_completed(answered), **session})


@ops.post(
    "/user/activate-bankid",
    id="user-bankid-activate",
    tag="user",
    errors=(InvalidInput, NoSuchUser, PersonalNumberTaken, Forbidden),
)
async def activate(tx: Tx, body: Activating) -> Activation:
    """From now on BankID opens an account, and a password alone does not.

    One's own takes a finished order, or having signed in with BankID; that of others the permission to change their
    credentials.
    """
    user_id = _whose(tx, body.user_id)
    try:
        await identified.activate(tx, user_id, number=body.personal_number, reference=body.order_ref)
    except UserNotFound:
        raise refusals.no_such_user(str(user_id)) from None
    except OrderNotFound:
        raise InvalidInput.of("orderRef", "wrong_value", "should be a finished order of this session") from None
    return Activation(bank_id_activated=True)


@ops.post("/user/deactivate-bankid", id="user-bankid-deactivate", tag="user", errors=(NoSuchUser, LastWay, Forbidden))
async def deactivate(tx: Tx, body: Deactivating) -> Activation:
    """A password opens the account again."""
    user_id = _whose(tx, body.user_id)
    try:
        await bankid.unbind(tx, user_id)
    except UserNotFound:
        raise refusals.no_such_user(str(user_id)) from None
    return Activation(bank_id_activated=False)


@services.serve("bank-id-service.auth", id="svc-bankid-auth", errors=(InvalidInput, ProviderUnreachable))
async def begin_login_for(runtime: Runtime, actor: Actor, body: LoginFor) -> Begun:
    """Begin a login for another service, which learns who it was."""
    with identification.in_words():
        address = identification.checked_address(body.end_user_ip)
        return _begun(await orders.log_in_with_bankid(runtime, actor, address=address))


@services.serve("bank-id-service.sign", id="svc-bankid-sign", errors=(InvalidInput, ProviderUnreachable))
async def begin_signing_for(runtime: Runtime, actor: Actor, body: SigningFor) -> Begun:
    """Begin to sign a text for another service."""
    with identification.in_words():
        begun = await orders.sign_with_bankid(
            runtime,
            actor,
            body.user_visible_data,
            hidden=body.user_non_visible_data,
            address=identification.checked_address(body.end_user_ip),
        )
    return _begun(begun)


@services.serve(
    "bank-id-service.collect",
    id="svc-bankid-collect",
    returns=Waiting,
    errors=(OrderNotFound, BankIdFailed, ProviderUnreachable),
)
async def collect_for(runtime: Runtime, actor: Actor, body: Order) -> Reply:
    """How an order of this service stands."""
    found = await identification.asked(runtime, actor, "bankid", body.order_ref, proof=None, terms=Terms())
    return _waiting(found) if isinstance(found, Pending) else Reply(200, _completed(found))


def _begun(started: Started) -> Begun:
    return Begun(started.reference, started.start, started.code)


def _waiting(found: Pending) -> Reply:
    return Reply(202, Waiting("pending", found.hint or _BEGUN, found.code))


def _completed(found: Answered) -> dict[str, object]:
    return {"status": "complete", "completionData": found.brought}


def _whose(tx: Tx, text: str | None) -> UserId:
    """The person meant: whoever asks unless another one is named."""
    if text is None:
        if tx.actor.person_id is None:
            raise Unauthenticated
        return tx.actor.person_id
    found = ids.parse(text)
    if found is None:
        raise refusals.no_such_user(text)
    return UserId(found)
