"""Tenants, as somebody makes them who moves here from the product."""

from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest

from tests.servers import PASSWORD, Installation, Server

USERNAME = "boss"


class Tenant(msgspec.Struct, frozen=True):
    """A tenant of the server, with an administrator."""

    server: str
    name: str
    key: str
    username: str = USERNAME
    password: str = PASSWORD

    @property
    def hosts(self) -> list[str]:
        """The names that its clients have been built with."""
        own = f"{self.name}.api.fulfillmenttools.com"
        return [own, "identitytoolkit.googleapis.com", "securetoken.googleapis.com"]

    @property
    def environment(self) -> dict[str, str]:
        """What the scripts ask for."""
        return {
            "SERVER": self.server,
            "TENANT": self.name,
            "KEY": self.key,
            "USERNAME": self.username,
            "PASSWORD": self.password,
        }


Tenants = Callable[..., Tenant]


@pytest.fixture(scope="module")
def make_tenant(installation: Installation, server: Server) -> Tenants:
    """Makes a tenant with these settings of its realm, by the command line."""

    def make(**settings: object) -> Tenant:
        name = f"ocff-{uuid4().hex[:8]}-pre"
        installation.roster("realm", "create", name)
        installation.roster("user", "create", USERNAME, "--admin", "--realm", name, "--password", PASSWORD)
        if settings:
            with server.client() as client:
                change = {"settings": settings}
                answer = client.patch(f"/api/v1/realms/{name}", json=change, headers=server.sign_in())
            assert answer.status_code == 200, answer.text
        return Tenant(server.url, name, installation.ask("realm", "show", name)["fulfillmenttools_api_key"])

    return make
