"""One API: its table, its credentials, its way to say what went wrong; and what answers its requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import structlog

from roster.kit.actor import Actor
from roster.kit.errors import Internal, RosterError, TooMany, Unavailable
from roster.web import answer as answers
from roster.web import body as bodies
from roster.web import path as paths
from roster.web.access_log import names_secret
from roster.web.answer import Answer
from roster.web.bind import Binder, compile_binding
from roster.web.errors import Disconnected, MethodNotAllowed, UnknownRoute
from roster.web.metrics import Meter
from roster.web.operation import Operation, Operations
from roster.web.reply import Reply
from roster.web.request import Request
from roster.web.router import Leaf, Router
from roster.web.sockets import Sockets

if TYPE_CHECKING:
    from roster.storage.runtime import Runtime
    from roster.storage.tx import Tx

Authenticate = Callable[["Tx", Request, Operation], Awaitable[Actor]]
Render = Callable[[RosterError, Request], Reply]
Resolve = Callable[[Request], str]
Wrap = Callable[[object, int, Request], object]
Wrapped = Callable[[Mapping[str, object] | None], Mapping[str, object]]
Inner = Callable[[Request, bodies.Receive | None], Awaitable[Answer]]
Meant = Callable[[Request], Operation | None]
Around = Callable[["Runtime", Inner, Request, bodies.Receive | None, Meant], Awaitable[Answer]]
AsJson = Callable[[Request], bytes]

_METHODS: Final = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
_BROKEN: Final = Reply(500, {"code": "internal", "message": "Something went wrong."})
_log = structlog.get_logger("roster.web")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect's package says about itself.

    `authenticate` turns a credential into an actor, for public operations too (then perhaps an anonymous one).
    `render` turns any error into the documented answer.
    `realm_in_path`: its paths, or its host, name the realm, as a parameter `realm`.
    `slashes`: whether a final slash makes a different path. `query_separators`: what stands between query parameters.
    `resolve` gives the path to find the operation by, where addresses or headers say more than that: a format, a
    moment, another method; see `web/addressing.py`. It may be asked twice.
    `wrap` makes what goes on the wire out of a handler's result and the operation's status, where answers stand in an
    envelope; `wrapped` is its schema, from that of a result. `as_json` reads a body in whatever form the dialect takes
    as the JSON that handlers are declared with.
    `elsewhere` answers whatever no operation of the table does, any method on any path. `sockets` says what websockets
    are for.
    `ambient_query`: query parameters of every operation, such as a token. `exposed_headers`: what scripts of other
    origins may read. `fallback_errors`: what any operation may raise. The security members are OpenAPI's.
    """

    name: str
    title: str
    version: str
    operations: Operations
    authenticate: Authenticate
    render: Render
    description: str = ""
    realm_in_path: bool = False
    slashes: Literal["strict", "both"] = "strict"
    query_separators: str = "&"
    resolve: Resolve | None = None
    wrap: Wrap | None = None
    wrapped: Wrapped | None = None
    as_json: AsJson | None = None
    elsewhere: Operation | None = None
    around: Around | None = None
    sockets: Sockets | None = None
    ambient_query: tuple[str, ...] = ()
    exposed_headers: tuple[str, ...] = ()
    fallback_errors: tuple[type[RosterError], ...] = ()
    security_schemes: Mapping[str, Mapping[str, object]] = {}
    security: tuple[Mapping[str, list[str]], ...] = ()


class Plan:
    """An operation, compiled."""

    __slots__ = (
        *("binders", "handler", "has_body", "headers", "meter", "needs_tx", "operation", "reads_body", "status"),
        "writes",
    )

    def __init__(self, operation: Operation, dialect: Dialect) -> None:
        self.operation = operation
        self.handler = operation.handler
        self.binders: tuple[Binder, ...] = compile_binding(operation, dialect.ambient_query)
        self.status = operation.status
        self.headers = answers.typed(operation.produces)
        self.needs_tx = "tx" in operation.takes
        self.writes = operation.writes
        self.reads_body = not operation.streams_body and (operation.writes or operation.body_type is not None)
        self.has_body = operation.streams_body or self.reads_body
        hides_path = any(names_secret(name) for name in operation.params)
        self.meter = Meter(dialect.name, operation.id, hides_path=hides_path)


class Front:
    """Answers a dialect's requests, wherever it is mounted."""

    def __init__(self, dialect: Dialect, runtime: "Runtime") -> None:
        self.dialect = dialect
        self.plans = [Plan(operation, dialect) for operation in dialect.operations]
        self.runtime = runtime
        self._authenticate = dialect.authenticate
        self._wrap = dialect.wrap
        self._as_json = dialect.as_json
        self._around = dialect.around
        self._elsewhere = None if dialect.elsewhere is None else Plan(dialect.elsewhere, dialect)
        self._router: Router[Plan] = Router(both_slashes=dialect.slashes == "both")
        for plan in self.plans:
            self._router.add(plan.operation.method, paths.Pattern(plan.operation.path), plan)

    def answer(self, request: Request, receive: bodies.Receive | None = None) -> Awaitable[Answer]:
        """Carry out the request; without `receive` its body is there already.

        Raises only Disconnected; whatever else goes wrong is an answer of the dialect.
        """
        if self._around is None:
            return self._carry_out(request, receive)
        return self._within(self._around, request, receive)

    async def _within(self, around: Around, request: Request, receive: bodies.Receive | None) -> Answer:
        try:
            return await around(self.runtime, self._carry_out, request, receive, self._meant)
        except RosterError as error:
            return self._refusal(error, request)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 (the edge: nothing may get past it)
            return self._failure(error, request)

    def _meant(self, request: Request) -> Operation | None:
        """The operation that will answer, as far as there is one."""
        try:
            plan = self._match(request)
        except RosterError:
            return None
        return None if plan is None else plan.operation

    async def _carry_out(self, request: Request, receive: bodies.Receive | None) -> Answer:
        try:
            request.separators = self.dialect.query_separators
            plan = self._match(request)
            if plan is None:
                return self._options(request)
            request.meter = plan.meter
            if plan.has_body or receive is None:
                await self._read(plan, request, receive)
            result = await self._run(plan, request)
            if self._wrap is not None:
                result = self._wrap(result, plan.status, request)
            return answers.pack(result, plan.status, plan.headers)
        except RosterError as error:
            return self._refusal(error, request)
        except Disconnected:
            raise
        except asyncio.CancelledError:  # only a server that stops and waits no longer does that
            return self._refusal(Unavailable(text="The server is stopping."), request)
        except Exception as error:  # noqa: BLE001 (the edge: nothing may get past it)
            return self._failure(error, request)

    async def _read(self, plan: Plan, request: Request, receive: bodies.Receive | None) -> None:
        """The body, as far as the operation wants it."""
        limit = plan.operation.body_limit
        if receive is None:
            bodies.refuse_large(request, limit)
            if plan.operation.streams_body:
                bodies.media_type(request, plan.operation)
                request.upload = bodies.whole(request)
        elif plan.reads_body:
            request.body = await bodies.read(request, receive, limit)
            if self._as_json is not None and plan.operation.body_type is not bytes:
                request.become_json(self._as_json(request))
        elif plan.operation.streams_body:
            bodies.media_type(request, plan.operation)
            request.upload = bodies.stream(request, receive, limit)

    async def _run(self, plan: Plan, request: Request) -> object:
        """Authenticate, bind, call; a write is committed when this returns."""
        runtime = self.runtime
        with runtime.lent() or await runtime.lend() as tx:
            actor = await self._authenticate(tx, request, plan.operation)
            tx.actor = request.actor = actor
            if plan.needs_tx:
                arguments = [bind(request, tx, actor, runtime) for bind in plan.binders]
                if not plan.writes:
                    return await plan.handler(*arguments)
                async with tx.transaction():
                    return await plan.handler(*arguments)
        return await plan.handler(*[bind(request, None, actor, runtime) for bind in plan.binders])

    def _match(self, request: Request) -> Plan | None:
        """The plan, with its path parameters set; None for OPTIONS. Raises UnknownRoute, MethodNotAllowed."""
        try:
            leaf, values = self._find(request)
            entry = leaf.by_method.get(request.method) or self._instead(leaf, request)
        except (UnknownRoute, MethodNotAllowed):
            if self._elsewhere is None:
                raise
            return self._elsewhere
        if entry is None:
            return None
        plan, names = entry
        if names:
            request.params = dict(zip(names, values))  # noqa: B905 (the trie has counted them; `strict` takes as long again)
            if self.dialect.realm_in_path:
                request.realm_slug = request.params.get("realm", request.realm_slug)
        return plan

    def _find(self, request: Request) -> tuple[Leaf[Plan], list[str]]:
        resolve = self.dialect.resolve
        parts = paths.split(request.path if resolve is None else resolve(request))
        found = None if parts is None else self._router.find(parts)
        if found is None:
            raise UnknownRoute
        return found

    def _instead(self, leaf: Leaf[Plan], request: Request) -> tuple[Plan, tuple[str, ...]] | None:
        if request.method == "HEAD" and "GET" in leaf.by_method:
            return leaf.by_method["GET"]
        if request.method == "OPTIONS":
            return None
        raise MethodNotAllowed(leaf.allowed)

    def allowed(self, request: Request) -> set[str]:
        """Methods at the path of the request. Raises UnknownRoute."""
        if self._elsewhere is not None:
            return set(_METHODS)
        return self._find(request)[0].allowed

    def _options(self, request: Request) -> Answer:
        return answers.pack(Reply(204, headers=(("Allow", answers.allow(self.allowed(request))),)), 204)

    def _failure(self, error: Exception, request: Request) -> Answer:
        """The dialect's answer to what should not have happened."""
        _log.exception("request.failed", request_id=request.request_id, dialect=self.dialect.name)
        fault = Internal()
        fault.__cause__ = error
        return self._refusal(fault, request)

    def _refusal(self, error: RosterError, request: Request) -> Answer:
        """The dialect's answer to an error, with the headers that HTTP asks for."""
        try:
            packed = answers.pack(self.dialect.render(error, request), 500)
        except Exception:  # noqa: BLE001 (the outermost edge: a broken `render`)
            _log.exception("render.failed", request_id=request.request_id, dialect=self.dialect.name)
            return answers.pack(_BROKEN, _BROKEN.status)
        if isinstance(error, MethodNotAllowed):
            answers.with_header(packed, b"allow", answers.allow(error.allowed))
        if isinstance(error, (TooMany, Unavailable)):
            answers.with_header(packed, b"retry-after", str(error.retry_after))
        return packed
