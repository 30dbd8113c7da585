"""The native API, served."""

from collections.abc import AsyncIterator

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.dialects.native import dialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests.dialects.calling import ADDRESS, client_of


@pytest.fixture(scope="session")
def app(runtime: Runtime) -> Mounts:
    """The API at its usual place."""
    return Mounts(runtime, [Mount(dialect=dialect, prefix="/api/v1")], site=Site(public_url=ADDRESS))


@pytest.fixture
async def client(app: Mounts, main_realm: Realm) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials; paths that are not absolute begin below the prefix."""
    async with client_of(app, base_url=ADDRESS + "/api/v1") as client:
        yield client
