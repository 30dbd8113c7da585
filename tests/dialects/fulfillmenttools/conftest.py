"""The dialect served for the test's own tenant, with a client that holds every answer against the contract."""

from typing import Any

import httpx
import msgspec
import pytest

from roster.app import application
from roster.core.access import service as access
from roster.core.realms import client_keys
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from roster.web.mounts import Mounts
from tests import factories
from tests.dialects.calling import Verbs
from tests.dialects.conftest import Person, signed_in
from tests.dialects.fulfillmenttools import contract

PREFIX = "/fulfillmenttools/{realm}"
TOOLKIT = "/identitytoolkit.googleapis.com"
RENEWAL = "/securetoken.googleapis.com"


class Wire(Verbs):
    """Calls the dialect in one tenant; every answer must be one that the contract documents."""

    def __init__(self, client: httpx.AsyncClient, slug: str, key: str = "") -> None:
        self.http = client
        self.slug = slug
        self.key = key
        self.prefix = PREFIX.format(realm=slug)

    async def call(
        self,
        method: str,
        path: str,
        *,
        by: Person | None = None,
        token: str | None = None,
        json: object = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request, by nobody unless told."""
        token = by.access_token if by else token
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        answer = await self.http.request(method, self.prefix + path, headers=sent, **more)
        contract.check(answer, path.partition("?")[0])
        return answer

    async def toolkit(self, path: str, json: object = None, *, key: str | None = None, **more: Any) -> httpx.Response:
        """A sign-in call, which names the tenant by its key."""
        prefix = more.pop("prefix", RENEWAL if path == "/v1/token" else TOOLKIT)
        more["params"] = {"key": self.key if key is None else key, **more.get("params", {})}
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            more["headers"] = {"Content-Type": "application/json", **more.get("headers", {})}
        answer = await self.http.post(prefix + path, **more)
        contract.check(answer, path)
        return answer

    async def sign_in(self, email: str, password: str, **more: Any) -> httpx.Response:
        """The documented sign-in."""
        body = {"email": email, "password": password, "returnSecureToken": True}
        return await self.toolkit("/v1/accounts:signInWithPassword", body, **more)

    async def renew(self, refresh_token: str, **more: Any) -> httpx.Response:
        """The documented renewal."""
        return await self.toolkit("/v1/token", {"grant_type": "refresh_token", "refresh_token": refresh_token}, **more)


def word(answer: httpx.Response) -> tuple[int, str]:
    """Status and word of a refused sign-in."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, error["message"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and what the first problem is about."""
    first = answer.json()[0]
    return answer.status_code, first.get("description") or first["summary"]


async def given(runtime: Runtime, realm: Realm, role: str, *facilities: str, **known: Any) -> Person:
    """Somebody with one role, within these facilities unless there are none, and with a live session."""
    user = await factories.a_person(runtime, realm, **known)
    async with runtime.write(factories.roster_in(realm)) as tx:
        found = await access.find_role(tx, role)
        await access.assign(tx, found.id, user.id, {"facility": list(facilities)} if facilities else {})
    return await signed_in(runtime, realm, user)


@pytest.fixture
async def chief(runtime: Runtime, realm: Realm) -> Person:
    """An ADMINISTRATOR."""
    return await given(runtime, realm, "ADMINISTRATOR", username="chief", given_name="Carla", family_name="Chief")


@pytest.fixture
async def supervisor(runtime: Runtime, realm: Realm) -> Person:
    """A SUPERVISOR of two facilities in Munich."""
    known = {"username": "supervisor", "given_name": "Sven", "family_name": "Supervisor"}
    return await given(runtime, realm, "SUPERVISOR", "fac-muc-01", "fac-muc-02", **known)


@pytest.fixture
async def fulfiller(runtime: Runtime, realm: Realm) -> Person:
    """A FULFILLER in one of them."""
    known = {"username": "fulfiller", "given_name": "Fay", "family_name": "Fulfiller"}
    return await given(runtime, realm, "FULFILLER", "fac-muc-01", **known)


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Mounts:
    """The application as an installation serves it."""
    return application(runtime)


@pytest.fixture
def wire(client: httpx.AsyncClient, runtime: Runtime, realm: Realm) -> Wire:
    """The dialect in the test's own tenant."""
    return Wire(client, realm.slug, client_keys.write(runtime.keyring, realm.id))
