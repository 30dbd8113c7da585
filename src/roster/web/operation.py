"""Operations of a dialect and the table that collects them.

Router, binding, documents, bus subjects and coverage tests read this table; a handler is called no other way.
"""

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, Required, TypedDict, TypeVar, Unpack, get_args, get_origin
from uuid import UUID

import msgspec

from roster.kit.errors import RosterError
from roster.web.path import Pattern
from roster.web.query import Query

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)

JSON = "application/json"
GIVEN = frozenset({"tx", "runtime", "actor", "request", "body", "query", "upload"})
"""Names a handler may ask for besides its path parameters."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A query parameter, header or cookie that a handler reads by itself, for the documents."""

    name: str
    where: str = "query"
    description: str = ""
    schema: Mapping[str, object] = msgspec.field(default_factory=lambda: {"type": "string"})
    required: bool = False


class Details(TypedDict, total=False):
    """What a decorator says about an operation; everything else is read off the handler.

    `status` of a success; `errors` it may raise beyond those every operation can; `needs` the permission, as text for
    the documents; `public` means no credential is needed; `writes` opens a transaction (default: every method but GET
    and HEAD); `body_limit` in bytes; `also_produces` are media types besides `produces`; `returns` where the annotation
    says less than is true (a handler that returns `Reply`); `accepts` the same for the body (a handler that takes plain
    members); `parameters` a handler reads from `request` or a raw
    `Query`; `extra` goes into the document (`x-…`).
    """

    id: Required[str]
    status: int
    summary: str
    errors: tuple[type[RosterError], ...]
    needs: str
    tag: str
    public: bool
    writes: bool
    body_limit: int
    consumes: tuple[str, ...]
    produces: str
    also_produces: tuple[str, ...]
    returns: Any
    accepts: Any
    parameters: tuple[Parameter, ...]
    extra: Mapping[str, object]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one path, with all that is known about it. `id` is the operation's name in the contract.

    `body_type`, `query_type` and `response_type` are None when there is none; `body_shown` is what documents say of the
    body; `query_type` is `Query` when the handler
    parses by itself. `params` maps path parameters to str, int or UUID. `takes` are the handler's parameters in order.
    """

    method: str
    path: str
    handler: Handler
    id: str
    status: int = 200
    summary: str = ""
    description: str = ""
    body_type: Any = None
    body_shown: Any = None
    body_required: bool = False
    query_type: Any = None
    params: dict[str, type] = {}
    response_type: Any = None
    errors: tuple[type[RosterError], ...] = ()
    needs: str = ""
    tag: str = ""
    public: bool = False
    writes: bool = False
    body_limit: int = 1_048_576
    consumes: tuple[str, ...] = (JSON,)
    produces: str = JSON
    also_produces: tuple[str, ...] = ()
    streams_body: bool = False
    parameters: tuple[Parameter, ...] = ()
    extra: Mapping[str, object] = {}
    takes: tuple[str, ...] = ()


class Operations:
    """A dialect's operations under one tag: `ops = Operations(tag="Users")`, then `@ops.get("/users/{id}", id="…")`."""

    def __init__(self, tag: str = "") -> None:
        self.tag = tag
        self._all: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def include(self, other: Iterable[Operation]) -> None:
        """Add all operations of another table, with their own tags."""
        self._all.extend(other)

    def route(self, method: str, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Register the handler under any method, also one that HTTP itself does not know (`REPORT`)."""

        def register(handler: H) -> H:
            self._all.append(describe(method, path, handler, {"tag": self.tag, **details}))
            return handler

        return register

    def get(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """A read; answers HEAD too, without its body."""
        return self.route("GET", path, **details)

    def post(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """A write."""
        return self.route("POST", path, **details)

    def put(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """A write that replaces."""
        return self.route("PUT", path, **details)

    def patch(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """A write that changes the members sent."""
        return self.route("PATCH", path, **details)

    def delete(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """A write that removes."""
        return self.route("DELETE", path, **details)


def describe(method: str, path: str, handler: Handler, details: Details) -> Operation:
    """The operation that these words and the handler's signature mean. Raises TypeError when it cannot be bound."""
    signature = inspect.signature(handler)
    takes = tuple(signature.parameters)
    names = Pattern(path).names
    _refuse_impossible(handler, takes, names)
    kinds = {name: _annotation(handler, name) for name in takes if name in {*names, "body", "query"}}
    body, optional = _without_none(kinds.get("body"))
    summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
    known: dict[str, Any] = {
        "summary": summary,
        "writes": method not in ("GET", "HEAD"),
        **{key: value for key, value in details.items() if key not in ("returns", "accepts")},
    }
    return Operation(
        method=method,
        path=path,
        handler=handler,
        description=description.strip(),
        body_type=body,
        body_shown=details.get("accepts", body),
        body_required=body is not None and not optional,
        query_type=kinds.get("query"),
        params={name: _path_kind(handler, name, kinds.get(name, str)) for name in names},
        response_type=details.get("returns", _annotation(handler, "return")),
        streams_body="upload" in takes,
        takes=takes,
        **known,
    )


def _refuse_impossible(handler: Handler, takes: tuple[str, ...], names: tuple[str, ...]) -> None:
    unknown = set(takes) - GIVEN - set(names)
    if unknown:
        raise TypeError(f"{handler.__qualname__} asks for {sorted(unknown)}, which nothing provides")
    if "upload" in takes and ("tx" in takes or "body" in takes):
        raise TypeError(f"{handler.__qualname__} streams its body: it takes runtime, neither tx nor body")


def _annotation(handler: Handler, name: str) -> Any:
    """One annotation as a type. Only those that matter are evaluated: the others may be imported for typing alone."""
    value = inspect.get_annotations(handler).get(name)
    if isinstance(value, str):
        value = eval(value, vars(sys.modules[handler.__module__]))  # noqa: S307 (our own source)
    return None if value is NoneType else value


def _without_none(kind: Any) -> tuple[Any, bool]:
    """`X | None` as X and True: the body may be left out."""
    members = get_args(kind) if get_origin(kind) is not None else ()
    if NoneType not in members:
        return kind, False
    rest = [member for member in members if member is not NoneType]
    kind = rest[0]
    for member in rest[1:]:
        kind = kind | member
    return kind, True


def _path_kind(handler: Handler, name: str, kind: Any) -> type:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    if kind not in (str, int, UUID):
        raise TypeError(f"{handler.__qualname__}: path parameter {name} must be str, int or UUID, not {kind!r}")
    return kind


__all__ = ["GIVEN", "JSON", "Details", "Handler", "Operation", "Operations", "Parameter", "Query", "describe"]
