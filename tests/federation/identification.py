"""BankID and Freja of our own on this machine: they ask for a certificate and go through the documented states."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jws
from joserfc.jwk import RSAKey

from roster.kit import secrets
from roster.settings import BankId, Freja
from roster.storage.runtime import Runtime
from tests import certificates
from tests.federation import provider as providers
from tests.federation.provider import Answer, Asked, StandIn

NUMBER = "199001012385"
NAMES = {"name": "Jane Doe", "givenName": "Jane", "surname": "Doe"}


class BankIdService:
    """What BankID's server does, as far as relying parties see it."""

    def __init__(self, there: StandIn, settings: BankId, authority: certificates.Authority) -> None:
        self.there = there
        self.authority = authority
        self.settings = settings
        self.orders: dict[str, dict[str, Any]] = {}
        self.collected: list[str] = []
        for method in ("auth", "sign"):
            there.answers[f"/rp/v6.0/{method}"] = self._begin
        there.answers["/rp/v6.0/collect"] = self._collect
        there.answers["/rp/v6.0/cancel"] = self._cancel

    def refuses(self, method: str, status: int, code: str) -> None:
        """Answer everything at this method with an error."""
        self.there.says(f"/rp/v6.0/{method}", {"errorCode": code, "details": "as the test wants"}, status=status)

    def goes_on(self, hint: str, status: str = "pending") -> None:
        """All orders are at this point now."""
        for order in self.orders.values():
            order.update(status=status, hintCode=hint)

    def completes(self, number: str = NUMBER, **more: Any) -> None:
        """The person has answered all orders."""
        data = {
            "user": {"personalNumber": number, **NAMES},
            "device": {"ipAddress": "192.0.2.7", "uhi": "OZvYM9VvyiAmG7NA5jU5zqGcVpo="},
            "bankIdIssueDate": "2020-02-01",
            "signature": "c2lnbmF0dXJl",
            "ocspResponse": "b2NzcA==",
        }
        for order in self.orders.values():
            order.update(status="complete", completionData={**data, **more})
            order.pop("hintCode", None)

    def _begin(self, asked: Asked) -> Answer:
        wanted = msgspec.json.decode(asked.body)
        if not wanted.get("endUserIp") or (asked.path.endswith("/sign") and not wanted.get("userVisibleData")):
            return Answer({"errorCode": "invalidParameters", "details": "Missing parameter"}, 400)
        reference = str(uuid4())
        self.orders[reference] = {"status": "pending", "hintCode": "outstandingTransaction", "wanted": wanted}
        tokens = {name: str(uuid4()) for name in ("autoStartToken", "qrStartToken", "qrStartSecret")}
        return Answer({"orderRef": reference, **tokens})

    def _collect(self, asked: Asked) -> Answer:
        reference = msgspec.json.decode(asked.body)["orderRef"]
        self.collected.append(reference)
        order = self.orders.get(reference)
        if order is None:
            return Answer({"errorCode": "invalidParameters", "details": "No such order"}, 400)
        if order["status"] != "pending":
            del self.orders[reference]  # the answer is given out once
        return Answer({"orderRef": reference, **{name: order[name] for name in order if name != "wanted"}})

    def _cancel(self, asked: Asked) -> Answer:
        if self.orders.pop(msgspec.json.decode(asked.body)["orderRef"], None) is None:
            return Answer({"errorCode": "invalidParameters", "details": "No such order"}, 400)
        return Answer({})


class FrejaService:
    """What Freja's server does, as far as relying parties see it."""

    def __init__(self, there: StandIn, settings: Freja, key: RSAKey, thumbprint: str) -> None:
        self.there = there
        self.settings = settings
        self.key = key
        self.thumbprint = thumbprint
        self.orders: dict[str, dict[str, Any]] = {}
        self.collected: list[str] = []
        there.answers["/authentication/1.0/initAuthentication"] = self._begin
        there.answers["/authentication/1.0/getOneResult"] = self._collect
        there.answers["/authentication/1.0/cancel"] = self._cancel

    def refuses(self, method: str, code: int, status: int = 422) -> None:
        """Answer everything at this method with an error."""
        body = {"code": code, "message": "as the test wants"}
        self.there.says(f"/authentication/1.0/{method}", body, status=status)

    def goes_on(self, status: str) -> None:
        """All orders are at this point now."""
        for order in self.orders.values():
            order["status"] = status

    def approves(self, number: str = NUMBER, country: str = "SE") -> None:
        """The person has approved all orders."""
        known = {"ssn": {"ssn": number, "country": country}, "basicUserInfo": {"name": "Jane", "surname": "Doe"}}
        for reference, order in self.orders.items():
            signed = {"authRef": reference, "status": "APPROVED", "requestedAttributes": known, "timestamp": 1}
            order.update(status="APPROVED", details=self.signed(signed), requestedAttributes=known)

    def signed(self, what: dict[str, Any], key: RSAKey | None = None, **header: str) -> str:
        """A statement in Freja's form."""
        head = {"alg": "RS256", "x5t": self.thumbprint, **header}
        return jws.serialize_compact(head, msgspec.json.encode(what), key or self.key, algorithms=["RS256"])

    def _begin(self, asked: Asked) -> Answer:
        wanted = _parameter(asked, "initAuthRequest")
        reference = secrets.token(24)
        self.orders[reference] = {"status": "STARTED", "wanted": wanted}
        return Answer({"authRef": reference})

    def _collect(self, asked: Asked) -> Answer:
        reference = _parameter(asked, "getOneAuthResultRequest")["authRef"]
        self.collected.append(reference)
        order = self.orders.get(reference)
        if order is None:
            return Answer({"code": 1100, "message": "Invalid reference"}, 422)
        return Answer({"authRef": reference, **{name: order[name] for name in order if name != "wanted"}})

    def _cancel(self, asked: Asked) -> Answer:
        if self.orders.pop(_parameter(asked, "cancelAuthRequest")["authRef"], None) is None:
            return Answer({"code": 1100, "message": "Invalid reference"}, 422)
        return Answer({})


def _parameter(asked: Asked, name: str) -> Any:
    key, _, value = asked.body.partition("=")
    assert key == name
    return msgspec.json.decode(base64.b64decode(value, validate=True))


@contextmanager
def asking(runtime: Runtime, **known: Any) -> Iterator[None]:
    """The installation with these settings."""
    before = runtime.settings
    runtime.settings = msgspec.structs.replace(before, **known)
    try:
        yield
    finally:
        runtime.settings = before


@contextmanager
def bankid(folder: Path) -> Iterator[BankIdService]:
    """BankID on a port of the system's choice, and settings for asking it."""
    authority = certificates.Authority(_made(folder / "bankid"))
    with providers.running(authority.server()) as there:
        shown = authority.issue("Our Company")
        settings = BankId(certificate=shown, key=shown, authority=authority.file, url=f"{there.address}/rp/v6.0")
        yield BankIdService(there, settings, authority)


@contextmanager
def freja(folder: Path) -> Iterator[FrejaService]:
    """Freja on a port of the system's choice, and settings for asking it."""
    folder = _made(folder / "freja")
    authority = certificates.Authority(folder)
    private, certificate = certificates.signer()
    signers = folder / "signers.pem"
    signers.write_bytes(certificate)
    digest = x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA1())  # noqa: S303
    with providers.running(authority.server()) as there:
        shown = authority.issue("Our Company")
        settings = Freja(
            certificate=shown, key=shown, authority=authority.file, signers=signers, url=there.address, level="PLUS"
        )
        yield FrejaService(there, settings, RSAKey.import_key(private), secrets.encode(digest))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
