"""The native API, served."""

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.dialects.native import dialect
from tests.dialects.conftest import Serve


@pytest.fixture
async def client(serve: Serve, main_realm: Realm) -> httpx.AsyncClient:
    """A client without credentials."""
    return await serve(dialect, "/api/v1")
