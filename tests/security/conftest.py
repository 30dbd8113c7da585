"""All front doors in one application; tests that take `front` run once for each of them."""

from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.settings import Dialects, Onslip360Dialect
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import Person
from tests.dialects.conftest import main_realm, platform
from tests.security.fronts import PREFIXES, Front, House

__all__ = ["main_realm", "platform"]


@pytest.fixture(autouse=True)
def bearer(runtime: Runtime) -> Iterator[None]:
    """Where requests are signed, access tokens are taken too: one credential is then good for every front door."""
    before = runtime.settings
    runtime.settings = msgspec.structs.replace(
        before, dialects=Dialects(onslip360=Onslip360Dialect(bearer_tokens=True))
    )
    yield
    runtime.settings = before


@pytest.fixture(scope="session")
def everybodys(runtime: Runtime) -> House:
    """One application, because making it takes longer than most tests."""
    return House(runtime)


@pytest.fixture
def house(everybodys: House) -> House:
    """The application; its log begins with this test."""
    everybodys.forget()
    return everybodys


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at 192.0.2.1."""
    async with house.client() as client:
        yield client


@pytest.fixture(params=PREFIXES)
def front(request: pytest.FixtureRequest, client: httpx.AsyncClient, realm: Realm) -> Front:
    """A dialect in the test's own realm."""
    return Front(request.param, client, realm)


@pytest.fixture
async def person(runtime: Runtime, realm: Realm) -> Person:
    """Eva, who has a password and a verified address."""
    return await people.a_member(runtime, realm, username="eva", email="eva@example.org", email_verified=True)


@pytest.fixture
async def admin(runtime: Runtime, realm: Realm) -> Person:
    """An administrator of the realm."""
    return await people.a_member(runtime, realm, username="chief", roles=("admin",))


@pytest.fixture
async def other_realm(runtime: Runtime) -> Realm:
    """Another tenant."""
    return await factories.a_realm(runtime)


@pytest.fixture
def workers(runtime: Runtime) -> Iterator[CountingWorkers]:
    """The pool of the runtime, counting the hashes."""
    before, counting = runtime.workers, CountingWorkers()
    runtime.workers = counting
    yield counting
    runtime.workers = before
    counting.close()
