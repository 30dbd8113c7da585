"""Freja eID's REST interface for relying parties, version 1.0: identifying somebody with the app.

Parameters travel as base64 of JSON. Of what comes back only the signed part (`details`, JWS) is believed, and only
when one of the certificates in the settings has signed it.
"""

import base64
import binascii
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Meta

from roster.core.orders.errors import OrderNotFound, OrderRunning
from roster.federation import client, mutual
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.federation.mutual import Certificate
from roster.kit import secrets
from roster.settings import Freja

_log = structlog.get_logger("roster.federation")

_HOSTS: Final = {"production": "https://services.prod.frejaeid.com", "test": "https://services.test.frejaeid.com"}
_LINK: Final = "frejaeid://bindUserToTransaction?transactionReference="
_UNKNOWN_REFERENCE: Final = 1100
_RUNNING: Final = frozenset({2000, 2002})
_LONGEST_DETAILS: Final = 65_536

UserInfoType = Literal["INFERRED", "EMAIL", "PHONE", "SSN"]
Reference = Annotated[str, Meta(min_length=1, max_length=300)]
Status = Literal["STARTED", "DELIVERED_TO_MOBILE", "APPROVED", "CANCELED", "REJECTED", "EXPIRED", "RP_CANCELED"]
PENDING: Final = frozenset({"STARTED", "DELIVERED_TO_MOBILE"})


class BasicUserInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Names."""

    name: str = ""
    surname: str = ""


class Ssn(msgspec.Struct, frozen=True):
    """A personal number, and the country (ISO 3166-1) that gave it."""

    ssn: Annotated[str, Meta(max_length=64)]
    country: Annotated[str, Meta(max_length=8)]


class Attributes(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What we asked to know of the person."""

    ssn: Ssn | None = None
    basic_user_info: BasicUserInfo | None = None


class Collected(msgspec.Struct, frozen=True):
    """How an order stands; the attributes of one that was approved are as Freja has signed them."""

    status: Status
    attributes: Attributes = Attributes()

    @property
    def personal_number(self) -> str | None:
        """Twelve digits; None for people whose number another country gave."""
        found = self.attributes.ssn
        number = found.ssn.replace("-", "") if found is not None and found.country == "SE" else ""
        return number if len(number) == 12 and number.isascii() and number.isdigit() else None


class _Wanted(msgspec.Struct, frozen=True):
    attribute: str


class _Init(msgspec.Struct, frozen=True, rename="camel"):
    user_info_type: str
    user_info: str
    min_registration_level: str
    attributes_to_return: list[_Wanted]


class _Begun(msgspec.Struct, frozen=True, rename="camel"):
    auth_ref: Reference


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    auth_ref: Reference
    status: Status
    details: Annotated[str, Meta(max_length=_LONGEST_DETAILS)] | None = None


class _Signed(msgspec.Struct, frozen=True, rename="camel"):
    auth_ref: str
    status: str
    requested_attributes: Attributes = Attributes()


class _Header(msgspec.Struct, frozen=True):
    alg: str
    x5t: str


class _Refusal(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


def ends_at(settings: Freja) -> datetime:
    """Until when our certificate and those of the signers are all good.

    Raises UnknownProvider, OSError, ValueError.
    """
    own = mutual.ends_at(_certificate(settings))
    signers = x509.load_pem_x509_certificates(settings.signers.read_bytes() if settings.signers else b"")
    return min([own, *(each.not_valid_after_utc for each in signers)])


def is_usable(settings: Freja) -> bool:
    """Without a certificate nobody may ask, and without those of the signers nothing could be believed."""
    return None not in (settings.certificate, settings.key, settings.signers)


async def begin(settings: Freja, kind: UserInfoType = "INFERRED", user_info: str | None = None) -> str:
    """Begin an order; its reference. With INFERRED whoever opens the link answers it, else the named person.

    Raises UnknownProvider, ProviderSilent, OrderRunning.
    """
    named = _ssn(user_info) if kind == "SSN" and user_info else user_info
    wanted = [_Wanted("BASIC_USER_INFO"), _Wanted("SSN")]
    asked = _Init(kind, named or "N/A", settings.level, wanted)
    try:
        body = await _ask(settings, "initAuthentication", "initAuthRequest", asked)
    except OrderNotFound:  # there was none yet
        raise ProviderSilent from None
    return client.decode(body, _Begun).auth_ref


async def collect(settings: Freja, reference: str) -> Collected:
    """How the order stands. Raises OrderNotFound when Freja has none any more; ProviderSilent."""
    body = await _ask(settings, "getOneResult", "getOneAuthResultRequest", _Begun(reference))
    found = client.decode(body, _Result)
    if found.auth_ref != reference:
        raise ProviderSilent
    if found.status != "APPROVED":
        return Collected(found.status)
    signed = _verified(settings, found.details or "")
    if signed is None or signed.auth_ref != reference or signed.status != "APPROVED":
        _log.error("freja.signature_refused")
        raise ProviderSilent
    return Collected("APPROVED", signed.requested_attributes)


async def cancel(settings: Freja, reference: str) -> None:
    """End an order that is under way. Raises OrderNotFound, ProviderSilent."""
    await _ask(settings, "cancel", "cancelAuthRequest", _Begun(reference))


def link(reference: str) -> str:
    """What the QR code says, and what starts the app on the same device."""
    return _LINK + quote(reference, safe="")


async def _ask(settings: Freja, method: str, parameter: str, body: msgspec.Struct) -> bytes:
    url = f"{(settings.url or _HOSTS[settings.environment]).rstrip('/')}/authentication/1.0/{method}"
    content = parameter.encode() + b"=" + base64.b64encode(msgspec.json.encode(body))
    form = "application/x-www-form-urlencoded"
    answer = await mutual.post(_certificate(settings), url, content, content_type=form)
    refusal = _refusal(answer.body)
    if answer.is_good and not refusal.code:
        return answer.body
    if refusal.code == _UNKNOWN_REFERENCE:
        raise OrderNotFound
    if refusal.code in _RUNNING:
        raise OrderRunning
    _log.warning("freja.refused", method=method, status=answer.status, code=refusal.code)
    raise ProviderSilent


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Refusal()


def _ssn(number: str) -> str:
    return base64.b64encode(msgspec.json.encode({"country": "SE", "ssn": number})).decode()


def _certificate(settings: Freja) -> Certificate:
    if settings.certificate is None or settings.key is None or settings.signers is None:
        raise UnknownProvider
    return Certificate(settings.certificate, settings.key, settings.key_password, settings.authority)


def _verified(settings: Freja, text: str) -> _Signed | None:
    """What the JWS says, when the certificate that it names is one of ours to believe and has signed it."""
    try:
        header = msgspec.json.decode(secrets.decode(text.partition(".")[0]) or b"", type=_Header)
        key = _signers(settings.signers).get(header.x5t.rstrip("=")) if settings.signers else None
        if key is None or header.alg != "RS256":
            return None
        found = jws.deserialize_compact(text, key, algorithms=["RS256"])
        return msgspec.json.decode(found.payload, type=_Signed)
    except (JoseError, msgspec.DecodeError, ValueError, TypeError, binascii.Error):
        return None


@lru_cache(4)
def _signers(file: Path) -> dict[str, RSAKey]:
    """The keys of the certificates by the digests that a JWS names them with (RFC 7515, 4.1.7)."""
    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
        return {_thumbprint(each): _key(each) for each in certificates}
    except (OSError, ValueError) as error:
        _log.exception("freja.signers_unreadable")
        raise ProviderSilent from error


def _thumbprint(certificate: x509.Certificate) -> str:
    return secrets.encode(certificate.fingerprint(hashes.SHA1()))  # noqa: S303 (names the certificate, proves nothing)


def _key(certificate: x509.Certificate) -> RSAKey:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return RSAKey.import_key(certificate.public_key().public_bytes(serialization.Encoding.PEM, spki))
