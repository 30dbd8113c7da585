"""From a request to a handler's arguments. Everything that can be decided is decided once, when the server starts."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from roster.kit import ids
from roster.kit.errors import InvalidInput, NotFound, RosterError
from roster.web import body as bodies
from roster.web import problems
from roster.web import query as queries
from roster.web.operation import Operation
from roster.web.query import Query
from roster.web.request import Request

if TYPE_CHECKING:
    from roster.kit.actor import Actor
    from roster.storage.runtime import Runtime
    from roster.storage.tx import Tx

FORM = "application/x-www-form-urlencoded"
Binder = Callable[[Request, "Tx | None", "Actor", "Runtime"], Any]
_INTEGER = re.compile(r"-?[0-9]{1,19}")


def compile_binding(operation: Operation, ambient: Iterable[str] = ()) -> tuple[Binder, ...]:
    """One function per parameter of the handler, in its order.

    `ambient` names query parameters that belong to the dialect (a token), not to the operation.
    """
    return tuple(_binder(operation, name, frozenset(ambient)) for name in operation.takes)


def _binder(operation: Operation, name: str, ambient: frozenset[str]) -> Binder:
    if name in operation.params:
        return _path_parameter(operation, name)
    if name == "query":
        return _query(operation, ambient)
    if name == "body":
        return _body(operation)
    return _GIVEN[name]


def _upload(request: Request, _tx: object, _actor: object, _runtime: object) -> Any:
    return request.upload


_GIVEN: dict[str, Binder] = {
    "tx": lambda _request, tx, _actor, _runtime: tx,
    "actor": lambda _request, _tx, actor, _runtime: actor,
    "runtime": lambda _request, _tx, _actor, runtime: runtime,
    "request": lambda request, _tx, _actor, _runtime: request,
    "upload": _upload,
}


def _path_parameter(operation: Operation, name: str) -> Binder:
    kind = operation.params[name]
    if kind is str:
        return lambda request, _tx, _actor, _runtime: request.params[name]
    missing = _missing(operation)
    parse: Callable[[str], object | None] = _integer if kind is int else ids.parse

    def bind(request: Request, _tx: object, _actor: object, _runtime: object) -> object:
        value = parse(request.params[name])
        if value is None:
            raise missing
        return value

    return bind


def _integer(text: str) -> int | None:
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def _missing(operation: Operation) -> type[RosterError]:
    """What an identifier that cannot exist is answered with: the same as one that does not."""
    return next((error for error in operation.errors if issubclass(error, NotFound)), NotFound)


def _query(operation: Operation, ambient: frozenset[str]) -> Binder:
    if operation.query_type is Query:
        return lambda request, _tx, _actor, _runtime: request.query
    build = problems.from_pairs(operation.query_type)
    if not ambient:
        return lambda request, _tx, _actor, _runtime: build(request.query.items())
    return lambda request, _tx, _actor, _runtime: build(
        [pair for pair in request.query.items() if pair[0] not in ambient]
    )


def _body(operation: Operation) -> Binder:
    kind = operation.body_type
    if kind is bytes:
        return lambda request, _tx, _actor, _runtime: _raw(request, operation)
    decoder = msgspec.json.Decoder(kind)
    from_form = problems.from_pairs(kind) if FORM in operation.consumes else None

    def bind(request: Request, _tx: object, _actor: object, _runtime: object) -> object:
        data = request.body
        if not data:
            return _absent(operation)
        if bodies.media_type(request, operation) == FORM and from_form is not None:
            return from_form(_form(data))
        bodies.screen(data)
        try:
            return decoder.decode(data)
        except msgspec.ValidationError as error:
            return problems.from_json(bodies.decode(data), kind, error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise bodies.malformed(error) from error

    return bind


def _raw(request: Request, operation: Operation) -> bytes | None:
    if not request.body:
        return _absent(operation)
    bodies.media_type(request, operation)
    return request.body


def _absent(operation: Operation) -> None:
    if operation.body_required:
        raise InvalidInput.of("body", "required", "The request needs a body.")


def _form(data: bytes) -> list[tuple[str, str]]:
    return queries.pairs(data.decode("latin-1"))
