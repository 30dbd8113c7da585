"""What BankID and Freja have in common here: where people come from, whose an order is, and what a finished one brings.

Whoever began an order without signing in gets a cookie for it. The reference alone would let in everybody who comes
across it, and it stands in addresses.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from roster.core.flows.models import Terms
from roster.core.orders import service as core
from roster.core.orders.errors import OrderFailed, OrderNotFound, OrderRunning
from roster.core.orders.models import Provider
from roster.core.users.errors import UserNotFound
from roster.dialects.wellbee import cookies, sessions, sign_in
from roster.dialects.wellbee.cookies import ForeignOrigin
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.refusals import BankIdFailed, FrejaFailed, ProviderUnreachable
from roster.dialects.wellbee.signing_in import Deactivated, NobodyFound
from roster.federation import orders
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.federation.orders import Answered, Pending, Started
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidInput, TooMany
from roster.storage.runtime import Runtime
from roster.web.reply import Headers
from roster.web.request import Request

BEGINNING: Final = (InvalidInput, UnknownProvider, ProviderUnreachable, OrderRunning, TooMany, ForeignOrigin)
COLLECTING: Final = (OrderNotFound, NobodyFound, Deactivated, ProviderUnreachable, TooMany, ForeignOrigin)
_COOKIE: Final = "order_"
_SIGNS: Final = 8
_FAILURES: Final = {"bankid": BankIdFailed, "freja": FrejaFailed}


class Delivery(msgspec.Struct, frozen=True):
    """How a finished login is delivered."""

    type: Literal["cookie", "token"] = "cookie"


@contextmanager
def in_words() -> Iterator[None]:
    """What the directory says of orders, as this API says it."""
    try:
        yield
    except ProviderSilent as error:
        raise ProviderUnreachable from error
    except UserNotFound as error:
        raise NobodyFound("No user has this personal number") from error
    except BadCredentials as error:
        raise Deactivated from error


def proof_of(runtime: Runtime, request: Request, reference: str) -> str | None:
    """What the browser that began an order shows for it."""
    found = request.cookie(_COOKIE + reference[:_SIGNS].lower())
    return found or (None if runtime.settings.dialects.wellbee.order_cookies else "")


def cookie_for(runtime: Runtime, started: Started) -> Headers:
    """The cookie for an order, for browsers that are not signed in."""
    if not started.proof:
        return ()
    name, lasting = _COOKIE + started.reference[:_SIGNS], int(core.LASTING.total_seconds())
    secure = "; Secure" if runtime.settings.server.public_url.startswith("https://") else ""
    text = f"{name}={started.proof}; Path=/; Max-Age={lasting}; HttpOnly; SameSite=Lax{secure}"
    return (("Set-Cookie", text),)


def address(request: Request) -> str:
    """Where the person comes from. Gateways that pass a request on by the bus are believed to say so."""
    hops = [hop.strip() for line in request.headers("x-forwarded-for") for hop in line.split(",")]
    return request.address or (hops[-1] if hops else "")


def checked_address(text: str) -> str:
    """A network address that a service names. Raises InvalidInput."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidInput.of("endUserIp", "wrong_value", 'should match format "ip"') from None


def checked_url(runtime: Runtime, request: Request, url: str | None) -> str | None:
    """Where an app may lead back to: this site, and those that the installation names. Raises InvalidInput."""
    if url is None:
        return None
    parts = urlsplit(url) if url.isprintable() and "\\" not in url else None
    origin = f"{parts.scheme}://{parts.netloc}" if parts is not None else ""
    known = (request.public_url, *runtime.settings.dialects.wellbee.redirect_origins, *request.site.cors_origins)
    if origin not in known:
        raise InvalidInput.of("returnUrl", "wrong_value", "should be an address that this installation leads to")
    return url


async def collect(
    runtime: Runtime, actor: Actor, request: Request, provider: Provider, *, reference: str, how: Delivery
) -> Pending | tuple[Answered, Document]:
    """How an order stands; of a complete one also what the answer says of the session that it opened."""
    cookies.refuse_other_sites(request)
    own, by_cookie = runtime.settings.dialects.wellbee, how.type == "cookie"
    terms = Terms(
        lasting=own.cookie_seconds if by_cookie else own.refresh_token_seconds,
        refresh_for=None if by_cookie else own.refresh_token_seconds,
    )
    found = await asked(runtime, actor, provider, reference, proof=proof_of(runtime, request, reference), terms=terms)
    if isinstance(found, Pending):
        return found
    if found.granted is None:
        return found, {}
    async with runtime.read(actor) as tx:
        if not by_cookie:
            return found, await sign_in.with_tokens(tx, found.granted)
        sessions.hand_over(tx, request, found.granted.session)
        return found, {}


async def asked(
    runtime: Runtime, actor: Actor, provider: Provider, reference: str, *, proof: str | None, terms: Terms
) -> Pending | Answered:
    """How an order stands."""
    try:
        with in_words():
            return await orders.collect(runtime, actor, provider, reference, proof=proof, terms=terms)
    except OrderFailed as error:
        raise _FAILURES[provider](error.hint or "failed") from error
