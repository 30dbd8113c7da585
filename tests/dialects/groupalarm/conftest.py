"""The dialect served for the test's own realm, with a client that holds every answer against the contract."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.access import within
from roster.core.access.models import ORG_ADMINISTRATOR
from roster.core.credentials import service as credentials
from roster.core.memberships import service as memberships
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.dialects.groupalarm import dialect
from roster.settings import Dialects, GroupalarmDialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests import factories
from tests.core import organisations, people
from tests.core.people import HASH, PASSWORD
from tests.dialects.calling import ADDRESS, Verbs
from tests.dialects.groupalarm import contract

PREFIX = "/groupalarm/api/v1"


class Wire(Verbs):
    """Calls the dialect in one realm, with the headers of one caller."""

    def __init__(self, client: httpx.AsyncClient, slug: str, headers: dict[str, str] | None = None) -> None:
        self.http = client
        self.slug = slug
        self.headers = headers or {}

    def by(self, **headers: str) -> "Wire":
        """The same realm, with these headers: `bearer`, `personal` or `api` are the three credentials."""
        names = {"bearer": "Authorization", "personal": "Personal-Access-Token", "api": "API-TOKEN"}
        sent = {names[key]: f"Bearer {value}" if key == "bearer" else value for key, value in headers.items()}
        return Wire(self.http, self.slug, sent)

    async def call(
        self, method: str, path: str, json: object = None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request; the answer must be one that the contract documents."""
        sent = {**self.headers, **(headers or {})}
        if json is not None:
            more["content"] = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        answer = await self.http.request(method, f"/realms/{self.slug}{PREFIX}{path}", headers=sent, **more)
        contract.check(answer, path.partition("?")[0])
        return answer

    async def log_in(self, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        """The documented login."""
        return await self.post("/auth/login", data={"email": email, "password": password, **more})

    async def logged_in(self, email: str, password: str = PASSWORD, **more: Any) -> "Wire":
        """The same realm, asked by whoever logs in."""
        answer = await self.log_in(email, password, **more)
        assert answer.status_code == 200, answer.text
        return self.by(bearer=answer.json()["token"])


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and technical reason of an error."""
    body = answer.json()
    assert body["success"] is False
    assert body["message"]
    return answer.status_code, body["error"]


def done(answer: httpx.Response) -> str:
    """The key of a success without data."""
    assert answer.is_success, answer.text
    body = answer.json()
    assert body["success"] is True
    assert body["message"]
    return body["i18nKey"]


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Mounts:
    """The dialect, mounted as an installation mounts it."""
    return Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=Site(public_url=ADDRESS))


@pytest.fixture
def wire(client: httpx.AsyncClient, realm: Realm) -> Wire:
    """The dialect in the test's own realm, asked by nobody."""
    return Wire(client, realm.slug)


Account = Callable[..., Awaitable[User]]


@pytest.fixture
def account(runtime: Runtime, realm: Realm) -> Account:
    """Makes somebody whose address is verified and whose password is PASSWORD."""

    async def make(email: str = "", **known: Any) -> User:
        email = email or f"p{factories.uuid4().hex[:10]}@example.org"
        known = {"email_verified": True, **known}
        user = await factories.a_person(runtime, realm, email, email=email, **known)
        async with runtime.write(factories.roster_in(realm)) as tx:
            await credentials.replace_password(tx, user.id, HASH)
        return user

    return make


@pytest.fixture
async def ada(account: Account) -> User:
    """Ada, as the examples of the notes have her."""
    return await account("ada.muster@example.org", given_name="Ada", family_name="Muster")


@pytest.fixture
async def by_ada(wire: Wire, ada: User) -> Wire:
    """Ada asks, logged in."""
    return await wire.logged_in(str(ada.email))


@contextmanager
def options(runtime: Runtime, **changed: Any) -> Iterator[None]:
    """The same installation with other options of the dialect."""
    before = runtime.settings
    runtime.settings = msgspec.structs.replace(before, dialects=Dialects(groupalarm=GroupalarmDialect(**changed)))
    try:
        yield
    finally:
        runtime.settings = before


async def mailed(runtime: Runtime, realm: Realm, template: str) -> str:
    """The token of the newest mail; its link ends with it."""
    _, values = (await people.links(runtime, realm, template))[-1]
    return str(values["link"]).rpartition("/")[2]


class World(msgspec.Struct, frozen=True):
    """An organisation that somebody has founded, with an administrator and a participant besides."""

    org: Org
    founder: User
    administrator: User
    participant: User
    by_founder: Wire
    by_administrator: Wire
    by_participant: Wire


@pytest.fixture
async def world(runtime: Runtime, realm: Realm, wire: Wire, account: Account) -> World:
    """The organisation of the examples."""
    fay, ann, pat = [await account(f"{name}@example.org", given_name=name.title()) for name in ("fay", "ann", "pat")]
    org = await organisations.founded(runtime, realm, fay)
    async with runtime.write(factories.roster_in(realm)) as tx:
        for user in (ann, pat):
            await memberships.add(tx, org.id, user.id)
        await within.give_built_in(tx, org, ORG_ADMINISTRATOR, ann.id)
    by_fay, by_ann, by_pat = [await wire.logged_in(str(user.email)) for user in (fay, ann, pat)]
    return World(org, fay, ann, pat, by_fay, by_ann, by_pat)


async def member_of(runtime: Runtime, realm: Realm, org: Org, user: User, *, pending: bool = False) -> None:
    """Put somebody into an organisation, as one who has accepted or only been invited."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        if pending:
            await memberships.pend(tx, org, [user.id], roles={})
        else:
            await memberships.add(tx, org.id, user.id)
