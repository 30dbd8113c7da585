"""The dialect served for the test's own realm, over HTTP and on the bus; each answer is held against the contract."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import cache
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.dialects.wellbee import dialect, messages, on_bus, seeding
from roster.storage.runtime import Runtime
from roster.web.dialect import Front
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests import factories
from tests.dialects.calling import ADDRESS, client_of
from tests.dialects.wellbee import contract, signing

PREFIX = "/wellbee"


class Answer(msgspec.Struct, frozen=True):
    """What came back, whichever way."""

    status: int
    data: Any = None
    error: dict[str, Any] = {}
    headers: dict[str, str] = {}

    @property
    def code(self) -> str:
        """Of the error."""
        return self.error.get("code", "")


@cache
def bus_front(runtime: Runtime) -> Front:
    """What answers requests of the bus; made once, for that takes longer than most answers."""
    return Front(on_bus, runtime)


class Wire:
    """Calls the dialect in one realm: over HTTP with the headers of one caller, or with the bus's own words."""

    def __init__(
        self, client: httpx.AsyncClient, runtime: Runtime, slug: str, headers: dict[str, str] | None = None
    ) -> None:
        self.http = client
        self.slug = slug
        self.headers = headers or {}
        self._runtime = runtime
        self._front = bus_front(runtime)

    def by(self, token: str) -> "Wire":
        """The same realm, asked over HTTP by whoever has this token."""
        return Wire(self.http, self._runtime, self.slug, {"Authorization": f"Bearer {token}"})

    async def call(self, method: str, path: str, json: object = None, **more: Any) -> Answer:
        """One request over HTTP."""
        sent = {**self.headers, **more.pop("headers", {})}
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        found = await self.http.request(method, f"/realms/{self.slug}{PREFIX}{path}", headers=sent, **more)
        bare = path.partition("?")[0].strip("/").replace(".", "{dot}").replace("/", ".")
        return _answer(f"http.{method.lower()}.{bare}", found.status_code, found.json(), dict(found.headers))

    async def ask(self, subject: str, data: object = None, *, user: object = None, **envelope: Any) -> Answer:
        """One request as the bus makes it; `user` is the id of whoever the message is from."""
        extra = {} if user is None else {"userId": str(user)}
        body = msgspec.json.encode({} if data is None else data)
        request = messages.request_of(subject, body, realm=self.slug, extra=extra, **envelope)
        found = await self._front.answer(request)
        assert isinstance(found.body, bytes)
        headers = {name.decode(): value.decode() for name, value in found.headers}
        return _answer(subject, found.status, msgspec.json.decode(found.body), headers)


def _answer(subject: str, status: int, envelope: dict[str, Any], headers: dict[str, str]) -> Answer:
    contract.check(subject, status, envelope)
    return Answer(status, envelope.get("data"), envelope.get("error") or {}, headers)


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Mounts:
    """The dialect, mounted as an installation mounts it."""
    return Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=Site(public_url=ADDRESS))


Served = Callable[..., Awaitable[Wire]]


@pytest.fixture
async def served(realm: Realm) -> AsyncIterator[Served]:
    """The dialect in the test's own realm as a server with other settings serves it."""
    async with AsyncExitStack() as stack:

        async def start(runtime: Runtime, public_url: str = ADDRESS) -> Wire:
            app = Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=Site(public_url=public_url))
            client = await stack.enter_async_context(client_of(app, base_url=public_url))
            return Wire(client, runtime, realm.slug)

        yield start


@pytest.fixture
async def eva(runtime: Runtime, realm: Realm) -> User:
    """Somebody with a password, by an address too."""
    user = await factories.a_person(
        runtime, realm, "eva", email="eva@example.org", given_name="Eva", family_name="Ek", attributes={"team": "blue"}
    )
    await signing.give_password(runtime, realm, user)
    return user


@pytest.fixture
async def wire(client: httpx.AsyncClient, runtime: Runtime, realm: Realm) -> Wire:
    """The dialect in the test's own realm, which has the default roles, asked by nobody."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await seeding.make_missing(tx, runtime.settings.dialects.wellbee.role_scopes)
    return Wire(client, runtime, realm.slug)


Reset = Callable[..., None]


@pytest.fixture
def configured(runtime: Runtime) -> Iterator[Reset]:
    """Changes settings of the dialect until the test is over."""
    before = runtime.settings

    def change(**values: object) -> None:
        dialects = runtime.settings.dialects
        changed = msgspec.structs.replace(dialects, wellbee=msgspec.structs.replace(dialects.wellbee, **values))
        runtime.settings = msgspec.structs.replace(runtime.settings, dialects=changed)

    yield change
    runtime.settings = before
