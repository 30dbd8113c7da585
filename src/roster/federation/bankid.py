"""BankID's relying party API, version 6: orders to identify somebody or to have a text signed.

What an order asks for and how it goes on are as the integration guide for relying parties documents them. Nobody is
named when an order begins: whoever scans the code, or is on the device where the app is started, answers it.
"""

import base64
import hmac
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
import structlog
from msgspec import Meta

from roster.core.orders.errors import OrderNotFound, OrderRunning
from roster.federation import client, mutual
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.federation.mutual import Certificate
from roster.settings import BankId

_log = structlog.get_logger("roster.federation")

_HOSTS: Final = {
    "production": "https://appapi2.bankid.com/rp/v6.0",
    "test": "https://appapi2.test.bankid.com/rp/v6.0",
}
_GONE: Final = frozenset({"invalidParameters", "notFound"})
LONGEST_TEXT: Final = 40_000
"""Characters of base64 that a text to be signed may have; one that is signed unseen may have five times as many."""
LONGEST_HIDDEN: Final = 200_000

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class Begun(msgspec.Struct, frozen=True, rename="camel"):
    """An order that waits for its person. The secret of the code never leaves the server."""

    order_ref: Text
    auto_start_token: Text
    qr_start_token: Text
    qr_start_secret: Text


class Person(msgspec.Struct, frozen=True, rename="camel"):
    """Who answered; the number has twelve digits."""

    personal_number: Annotated[str, Meta(pattern=r"^\d{12}$")]
    name: str = ""
    given_name: str = ""
    surname: str = ""


class Device(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where they answered."""

    ip_address: str = ""
    uhi: str | None = None


class Completion(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an order brought; `signature` and `ocsp_response` are base64."""

    user: Person
    device: Device = Device()
    bank_id_issue_date: str | None = None
    signature: str | None = None
    ocsp_response: str | None = None


class Collected(msgspec.Struct, frozen=True, rename="camel"):
    """How an order stands; `hint_code` says more of one that is pending or has failed."""

    status: Literal["pending", "failed", "complete"]
    hint_code: Annotated[str, Meta(max_length=100)] = ""
    completion_data: Completion | None = None


class _Requirement(msgspec.Struct, frozen=True, rename="camel"):
    personal_number: str


class _Order(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    end_user_ip: str
    user_visible_data: str | None = None
    user_non_visible_data: str | None = None
    return_url: str | None = None
    requirement: _Requirement | None = None


class _Reference(msgspec.Struct, frozen=True, rename="camel"):
    order_ref: str


class _Refusal(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str = ""
    details: str = ""


def ends_at(settings: BankId) -> datetime:
    """Until when our certificate is good. Raises UnknownProvider, OSError, ValueError."""
    return mutual.ends_at(_certificate(settings))


def is_usable(settings: BankId) -> bool:
    """Without a certificate nobody may ask."""
    return settings.certificate is not None and settings.key is not None


async def auth(settings: BankId, address: str, *, return_url: str | None = None) -> Begun:
    """Begin an order to identify somebody; `address` is the network address that the person comes from.

    Raises UnknownProvider, ProviderSilent.
    """
    return await _begin(settings, "auth", _Order(address, return_url=return_url))


async def sign(
    settings: BankId, address: str, visible: str, *, hidden: str | None = None, signer: str | None = None
) -> Begun:
    """Begin an order to sign a text that the person sees, and one that they do not.

    With `signer` only the person with this number can. Raises as `auth` does, and OrderRunning.
    """
    order = _Order(
        address,
        user_visible_data=_encoded(visible),
        user_non_visible_data=_encoded(hidden) if hidden is not None else None,
        requirement=_Requirement(signer) if signer is not None else None,
    )
    return await _begin(settings, "sign", order)


async def collect(settings: BankId, reference: str) -> Collected:
    """How the order stands. Raises OrderNotFound when BankID has none, or none any more; ProviderSilent."""
    body = await _ask(settings, "collect", _Reference(reference))
    found = client.decode(body, Collected)
    if found.status == "complete" and found.completion_data is None:
        raise ProviderSilent
    return found


async def cancel(settings: BankId, reference: str) -> None:
    """End an order that is under way. Raises OrderNotFound, ProviderSilent."""
    await _ask(settings, "cancel", _Reference(reference))


def code(token: str, secret: str, seconds: int) -> str:
    """What the moving QR code says so many whole seconds after the order began."""
    proof = hmac.digest(secret.encode(), str(seconds).encode(), sha256).hex()
    return f"bankid.{token}.{seconds}.{proof}"


async def _begin(settings: BankId, method: str, order: _Order) -> Begun:
    try:
        return client.decode(await _ask(settings, method, order), Begun)
    except OrderNotFound:  # there was none yet: what we said was wrong
        raise ProviderSilent from None


async def _ask(settings: BankId, method: str, body: msgspec.Struct) -> bytes:
    url = f"{(settings.url or _HOSTS[settings.environment]).rstrip('/')}/{method}"
    content = msgspec.json.encode(body)
    answer = await mutual.post(_certificate(settings), url, content, content_type="application/json")
    if answer.is_good:
        return answer.body
    refusal = _refusal(answer.body)
    if refusal.error_code == "alreadyInProgress":
        raise OrderRunning
    if refusal.error_code in _GONE:
        raise OrderNotFound
    _log.warning("bankid.refused", method=method, status=answer.status, code=refusal.error_code[:100])
    raise ProviderSilent


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Refusal()


def _certificate(settings: BankId) -> Certificate:
    if settings.certificate is None or settings.key is None:
        raise UnknownProvider
    return Certificate(settings.certificate, settings.key, settings.key_password, settings.authority)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
