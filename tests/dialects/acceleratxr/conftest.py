"""The dialect served for the test's own realm, with a client that holds every answer against the contract."""

import base64
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.dialects.acceleratxr import dialect, mapping
from roster.settings import AcceleratxrDialect, Dialects, Provider
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests import factories
from tests.core import people
from tests.dialects.acceleratxr import contract
from tests.dialects.calling import ADDRESS, Verbs
from tests.dialects.conftest import Person, SignIn

PREFIX = "/acceleratxr/v1"
PASSWORD = "correct horse battery"


class Wire(Verbs):
    """Calls the dialect in one realm; every answer must be one that the contract documents."""

    def __init__(self, client: httpx.AsyncClient, slug: str) -> None:
        self.http = client
        self.prefix = f"/realms/{slug}{PREFIX}"

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
        """One request, by nobody unless told; `token` is sent in the documented header."""
        token = by.access_token if by else token
        sent = {**({"Authorization": f"jwt {token}"} if token else {}), **(headers or {})}
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        answer = await self.http.request(method, self.prefix + path, headers=sent, **more)
        contract.check(answer, path.partition("?")[0])
        return answer

    async def sign_in(self, identifier: str, secret: str) -> httpx.Response:
        """The documented sign-in with HTTP Basic."""
        return await self.get("/auth/password", headers={"Authorization": basic(identifier, secret)})


def basic(identifier: str, secret: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error."""
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["message"]
    return answer.status_code, body["code"]


def uid(person: Person) -> str:
    """A person's uid as the dialect shows it."""
    return mapping.uid(person.user.id)


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Mounts:
    """The dialect, mounted as an installation mounts it."""
    return Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=Site(public_url=ADDRESS))


@pytest.fixture
def wire(client: httpx.AsyncClient, realm: Realm) -> Wire:
    """The dialect in the test's own realm."""
    return Wire(client, realm.slug)


Register = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def register(wire: Wire) -> Register:
    """Registers somebody through the dialect: the answer with token and user, and the password if one is given."""

    async def make(name: str = "", *, password: str | None = None, **known: Any) -> dict[str, Any]:
        name = name or f"user-{factories.uuid4().hex[:10]}"
        made = await wire.post("/users", {"name": name, "email": f"{name}@example.org", **known})
        assert made.status_code == 201, made.text
        if password is not None:
            body = {"type": "password", "secret": password}
            assert (await wire.post("/users/me/secrets", body, token=made.json()["token"])).status_code == 200
        return made.json()

    return make


@pytest.fixture
async def jane(sign_in: SignIn) -> Person:
    """An ordinary user with all members."""
    return await sign_in(
        username="jdoe",
        email="jane.doe@example.org",
        given_name="Jane",
        family_name="Doe",
        phone="+1 212 555 0147",
        roles=(),
    )


@pytest.fixture
async def john(sign_in: SignIn) -> Person:
    """Another ordinary user."""
    return await sign_in(username="john", email="john@example.org", given_name="John")


@contextmanager
def options(runtime: Runtime, *, providers: dict[str, Provider] | None = None, **changed: Any) -> Iterator[None]:
    """The same installation with other options of the dialect."""
    before = runtime.settings
    dialects = Dialects(acceleratxr=AcceleratxrDialect(**changed))
    runtime.settings = msgspec.structs.replace(before, dialects=dialects, providers=providers or {})
    try:
        yield
    finally:
        runtime.settings = before


async def mailed(runtime: Runtime, realm: Realm, template: str) -> str:
    """The token of the newest mail."""
    return await people.mailed_token(runtime, realm, template)
