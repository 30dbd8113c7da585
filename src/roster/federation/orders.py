"""Identifying people and having them sign, with BankID and Freja: beginning an order, and asking how it stands.

Providers are asked while no transaction is open. Of all who ask at the same time about an order one asks its provider,
every two seconds; the others are told what is known. What an order brought is handed over once.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from roster.core.audit import service as audit
from roster.core.flows import identified
from roster.core.flows.models import Granted, Terms
from roster.core.orders import service as orders
from roster.core.orders.errors import OrderFailed, OrderNotFound
from roster.core.orders.models import Begun, Hidden, Order, Provider
from roster.core.users import personal
from roster.core.users import service as users
from roster.core.users.models import User
from roster.federation import bankid, freja
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.federation.freja import UserInfoType
from roster.kit import clock
from roster.kit.actor import Actor, Kind
from roster.kit.errors import InvalidInput, Unauthenticated
from roster.storage.runtime import Runtime

_NO_TERMS: Final = Terms()
_EXPIRED: Final = {"bankid": "expiredTransaction", "freja": "EXPIRED"}


class Started(msgspec.Struct, frozen=True):
    """A new order. `proof` must be shown with the reference by whoever was not signed in; None for all others.

    `code` is what the QR code says now, `start` starts the app on the same device: a token at BankID, a link at Freja.
    """

    reference: str
    proof: str | None
    start: str
    code: str


class Pending(msgspec.Struct, frozen=True):
    """The order goes on: `hint` is the provider's word for how, `code` what the QR code says by now."""

    hint: str
    code: str


class Answered(msgspec.Struct, frozen=True):
    """The order is complete: `brought` is what the provider said, `granted` the session of whom it signed in."""

    brought: Mapping[str, object]
    granted: Granted | None


async def log_in_with_bankid(
    runtime: Runtime, actor: Actor, *, address: str | None = None, return_url: str | None = None, bare: bool = False
) -> Started:
    """Begin an order to identify somebody. `address` is where the person comes from, unless that is the actor's own.

    With `bare` the reference alone will do for nobody in particular. Raises UnknownProvider, ProviderSilent, TooMany,
    InvalidInput.
    """
    settings = runtime.settings.bankid
    if not bankid.is_usable(settings):
        raise UnknownProvider
    await _spend(runtime, actor)
    begun = await bankid.auth(settings, _address(actor, address), return_url=return_url)
    return await _keep_bankid(runtime, actor, "login", begun, bare=bare)


async def sign_with_bankid(
    runtime: Runtime, actor: Actor, visible: str, *, hidden: str | None = None, address: str | None = None
) -> Started:
    """Begin an order to sign a text, by the person who acts; by anybody where a program asks.

    Raises as `log_in_with_bankid`; InvalidInput also for people whose number is not known, and OrderRunning.
    """
    settings = runtime.settings.bankid
    if not bankid.is_usable(settings):
        raise UnknownProvider
    if not visible or len(visible.encode()) * 4 > 3 * bankid.LONGEST_TEXT:
        raise InvalidInput.of("userVisibleData", "wrong_length", "The text is empty, or too long to be signed.")
    if hidden is not None and len(hidden.encode()) * 4 > 3 * bankid.LONGEST_HIDDEN:
        raise InvalidInput.of("userNonVisibleData", "too_long", "The text is too long to be signed.")
    signer = await _signer(runtime, actor)
    await _spend(runtime, actor)
    begun = await bankid.sign(settings, _address(actor, address), visible, hidden=hidden, signer=signer)
    return await _keep_bankid(runtime, actor, "sign", begun)


async def log_in_with_freja(
    runtime: Runtime, actor: Actor, kind: UserInfoType = "INFERRED", *, bare: bool = False
) -> Started:
    """Begin an order to identify somebody, or the person who acts by what is known of them; `bare` as with BankID.

    Raises UnknownProvider, ProviderSilent, TooMany, OrderRunning, InvalidInput when that is not known.
    """
    settings = runtime.settings.freja
    if not freja.is_usable(settings):
        raise UnknownProvider
    info = None if kind == "INFERRED" else await _info(runtime, actor, kind)
    await _spend(runtime, actor)
    reference = await freja.begin(settings, kind, info)
    async with runtime.write(actor) as tx:
        begun = await orders.begin(tx, "freja", "login", Hidden(reference), bare=bare)
    return Started(begun.reference, begun.proof, freja.link(reference), freja.link(reference))


async def collect(
    runtime: Runtime,
    actor: Actor,
    provider: Provider,
    reference: str,
    *,
    proof: str | None = None,
    terms: Terms = _NO_TERMS,
) -> Pending | Answered:
    """How an order stands, for whoever began it. When it is complete its answer is handed over, this once.

    An order to identify somebody signs in whom it means, unless a program began it, or somebody who is signed in and
    whose number nobody has: they can tie it to their account. Of the terms count how long what is opened lasts.
    Raises OrderNotFound, OrderFailed, ProviderSilent, TooMany; UserNotFound when nobody has the number, BadCredentials
    when its owner may not sign in.
    """
    if not _is_usable(runtime, provider):
        raise UnknownProvider
    async with runtime.read(actor) as tx:
        order = await orders.find(tx, provider, reference, proof)
        hidden = orders.opened(tx, order)
        may_ask = order.state == "pending" and await orders.claim(tx, order.id)
    if order.state == "failed":
        raise OrderFailed(order.hint)
    if order.state == "complete":
        raise OrderNotFound
    if not may_ask:
        return Pending(order.hint, _code(order, hidden))
    found = await _ask(runtime, actor, order, hidden)
    if isinstance(found, Hidden):
        return await _hand_over(runtime, actor, order, found, terms)
    return await _go_on(runtime, actor, order, hidden, found)


async def cancel(runtime: Runtime, actor: Actor, provider: Provider, reference: str, proof: str | None = None) -> None:
    """End an order that is under way, for whoever began it. Raises OrderNotFound, ProviderSilent, TooMany."""
    async with runtime.read(actor) as tx:
        order = await orders.find(tx, provider, reference, proof)
        hidden = orders.opened(tx, order)
    async with runtime.write(actor) as tx:
        if not await orders.close(tx, order, hint="cancelled"):
            raise OrderNotFound
    if provider == "bankid":
        await bankid.cancel(runtime.settings.bankid, hidden.reference)
    else:
        await freja.cancel(runtime.settings.freja, hidden.reference)


class _Hint(msgspec.Struct, frozen=True):
    text: str
    is_over: bool


async def _ask(runtime: Runtime, actor: Actor, order: Order, hidden: Hidden) -> Hidden | _Hint:
    try:
        if order.provider == "bankid":
            return await _ask_bankid(runtime, hidden)
        return await _ask_freja(runtime, hidden)
    except OrderNotFound:  # the provider has given it up, or somebody's connection broke just when it was answered
        return _Hint(_EXPIRED[order.provider], is_over=True)
    except ProviderSilent:
        async with runtime.write(actor) as tx:
            await orders.note(tx, order.id, order.hint)
        raise


async def _ask_bankid(runtime: Runtime, hidden: Hidden) -> Hidden | _Hint:
    found = await bankid.collect(runtime.settings.bankid, hidden.reference)
    data = found.completion_data
    if found.status != "complete" or data is None:
        return _Hint(found.hint_code, found.status == "failed")
    brought = msgspec.to_builtins(data)
    return msgspec.structs.replace(hidden, number=data.user.personal_number, brought=brought)


async def _ask_freja(runtime: Runtime, hidden: Hidden) -> Hidden | _Hint:
    found = await freja.collect(runtime.settings.freja, hidden.reference)
    if found.status != "APPROVED":
        return _Hint(found.status, found.status not in freja.PENDING)
    brought = msgspec.to_builtins(found.attributes)
    return msgspec.structs.replace(hidden, number=found.personal_number, brought=brought)


async def _go_on(runtime: Runtime, actor: Actor, order: Order, hidden: Hidden, hint: _Hint) -> Pending:
    async with runtime.write(actor) as tx:
        if hint.is_over:
            await orders.close(tx, order, hint=hint.text)
        else:
            await orders.note(tx, order.id, hint.text)
    if hint.is_over:
        raise OrderFailed(hint.text)
    return Pending(hint.text, _code(order, hidden))


async def _hand_over(runtime: Runtime, actor: Actor, order: Order, hidden: Hidden, terms: Terms) -> Answered:
    """First the order is over, whatever comes of it: it opens nothing twice."""
    async with runtime.write(actor) as tx:
        kept = msgspec.structs.replace(hidden, brought={}, token="", secret="")
        if not await orders.close(tx, order, hidden=kept):
            raise OrderNotFound
    async with runtime.read(actor) as tx:
        await orders.give_back_start(tx)
    if order.purpose == "sign":
        await _check_signer(runtime, actor, order, hidden)
        return Answered(hidden.brought, None)
    if actor.kind is Kind.SERVICE:
        return Answered(hidden.brought, None)
    return Answered(hidden.brought, await _sign_in(runtime, actor, order, hidden, terms))


async def _sign_in(runtime: Runtime, actor: Actor, order: Order, hidden: Hidden, terms: Terms) -> Granted | None:
    number = hidden.number or ""
    async with runtime.write(actor) as tx:
        if order.user_id is not None and number and await identified.find(tx, number) is None:
            return None
        granted = await identified.sign_in(tx, number, order.provider, terms=terms)
        await orders.hand_over(tx, order, granted.user.id, granted.session.id)
        return granted


async def _check_signer(runtime: Runtime, actor: Actor, order: Order, hidden: Hidden) -> None:
    """BankID was told who may sign; that it was so is seen here too, and written down."""
    if actor.kind is Kind.SERVICE:
        return
    async with runtime.write(actor) as tx:
        user = await users.tx_maybe(tx, order.user_id) if order.user_id else None
        if user is None or hidden.number is None or not personal.means(user, hidden.number):
            raise OrderFailed("anotherSigner")
        await audit.record(tx, "bankid.signed", "user", user.id, {"order": [None, str(order.id)]})


async def _signer(runtime: Runtime, actor: Actor) -> str | None:
    if actor.kind is Kind.SERVICE:
        return None
    number = personal.normal((await _person(runtime, actor)).personal_number or "")
    if number is None:
        raise InvalidInput.of("userVisibleData", "no_personal_number", "Your personal number is not known here.")
    return number


async def _info(runtime: Runtime, actor: Actor, kind: Literal["EMAIL", "PHONE", "SSN"]) -> str:
    user = await _person(runtime, actor)
    known = {"EMAIL": user.email, "PHONE": user.phone, "SSN": personal.normal(user.personal_number or "")}[kind]
    if not known:
        raise InvalidInput.of("userInfoType", "not_known", "This is not known of you here.")
    return known


async def _person(runtime: Runtime, actor: Actor) -> User:
    async with runtime.read(actor) as tx:
        user = await users.tx_maybe(tx, actor.user_id) if actor.user_id and actor.is_user(actor.user_id) else None
    if user is None:
        raise Unauthenticated
    return user


async def _keep_bankid(
    runtime: Runtime, actor: Actor, purpose: Literal["login", "sign"], begun: bankid.Begun, *, bare: bool = False
) -> Started:
    hidden = Hidden(begun.order_ref, begun.qr_start_token, begun.qr_start_secret)
    async with runtime.write(actor) as tx:
        kept: Begun = await orders.begin(tx, "bankid", purpose, hidden, bare=bare)
    return Started(kept.reference, kept.proof, begun.auto_start_token, _code(kept.order, hidden))


def _code(order: Order, hidden: Hidden) -> str:
    if order.provider == "freja":
        return freja.link(hidden.reference)
    seconds = int((clock.now() - order.started_at).total_seconds())
    return bankid.code(hidden.token, hidden.secret, max(0, seconds))


def _is_usable(runtime: Runtime, provider: Provider) -> bool:
    settings = runtime.settings
    return bankid.is_usable(settings.bankid) if provider == "bankid" else freja.is_usable(settings.freja)


def _address(actor: Actor, given: str | None) -> str:
    address = given or actor.origin.address
    if not address:
        raise InvalidInput.of("endUserIp", "required", "Where the person comes from must be known.")
    return address


async def _spend(runtime: Runtime, actor: Actor) -> None:
    async with runtime.read(actor) as tx:
        await orders.spend_start(tx)
