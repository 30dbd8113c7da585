"""The front doors as an attacker meets them: one way to talk to every dialect, all mounted in one application."""

import base64
import io
from typing import Any

import httpx
import msgspec

from roster.core.realms.models import Realm
from roster.dialects.acceleratxr import dialect as acceleratxr
from roster.dialects.fulfillmenttools import dialect as fulfillmenttools
from roster.dialects.groupalarm import dialect as groupalarm
from roster.dialects.native import dialect as native
from roster.dialects.onslip360 import dialect as onslip360
from roster.dialects.wellbee import dialect as wellbee
from roster.storage.runtime import Runtime
from roster.web.access_log import AccessLog
from roster.web.dialect import Dialect
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests.dialects.calling import ADDRESS, client_of

PREFIXES: dict[str, str] = {"native": "/api/v1", "acceleratxr": "/acceleratxr/v1"}
"""Front doors at which people sign up, sign in and look after themselves."""
MOUNTED: dict[str, str] = {
    **PREFIXES,
    "fulfillmenttools": "/fulfillmenttools/{realm}",
    "groupalarm": "/groupalarm/api/v1",
    "onslip360": "/onslip360/v1",
    "wellbee": "/wellbee",
}
DIALECTS: dict[str, Dialect] = {
    "native": native,
    "acceleratxr": acceleratxr,
    "fulfillmenttools": fulfillmenttools,
    "groupalarm": groupalarm,
    "onslip360": onslip360,
    "wellbee": wellbee,
}
"""All whose operations are walked."""


class Front:
    """One dialect in one realm."""

    def __init__(self, name: str, client: httpx.AsyncClient, realm: Realm) -> None:
        self.name = name
        self.dialect = DIALECTS[name]
        self.client = client
        self.realm = realm
        place = MOUNTED[name]
        if "{realm}" in place:
            self.prefix = place.format(realm=realm.slug)
        else:
            self.prefix = place if self.dialect.realm_in_path else f"/realms/{realm.slug}{place}"

    async def call(
        self, method: str, path: str, *, token: str | None = None, json: object = None, **more: Any
    ) -> httpx.Response:
        """One request; `token` goes where this dialect wants it, and `~{realm}` in the path is this realm."""
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", self.authorization(token))
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            headers.setdefault("Content-Type", "application/json")
        where = self.prefix + path.replace("~{realm}", f"~{self.realm.slug}")
        return await self.client.request(method, where, headers=headers, **more)

    def authorization(self, token: str) -> str:
        """The header's value for a token."""
        return f"jwt {token}" if self.name == "acceleratxr" else f"Bearer {token}"

    async def sign_in(self, identifier: str, secret: str, **more: Any) -> httpx.Response:
        """Sign in with a name and a secret."""
        if self.name == "native":
            return await self.call("POST", "/sign-in", json={"username": identifier, "password": secret}, **more)
        plain = base64.b64encode(f"{identifier}:{secret}".encode()).decode()
        headers = {**more.pop("headers", {}), "Authorization": f"Basic {plain}"}
        return await self.call("GET", "/auth/password", headers=headers, **more)

    async def register(self, name: str, email: str, **more: Any) -> httpx.Response:
        """Make an account for oneself."""
        if self.name == "native":
            body = {"username": name, "email": email, "password": "correct horse battery"}
            return await self.call("POST", "/sign-up", json=body, **more)
        return await self.call("POST", "/users", json={"name": name, "email": email}, **more)

    async def recover(self, identifier: str, **more: Any) -> httpx.Response:
        """Ask for the message of those who cannot sign in."""
        if self.name == "native":
            return await self.call("POST", "/recover", json={"identifier": identifier}, **more)
        return await self.call("GET", f"/users/{identifier}/recover", **more)

    async def me(self, token: str | None = None, **more: Any) -> httpx.Response:
        """Read oneself."""
        return await self.call("GET", "/me" if self.name == "native" else "/users/me", token=token, **more)

    async def change_me(self, token: str | None, *, name: str, email: str, **more: Any) -> httpx.Response:
        """Change one's own name and address."""
        if self.name == "native":
            return await self.call("PATCH", "/me", token=token, json={"username": name, "email": email}, **more)
        return await self.call("PUT", "/users/me", token=token, json={"name": name, "email": email}, **more)

    async def set_password(self, token: str, secret: str) -> httpx.Response:
        """Set a password with the token of a recovery message."""
        if self.name == "native":
            return await self.call("POST", "/recover/confirm", json={"token": token, "password": secret})
        return await self.call("PUT", "/users/me/secrets/password", token=token, json={"secret": secret})

    def token_of(self, answer: httpx.Response) -> str:
        """The access token of a sign-in or a registration."""
        return answer.json()["access_token" if self.name == "native" else "token"]


class House:
    """An application with all dialects, what it logs, and clients at addresses of one's choice."""

    def __init__(self, runtime: Runtime, *, trusted_proxies: int = 0) -> None:
        self.log = io.BytesIO()
        self.access_log = AccessLog(self.log)  # type: ignore[arg-type]
        self.app = Mounts(
            runtime,
            [Mount(dialect=DIALECTS[name], prefix=prefix) for name, prefix in MOUNTED.items()],
            site=Site(public_url=ADDRESS, trusted_proxies=trusted_proxies),
            access_log=self.access_log,
        )

    def client(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """A client that comes from this address."""
        return client_of(self.app, address)

    def forget(self) -> None:
        """Begin the access log anew."""
        self.access_log.flush()
        self.log.seek(0)
        self.log.truncate()

    def logged(self) -> str:
        """The access log so far."""
        self.access_log.flush()
        return self.log.getvalue().decode()
