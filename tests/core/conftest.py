"""People who can sign in, and a count of the hashes that were computed."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from roster.core.realms.models import Realm
from roster.kit.workers import Workers
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person

T = TypeVar("T")


class CountingWorkers(Workers):
    """The real pool, remembering what it was asked to run."""

    def __init__(self) -> None:
        super().__init__(threads=2, queue=200)
        self.ran: list[str] = []

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        self.ran.append(work.__name__)
        return await super().run(work, *arguments)


@pytest.fixture
def workers(runtime: Runtime) -> Iterator[CountingWorkers]:
    """The pool of the runtime, counting."""
    before, counting = runtime.workers, CountingWorkers()
    runtime.workers = counting
    yield counting
    runtime.workers = before
    counting.close()


@pytest.fixture
async def person(runtime: Runtime, realm: Realm) -> Person:
    """An active person with a password, in a realm of the test's own."""
    return await people.a_member(runtime, realm)


@pytest.fixture
async def other_realm(runtime: Runtime) -> Realm:
    """A second realm, whose people and things must stay apart."""
    return await factories.a_realm(runtime)
