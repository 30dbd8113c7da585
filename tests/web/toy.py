"""A dialect of a toy shop, small but with every kind of operation, and a place to run it without a database."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID

import httpx
import msgspec

from roster.kit import actor as actors
from roster.kit.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    InvalidToken,
    NotFound,
    RosterError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from roster.kit.ids import RealmId
from roster.web import streams
from roster.web.dialect import Dialect
from roster.web.errors import MethodNotAllowed, UnsupportedMedia
from roster.web.mounts import Mount, Mounts
from roster.web.operation import Operation, Operations, Query
from roster.web.reply import Reply, Stream
from roster.web.request import Request

BEAR = UUID("018f3c5e-7a10-7c3b-9a55-0d2f6a4b8c11")
REALM = RealmId(UUID(int=1))
toys = Operations(tag="Toys")


class ToyNotFound(NotFound):
    """There is no such toy."""

    code = "toy_not_found"


class Part(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    count: int = 1


class NewToy(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    price: Annotated[int, msgspec.Meta(ge=0)]
    for_age: int | None = None
    parts: list[Part] = []
    notes: dict[str, Any] = {}


class Toy(msgspec.Struct):
    id: UUID
    name: str
    price: int = 0


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 25
    tag: list[str] = []
    sold: bool | None = None
    above: float = 0.0


class Ticket(msgspec.Struct):
    name: str
    seats: int


@toys.get("/toys", id="Toy.list", parameters=())
async def list_toys(tx: Any, query: Filter) -> list[Toy]:
    """Toys that match."""
    tx.note("list")
    return [Toy(BEAR, f"bear {query.limit} {query.tag} {query.sold}")]


@toys.get("/toys/count", id="Toy.count")
async def count_toys(tx: Any) -> int:
    """How many there are."""
    return 1


@toys.get("/toys/{id}", id="Toy.get", errors=(ToyNotFound,))
async def get_toy(tx: Any, id: UUID) -> Toy:
    """One toy."""
    if id != BEAR:
        raise ToyNotFound
    tx.note("get")
    return Toy(id, "bear")


@toys.post("/toys", id="Toy.create", status=201, errors=(Conflict,), needs="toys.write")
async def create_toy(tx: Any, body: NewToy) -> Toy:
    """Make a toy."""
    tx.note("create")
    if body.name == "taken":
        raise Conflict
    return Toy(BEAR, body.name, body.price)


@toys.delete("/toys/{id}", id="Toy.delete", status=204, errors=(ToyNotFound,))
async def delete_toy(tx: Any, id: UUID) -> None:
    """Break a toy."""
    if id != BEAR:
        raise ToyNotFound


@toys.route("REPORT", "/~{realm}/toys/{number}.json", id="Toy.report", writes=False)
async def report_toy(tx: Any, realm: str, number: int) -> dict[str, Any]:
    """A method HTTP does not know."""
    return {"realm": realm, "number": number}


@toys.get("/names/{name}", id="Name.get")
async def get_name(request: Request, name: str) -> dict[str, str]:
    """Says back the name."""
    return {"name": name, "path": request.path, "realm": request.realm_slug, "prefix": request.prefix}


@toys.get("/raw", id="Raw.query")
async def raw_query(query: Query) -> list[list[str]]:
    """The query as it came."""
    return [list(pair) for pair in query.items()]


@toys.get("/whoami", id="Whoami", public=True)
async def whoami(actor: actors.Actor) -> dict[str, str]:
    """Who asks, and from where."""
    return {"name": actor.name, "kind": actor.kind.value, "address": actor.origin.address}


@toys.post("/tickets", id="Ticket.buy", consumes=("application/x-www-form-urlencoded",))
async def buy_ticket(tx: Any, body: Ticket) -> Ticket:
    """From a form."""
    return body


@toys.patch("/optional", id="Optional", body_limit=100)
async def optional(tx: Any, body: Ticket | None) -> str:
    """A body that may be left out."""
    return "none" if body is None else body.name


@toys.post("/upload", id="Upload", consumes=("text/csv",), body_limit=1000)
async def upload(runtime: Any, upload: AsyncIterator[bytes]) -> int:
    """Counts what it is sent."""
    total = 0
    async for chunk in upload:
        total += len(chunk)
    return total


@toys.get("/events", id="Events", produces="text/event-stream")
async def events(runtime: Any) -> Stream:
    """Events without end."""
    return streams.server_sent(runtime.events())


@toys.get("/rows", id="Rows", produces="application/x-ndjson")
async def rows() -> Stream:
    """Three rows."""

    async def made() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b'{"number":%d}\n' % number

    return Stream(made(), "application/x-ndjson")


@toys.get("/broken", id="Broken")
async def broken(tx: Any) -> None:
    """A fault of ours."""
    raise ZeroDivisionError("secret detail")


@toys.get("/busy", id="Busy", errors=(TooMany,))
async def busy(tx: Any) -> None:
    raise TooMany(7)


@toys.get("/motto", id="Motto", produces="text/plain; charset=utf-8")
async def motto() -> str:
    """Words, not JSON."""
    return "för alla"


@toys.post("/cookie", id="Cookie", status=201, public=True)
async def cookie(request: Request) -> Reply:
    """Headers of its own, which may not be split."""
    return Reply(201, {"seen": request.cookie("a")}, (("Set-Cookie", "x=1"), ("Set-Cookie", "y=2\r\nEvil: 1")))


STATUS: Mapping[type[RosterError], int] = {
    ToyNotFound: 404,
    UnsupportedMedia: 415,
    MethodNotAllowed: 405,
    InvalidInput: 400,
    NotFound: 404,
    Unauthenticated: 401,
    Forbidden: 403,
    Conflict: 409,
    TooLarge: 413,
    TooMany: 429,
    Unavailable: 503,
}


def render(error: RosterError, request: Request) -> Reply:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    body: dict[str, Any] = {"code": error.code, "text": error.message}
    if isinstance(error, InvalidInput):
        body["problems"] = [[each.field, each.code] for each in error.problems]
    return Reply(status, body)


async def authenticate(tx: Any, request: Request, operation: Operation) -> actors.Actor:
    token = request.header("authorization")
    if token is None and not operation.public:
        raise Unauthenticated
    if token not in (None, "Bearer good"):
        raise InvalidToken
    kind = actors.Kind.USER if token else actors.Kind.ANONYMOUS
    return actors.Actor(kind, REALM, request.realm_slug, request.origin, name="ann" if token else "")


dialect = Dialect(
    name="toy",
    title="Toys",
    version="1",
    description="A shop.",
    operations=toys,
    authenticate=authenticate,
    render=render,
    fallback_errors=(Forbidden,),
    ambient_query=("jwt_token",),
    security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
    security=({"bearer": []},),
)


class Desk:
    """Stands where the runtime stands: hands out units of work that only remember what happened to them."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.out = 0
        self.down = False
        self.events_closed = asyncio.Event()
        self.replicas = ()
        self.unready = ""

    @contextmanager
    def lent(self) -> Iterator[Any]:
        self.out += 1
        try:
            yield SimpleNamespace(actor=None, note=self.happened.append, transaction=self._transaction, runtime=self)
        finally:
            self.out -= 1

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        self.happened.append("begin")
        try:
            yield
        except BaseException:
            self.happened.append("rollback")
            raise
        self.happened.append("commit")

    async def ping(self) -> None:
        if self.down:
            raise Unavailable

    async def events(self) -> AsyncIterator[streams.Event]:
        try:
            yield streams.Event({"n": 1}, "toy.made", "1")
            await asyncio.Event().wait()
        finally:
            self.events_closed.set()


def mounted(desk: Any = None, **options: Any) -> Mounts:
    """The toy dialect where the others are, with options of Mounts."""
    options.setdefault("mounts", [Mount(dialect=dialect, prefix="/toy/v1")])
    runtime: Any = desk or Desk()
    return Mounts(runtime, options.pop("mounts"), **options)


def client(app: Any, *, token: str = "good") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers)


class Wire:
    """A raw ASGI exchange, for what no well-behaved client sends."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def send(
        self,
        method: str,
        raw_path: bytes,
        *,
        query: bytes = b"",
        headers: Mapping[str, str] | None = None,
        chunks: list[bytes] | None = None,
        gone: bool = False,
    ) -> "Wire":
        """The answer to a request made of exactly these bytes; `gone` leaves before the body is complete."""
        scope = {
            "type": "http",
            "method": method,
            "path": "/",
            "raw_path": raw_path,
            "query_string": query,
            "scheme": "http",
            "client": ("9.9.9.9", 1),
            "headers": [
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in {"authorization": "Bearer good", **(headers or {})}.items()
            ],
        }
        incoming = self._incoming(chunks or [b""], gone=gone)

        async def receive() -> dict[str, Any]:
            return next(incoming)

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status, self.headers = message["status"], list(message["headers"])
            else:
                self.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return self

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def header(self, name: str) -> list[str]:
        return [value.decode() for key, value in self.headers if key == name.encode()]

    @staticmethod
    def _incoming(chunks: list[bytes], *, gone: bool) -> Iterator[dict[str, Any]]:
        for index, chunk in enumerate(chunks):
            more = gone or index + 1 < len(chunks)
            yield {"type": "http.request", "body": chunk, "more_body": more}
        while True:
            yield {"type": "http.disconnect"}
