"""A small dialect of our own on a real bus, in the frame of the real one, with a peer who is none of ours."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import uuid4

import msgspec
import pytest

from roster.bus.nats import NatsLink
from roster.bus.server import Credentials
from roster.core.realms.models import Realm
from roster.dialects.wellbee import auth, errors, frame
from roster.dialects.wellbee.bus.serving import Serving
from roster.dialects.wellbee.subjects import Services
from roster.kit.actor import Actor
from roster.kit.errors import Conflict
from roster.settings import Settings
from roster.settings.tree import Bus
from roster.storage.runtime import Runtime
from roster.web.dialect import Dialect
from roster.web.operation import Operations
from roster.web.query import Query
from roster.web.reply import Reply
from roster.web.request import Request, Site
from tests import buses
from tests.buses import Peer


class Toy:
    """Operations under subjects of the test's own, because all tests share the bus."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[object] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Semaphore(0)
        self.ops: Final = Operations(tag="toy")
        self.services: Final = Services(tag="toy")
        self._describe()

    def http(self, rest: str, method: str = "get") -> str:
        return f"http.{method}.{self.name}.{rest}"

    @property
    def dialect(self) -> Dialect:
        table = Operations()
        table.include(self.ops)
        table.include(self.services)
        return Dialect(
            name="toy", title="Toy", version="1", operations=table,
            authenticate=auth.of_message, render=errors.render, wrap=frame.wrap, slashes="both",
        )  # fmt: skip

    def _describe(self) -> None:  # noqa: C901 (one after another)
        name = self.name

        @self.services.serve(f"{name}.echo", id="echo")
        async def echo(body: dict[str, Any], actor: Actor) -> object:
            self.calls.append(body)
            self.entered.release()
            await self.gate.wait()
            return {"got": body, "kind": actor.kind, "who": actor.name, "for": actor.acting_for}

        @self.services.serve(f"{name}.long", id="long")
        async def long(body: dict[str, int]) -> object:
            return {"text": noise(body["size"])}

        @self.services.serve(f"{name}.broken", id="broken")
        async def broken() -> object:
            raise RuntimeError("a secret in a stack trace")

        @self.services.serve(f"{name}.conflict", id="conflict", errors=(Conflict,))
        async def conflict() -> object:
            raise Conflict

        @self.services.serve(f"{name}.page", id="page")
        async def page() -> Reply:
            return Reply(201, "<p>å</p>", (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")), "text/html")

        @self.services.serve(f"{name}.cookie", id="cookie")
        async def cookie(request: Request) -> Reply:
            return Reply(200, {"seen": request.cookie("jwt")}, (("Set-Cookie", "jwt=x"),))

        @self.services.serve(f"{name}.picture", id="picture")
        async def picture() -> Reply:
            return Reply(200, b"\x89PNG", (), "image/png")

        @self.ops.get(f"/{name}/{{id}}", id="one", public=True)
        async def one(id: str, query: Query, request: Request, actor: Actor) -> object:
            seen = request.header("x-seen")
            return {"id": id, "query": query.items(), "seen": seen, "user": actor.user_id, "kind": actor.kind}

        @self.ops.get(f"/{name}/fixed", id="fixed", public=True)
        async def fixed() -> object:
            return "fixed"

        @self.ops.get(f"/{name}/{{id}}/more/{{word}}", id="more", public=True)
        async def more(id: str, word: str) -> object:
            return [id, word]

        @self.ops.get(f"/{name}-mine", id="mine")
        async def mine(actor: Actor) -> object:
            return {"user": actor.user_id, "grants": sorted(actor.grants.everywhere)}

        @self.ops.get(f"/{name}-admin", id="admin", needs="admin.*")
        async def admin(actor: Actor) -> object:
            return {"user": actor.user_id}

        @self.ops.post(f"/{name}/upload", id="upload", public=True, consumes=("multipart/form-data",))
        async def upload(upload: object, runtime: Runtime) -> object:
            return [upload, runtime]


def noise(size: int) -> str:
    """Text that does not get shorter when it is compressed, but for what base 64 is longer by."""
    return b"".join(uuid4().bytes for _ in range(size // 32 + 1)).hex()[:size]


@pytest.fixture
def toy() -> Toy:
    return Toy(f"toy{uuid4().hex[:8]}")


@pytest.fixture
def here(runtime: Runtime, realm: Realm) -> Runtime:
    """The runtime of an installation whose bus serves the test's own realm."""
    dialects = msgspec.structs.replace(runtime.settings.dialects.wellbee, realm=realm.slug)
    settings: Settings = msgspec.structs.replace(
        runtime.settings,
        bus=Bus(grace_seconds=0),
        dialects=msgspec.structs.replace(runtime.settings.dialects, wellbee=dialects),
    )
    return Runtime(settings, runtime.pool, runtime.keyring, runtime.workers)


@pytest.fixture
async def link(joined: Credentials) -> AsyncIterator[NatsLink]:
    async with buses.linked(joined) as made:
        yield made


@pytest.fixture
async def serving(here: Runtime, link: NatsLink, toy: Toy) -> AsyncIterator[Serving]:
    """The toy, served."""
    made = Serving(here, link, toy.dialect, Site(public_url="https://id.example.org"))
    await made.start()
    await link.flush()
    yield made
    toy.gate.set()
    await made.stop(10)


@pytest.fixture
async def peer(joined: Credentials, serving: Serving) -> AsyncIterator[Peer]:
    """Somebody else on the bus, once there is somebody to ask."""
    del serving
    async with buses.peer(joined) as made:
        yield made
