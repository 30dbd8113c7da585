"""A runtime on a database of its own, for tests that look at the whole of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roster import app
from roster.storage.runtime import Runtime
from tests import factories


@pytest.fixture
async def own_runtime(own_dsn: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime = app.runtime_of(factories.settings(tmp_path, **{"bus.grace_seconds": 0}), own_dsn)
    yield runtime
    await runtime.close()
