"""Realms, as somebody makes them who moves here from the product, on a server with two workers."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests import servers
from tests.clients.node import Conversation
from tests.servers import PASSWORD, Installation, Server

PAGE = "https://shop.example"
"""Where pages come from that use the SDK for the web."""

WEB = "@onslip/onslip-360-web-api"
OLDER, NEWER = "node-api-1.36", "node-api-1.37"
"""`@onslip/onslip-360-node-api` of these versions, by the names that `package.json` gives them."""


class Account(msgspec.Struct, frozen=True):
    """A realm of the server, with an administrator and their key."""

    server: str
    realm: str
    id: str
    key: str
    """In base64."""

    @property
    def base(self) -> str:
        """The address that clients are given."""
        return f"{self.server}/onslip360/v1/"

    @property
    def environment(self) -> dict[str, str]:
        """What the scripts ask for."""
        return {"BASE": self.base, "REALM": self.realm, "ID": self.id, "KEY": self.key, "ORIGIN": PAGE}


Accounts = Callable[..., Account]


def refused(said: Conversation, *steps: str) -> list[tuple[int | None, str]]:
    """Status and code of these steps, each of which has a message too."""
    failures = [said.failure(step) for step in steps]
    assert all(failure.message for failure in failures)
    return [(failure.status, failure.code) for failure in failures]


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """The server."""
    with servers.serving(installation, "--workers", "2", env={"ROSTER_SERVER_CORS_ORIGINS": PAGE}) as server:
        yield server


@pytest.fixture(scope="module")
def make_account(installation: Installation, server: Server) -> Accounts:
    """Makes a realm with these settings, by the command line."""

    def make(**settings: object) -> Account:
        realm = f"acme-{uuid4().hex[:8]}"
        installation.roster("realm", "create", realm)
        installation.roster("user", "create", "boss", "--admin", "--realm", realm, "--password", PASSWORD)
        if settings:
            _change(server, realm, settings)
        made = installation.ask("key", "create", "--realm", realm, "--user", "boss", "--kind", "hawk")
        return Account(server.url, realm, made["id"], made["key"])

    return make


def _change(server: Server, realm: str, settings: dict[str, Any]) -> None:
    with server.client() as client:
        answer = client.patch(f"/api/v1/realms/{realm}", json={"settings": settings}, headers=server.sign_in())
    assert answer.status_code == 200, answer.text
