"""What the PHP SDK puts on the wire, by its source: how it signs, what it takes for an answer, and how it pages."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from tests import processes
from tests.clients.onslip360.conftest import Account

JSON = "application/json"


class Signer(msgspec.Struct, frozen=True):
    """Credentials. What is given replaces what the SDK makes up."""

    id: str
    key: bytes
    ts: int | None = None
    nonce: str | None = None

    def header(self, method: str, address: str, payload: str | None = None, *, kind: str = "") -> str:
        """The header Authorization; the SDK leaves the type of a body out of its hash, although the request has one."""
        ts, nonce = self.ts or int(time.time()), self.nonce or base64.b64encode(secrets.token_bytes(9)).decode()
        digest = _hash(payload, kind) if payload else ""
        url = urlsplit(address)
        resource = (url.path or "/") + (f"?{url.query}" if url.query else "")
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        lines = ["hawk.1.header", str(ts), nonce, method, resource, (url.hostname or "").lower(), str(port), digest, ""]
        mac = base64.b64encode(hmac.digest(self.key, _lines(lines), "sha256")).decode()
        shown = f', hash="{digest}"' if digest else ""
        return f'Hawk id="{self.id}", ts="{ts}", nonce="{nonce}"{shown}, mac="{mac}"'


def _hash(payload: str, kind: str) -> str:
    return base64.b64encode(hashlib.sha256(_lines(["hawk.1.payload", kind, payload])).digest()).decode()


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


class Refused(Exception):
    """The SDK's exception, with what it reads of the body."""

    def __init__(self, answer: httpx.Response) -> None:
        error = answer.json()
        super().__init__(error["message"])
        self.status = answer.status_code
        self.code = error.get("code")


class Php:
    """The SDK with credentials of an account, or with others, or none."""

    def __init__(self, account: Account, signer: Signer | None = None) -> None:
        self._http = httpx.Client(timeout=processes.PATIENCE)
        self._base = account.base
        self._signer = signer or Signer(account.id, base64.b64decode(account.key))
        self.calls: list[str] = []

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def request(self, method: str, path: str, payload: object = None, headers: dict[str, str] | None = None) -> Any:
        """The answer's body; None where there is none."""
        return self._read(self.send(method, path, payload, headers))

    def list(self, path: str, **parameters: object) -> list[Any]:
        """A whole list: what is missing by the count in the first answer is asked for."""
        answer = self.send("GET", path + _query(parameters))
        found = self._read(answer)
        total = int(answer.headers["x-total-count"])
        while (left := total - len(found)) > 0:
            page = self._read(self.send("GET", path + _query({**parameters, "c": left, "o": len(found)})))
            assert page, "the SDK would miss people without a word"
            found += page
        return found

    def send(
        self, method: str, path: str, payload: object = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request, which is signed whatever it is about, with empty credentials too."""
        body = None if payload is None else json.dumps(payload).replace("/", "\\/")
        address = self._base + path
        sent = {
            "accept": f"{JSON}, */*",
            "authorization": self._signer.header(method, address, body),
            "user-agent": "PHP/8.3.0",
        }
        if body is not None:
            sent["content-type"] = JSON
        answer = self._http.request(method, address, content=body, headers={**sent, **(headers or {})})
        self.calls.append(f"{method} {path} {answer.status_code}")
        return answer

    def _read(self, answer: httpx.Response) -> Any:
        if not 200 <= answer.status_code < 400:
            raise Refused(answer)
        kind = answer.headers.get("content-type")
        if kind is None or answer.status_code == 204:
            return None
        assert (kind, answer.headers.get("content-disposition")) == (JSON, None), "unsupported media type"
        return answer.json()


def _query(parameters: dict[str, object]) -> str:
    text = ";".join(f"{name}={quote(_text(value), safe='')}" for name, value in parameters.items())
    return f"?{text}" if text else ""


def _text(value: object) -> str:
    return {True: "t", False: "f"}[value] if isinstance(value, bool) else str(value)
