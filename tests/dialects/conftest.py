"""A served dialect, and people who are signed in. Each dialect's own conftest makes its `app`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import httpx
import msgspec
import pytest

from roster.core.flows import granting, provision
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.sessions.models import Opening
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from roster.web.mounts import Mounts
from tests import factories
from tests.dialects import fuzzing
from tests.dialects.calling import client_of

IS_WAITED_FOR: Final = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
)
"""Whether another transaction waits for the one that asks."""


class Person(msgspec.Struct, frozen=True):
    """Somebody with a live session."""

    realm: Realm
    user: User
    access_token: str
    refresh_token: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header of their requests."""
        return {"Authorization": f"Bearer {self.access_token}"}


SignIn = Callable[..., Awaitable[Person]]


async def signed_in(runtime: Runtime, realm: Realm, user: User, *factors: str) -> Person:
    """The person with a new session, without the price of hashing a password."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        granted = await granting.grant(tx, user, Opening(user.id, factors or ("password",)), None)
    return Person(realm, user, granted.access_token, granted.refresh_token)


@pytest.fixture(scope="module")
def server(runtime: Runtime, dsn: str) -> Iterator[str]:
    """The address of the whole installation, for requests that no client of ours would make."""
    with fuzzing.serving(runtime, dsn) as address:
        yield address


@pytest.fixture
async def client(app: Mounts) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody on a connection of their own; `app` is what each dialect's own conftest serves."""
    async with client_of(app) as found:
        yield found


@pytest.fixture
def sign_in(runtime: Runtime, realm: Realm) -> SignIn:
    """Makes a person of the test's realm with these permissions, or roles, and signs them in."""

    async def make(*permissions: str, roles: tuple[str, ...] = (), **known: Any) -> Person:
        if permissions:
            name = f"role-{factories.uuid4().hex[:12]}"
            await factories.a_role(runtime, realm, name, *permissions)
            roles = (*roles, name)
        return await signed_in(runtime, realm, await factories.a_person(runtime, realm, roles=roles, **known))

    return make


@pytest.fixture
async def admin(sign_in: SignIn) -> Person:
    """An administrator of the test's realm."""
    return await sign_in(roles=("admin",))


@pytest.fixture
async def person(sign_in: SignIn) -> Person:
    """Somebody of the test's realm without any role."""
    return await sign_in()


@pytest.fixture(scope="session")
async def main_realm(runtime: Runtime) -> Realm:
    """The main realm of the shared database."""
    await provision.first_start(runtime, "correct horse battery")
    async with runtime.lease() as tx:
        return await realms.by_slug(tx, realms.MAIN)


@pytest.fixture
async def platform(runtime: Runtime, main_realm: Realm) -> Person:
    """An administrator of the main realm."""
    return await signed_in(runtime, main_realm, await factories.a_person(runtime, main_realm, roles=("admin",)))


@pytest.fixture
async def stranger(runtime: Runtime) -> Person:
    """An administrator of quite another realm."""
    realm = await factories.a_realm(runtime)
    return await signed_in(runtime, realm, await factories.a_person(runtime, realm, roles=("admin",)))
