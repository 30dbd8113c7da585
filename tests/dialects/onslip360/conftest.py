"""The dialect served as an installation serves it, with a client that holds every answer against the contract."""

from collections.abc import Generator, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.dialects.onslip360 import dialect
from roster.kit import clock, hawk, ids
from roster.kit.hawk import Header, Target
from roster.settings import Dialects, Onslip360Dialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests.dialects.calling import ADDRESS, Verbs
from tests.dialects.conftest import Person, SignIn
from tests.dialects.onslip360 import contract

PREFIX = "/onslip360/v1"
ASA = {"name": "Åsa Öberg", "alias": "asa", "email": "asa@example.org"}


class Hawk(httpx.Auth):
    """Signs requests as clients do. What is given replaces what a client would send."""

    requires_request_body = True

    def __init__(
        self, identifier: str, key: bytes, *, seconds: float = 0, target: Target | None = None, **sent: Any
    ) -> None:
        self.identifier = identifier
        self.key = key
        self.seconds = seconds
        self.target = target
        self.sent = sent

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = hawk.write(self.header(request))
        yield request

    def header(self, request: httpx.Request) -> Header:
        """The header for a request."""
        known = {"ts": str(int(clock.now().timestamp() + self.seconds)), "nonce": ids.uuid7().hex[-12:]}
        if request.content:
            known["hash"] = hawk.payload_hash(request.headers.get("content-type", ""), request.content)
        header = Header(id=self.identifier, mac="", **{**known, **self.sent})
        return hawk.sign(self.key, header, self.target or self._target(request))

    def _target(self, request: httpx.Request) -> Target:
        method = request.headers.get("x-http-method-override", request.method)
        port = request.url.port or {"http": 80, "https": 443}[request.url.scheme]
        return Target(method, request.url.raw_path.decode(), request.url.host, port)


class Wire(Verbs):
    """Calls the dialect, by somebody of the realm; every answer must be one that the contract documents."""

    def __init__(self, client: httpx.AsyncClient, slug: str, by: Person | None) -> None:
        self.http = client
        self.slug = slug
        self.by = by

    def by_someone(self, person: Person | None) -> "Wire":
        """The same realm, asked by another."""
        return Wire(self.http, self.slug, person)

    async def call(
        self, method: str, path: str, json: object = None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request below `~realm`, or anywhere below the prefix for a path that begins with a slash."""
        sent = {**(self.by.bearer if self.by else {}), **(headers or {})}
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        where = path if path.startswith("/") else f"/~{self.slug}{'/' if path else ''}{path}"
        answer = await self.http.request(method, PREFIX + where, headers=sent, **more)
        contract.check(answer, where.partition("?")[0])
        return answer

    async def add(self, alias: str = "asa", **members: Any) -> dict[str, Any]:
        """A new user."""
        body = {"name": alias.title(), "alias": alias, "email": f"{alias}@example.org", **members}
        made = await self.post("users/", body)
        assert made.status_code == 201, made.text
        return made.json()

    async def aliases(self, parameters: str = "") -> list[str]:
        """The aliases in a list of users."""
        answer = await self.get("users/" + parameters)
        assert answer.status_code == 200, answer.text
        return [each["alias"] for each in answer.json()]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error."""
    body = answer.json()
    assert body["message"]
    return answer.status_code, body["code"]


@pytest.fixture(autouse=True)
def bearer(runtime: Runtime) -> Iterator[None]:
    """Access tokens are taken too, so that not every test has to sign its requests."""
    before = runtime.settings
    dialects = Dialects(onslip360=Onslip360Dialect(bearer_tokens=True))
    runtime.settings = msgspec.structs.replace(before, dialects=dialects)
    yield
    runtime.settings = before


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Mounts:
    """The dialect, mounted as an installation mounts it."""
    return Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=Site(public_url=ADDRESS))


@pytest.fixture
async def boss(sign_in: SignIn) -> Person:
    """An administrator."""
    return await sign_in(roles=("admin",), username="boss", display_name="Boss", email="boss@example.org")


@pytest.fixture
async def cashier(sign_in: SignIn) -> Person:
    """Somebody with the system role of that name."""
    return await sign_in(roles=("onslip360:cashier",), username="carl", display_name="Carl", email="carl@example.org")


@pytest.fixture
def wire(client: httpx.AsyncClient, realm: Realm, boss: Person) -> Wire:
    """The dialect in the test's own realm, asked by the boss."""
    return Wire(client, realm.slug, boss)
