"""An organisation on a server, as somebody has it who moves here from the product."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from tests.servers import PASSWORD, Installation, Server

_LINK = re.compile(r"https?://\S+")


class Service(msgspec.Struct, frozen=True):
    """The server, its dialect's address, and what `roster key create` prints for it."""

    server: Server
    installation: Installation

    @property
    def base(self) -> str:
        """The address that clients are given."""
        return f"{self.server.url}/groupalarm/api/v1"

    def account(self, email: str) -> None:
        """Somebody with this address and PASSWORD."""
        person = ["--email", email, "--realm", "main", "--password", PASSWORD]
        self.installation.roster("user", "create", email, *person)

    def call(self, method: str, path: str, *, token: str = "", **more: Any) -> httpx.Response:
        """One request on a connection of its own."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        address = path if path.startswith("http") else self.base + path
        return httpx.request(method, address, headers=headers, timeout=60, **more)

    def get(self, path: str, token: str) -> Any:
        """What a good answer says."""
        return self.done("GET", path, token=token)

    def done(self, method: str, path: str, **more: Any) -> Any:
        """The body of an answer that must be good."""
        answer = self.call(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def refused(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Status and technical reason of an answer that must not be."""
        answer = self.call(method, path, **more)
        body = answer.json()
        assert body["success"] is False
        assert body["message"]
        return answer.status_code, body["error"]

    def log_in(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """The documented form."""
        return self.call("POST", "/auth/login", data={"email": email, "password": password, **more})

    def token(self, email: str, password: str = PASSWORD, **more: str) -> str:
        """Of a login that must be good."""
        answer = self.log_in(email, password, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["token"]

    def key(self, kind: str, *whose: str) -> str:
        """A credential, as the command line prints it."""
        return self.installation.ask("key", "create", "--kind", kind, *whose)["key"]

    def mailed(self, recipient: str) -> list[dict[str, Any]]:
        """All mails to an address, oldest first, out of the development mailbox."""
        headers = self.server.sign_in()
        with self.server.client() as client:
            found = client.get("/api/v1/messages?limit=100", headers=headers).json()["items"]
            ids = [each["id"] for each in reversed(found) if each["recipient"] == recipient]
            return [client.get(f"/api/v1/messages/{id}", headers=headers).json() for id in ids]

    def link(self, recipient: str) -> str:
        """The link in the newest mail to an address; what it calls the server's public address leads here."""
        (link,) = set(_LINK.findall(self.mailed(recipient)[-1]["text"]))
        return self.server.url + urlsplit(link).path


@pytest.fixture(scope="module")
def service(installation: Installation, server: Server) -> Service:
    """The server with Ada on it."""
    service = Service(server, installation)
    service.account("ada@example.org")
    return service


@pytest.fixture(scope="module")
def org(service: Service) -> int:
    """Ada's organisation."""
    sent = {"name": "Fire brigade"}
    return service.done("POST", "/organization", token=service.token("ada@example.org"), json=sent)["id"]
