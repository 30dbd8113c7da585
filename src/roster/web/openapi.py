"""The OpenAPI 3.1 document of a dialect, made from the same table that answers its requests."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any, cast
from uuid import UUID

import msgspec

from roster.kit.errors import (
    Internal,
    InvalidInput,
    InvalidToken,
    NotFound,
    RosterError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from roster.web.dialect import Dialect
from roster.web.errors import UnknownRoute, UnsupportedMedia
from roster.web.multipart import FORM_DATA
from roster.web.operation import JSON, Operation
from roster.web.query import Query
from roster.web.reply import Reply, Stream
from roster.web.request import Request

Document = dict[str, Any]
_REF = "#/components/schemas/{name}"
_STANDARD = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
_PATH_SCHEMAS: dict[type, Document] = {
    str: {"type": "string", "minLength": 1},
    int: {"type": "integer", "format": "int64"},
    UUID: {"type": "string", "format": "uuid"},
}
_SAMPLES: dict[object, object] = {int: 1, str: "value", "int": 1, "str": "value"}


def document(dialect: Dialect, prefix: str) -> Document:
    """The document, with the dialect served at `prefix`."""
    return _Writer(dialect, prefix).write()


def errors_of(operation: Operation, dialect: Dialect) -> tuple[type[RosterError], ...]:
    """Every error the operation can answer with: its own, the dialect's, and those of the frame in front of it."""
    found: list[type[RosterError]] = [*operation.errors]
    if not operation.public:
        found.append(Unauthenticated)
    if dialect.security:
        found.append(InvalidToken)
    if operation.params:
        found += [NotFound, UnknownRoute]
    if operation.writes or operation.query_type is not None or operation.parameters:
        found.append(InvalidInput)
    if operation.writes:
        found.append(TooLarge)
    if operation.body_type is not None or operation.streams_body:
        found += [UnsupportedMedia, TooLarge]
    return tuple(dict.fromkeys([*found, *dialect.fallback_errors, Unavailable, Internal]))


def example(error: type[RosterError]) -> RosterError:
    """An instance to show; numbers are 1, texts are `value`."""
    wanted = inspect.signature(error).parameters.values()
    required = [
        each
        for each in wanted
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    arguments = {each.name: _SAMPLES[each.annotation] for each in required}
    return error(**cast("dict[str, Any]", arguments))


_FORM_WITH_FILE: Document = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
        "required": ["file"],
    }
}


class _Refusal(msgspec.Struct, frozen=True):
    """How a dialect shows one error."""

    code: str
    summary: str
    reply: Reply


class _Writer:
    def __init__(self, dialect: Dialect, prefix: str) -> None:
        self.dialect = dialect
        self.prefix = prefix
        self.refusals: dict[type[RosterError], _Refusal] = {}
        kinds = list(self._kinds())
        schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF, schema_hook=_anything)
        self.schemas = list(zip(kinds, schemas, strict=True))
        self.components = components
        _bound_integers(self.components)
        _bound_integers([schema for _, schema in self.schemas])

    def write(self) -> Document:
        dialect = self.dialect
        written: Document = {
            "openapi": "3.1.0",
            "info": {"title": dialect.title, "version": dialect.version, "description": dialect.description},
            "servers": [_server(self.prefix)],
            "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in dialect.operations) if tag],
            "paths": self._paths(),
            "components": {"schemas": self._named_schemas()},
        }
        if dialect.security_schemes:
            written["components"]["securitySchemes"] = dict(dialect.security_schemes)
            written["security"] = [dict(each) for each in dialect.security]
        return written

    def _kinds(self) -> Iterator[Any]:
        seen: list[Any] = []
        for operation in self.dialect.operations:
            kinds = [operation.body_shown, operation.query_type, operation.response_type]
            kinds += [self._refusal(error, operation).reply.body.__class__ for error in self._errors(operation)]
            for kind in kinds:
                if _has_schema(kind) and kind not in seen:
                    seen.append(kind)
        yield from seen

    def _errors(self, operation: Operation) -> tuple[type[RosterError], ...]:
        return errors_of(operation, self.dialect)

    def _refusal(self, error: type[RosterError], operation: Operation) -> _Refusal:
        if error not in self.refusals:
            scope: Document = {"method": operation.method, "headers": [], "query_string": b"", "client": None}
            request = Request(scope, path=operation.path, prefix=self.prefix, dialect=self.dialect.name)
            shown = example(error)
            summary = inspect.cleandoc(error.__doc__ or shown.message).partition("\n")[0]
            self.refusals[error] = _Refusal(error.code, summary, self.dialect.render(shown, request))
        return self.refusals[error]

    def _schema(self, kind: Any) -> Document:
        for known, schema in self.schemas:
            if known == kind:
                return schema
        return {}

    def _named_schemas(self) -> Document:
        """All components but the structs that only describe a query."""
        operations = list(self.dialect.operations)
        queries = {_name(self._schema(each.query_type)) for each in operations if each.query_type}
        bodies = {_name(self._schema(kind)) for each in operations for kind in (each.body_shown, each.response_type)}
        return {name: schema for name, schema in self.components.items() if name in bodies or name not in queries}

    def _paths(self) -> Document:
        paths: Document = {}
        for operation in self.dialect.operations:
            method = operation.method
            key = method.lower() if method in _STANDARD else f"x-{method.lower()}"
            paths.setdefault(operation.path, {})[key] = self._operation(operation)
        return paths

    def _operation(self, operation: Operation) -> Document:
        written: Document = {
            "operationId": operation.id,
            "tags": [operation.tag] if operation.tag else [],
            "summary": operation.summary,
            "description": operation.description,
            "parameters": [*self._path_parameters(operation), *self._other_parameters(operation)],
            "responses": self._responses(operation),
            **operation.extra,
        }
        if operation.needs:
            written["x-permission"] = operation.needs
        if operation.public:
            written["security"] = [{}, *(dict(each) for each in self.dialect.security)]
        if operation.body_type is not None or operation.streams_body:
            written["requestBody"] = self._request_body(operation)
        return {key: value for key, value in written.items() if value not in ("", [])}

    def _path_parameters(self, operation: Operation) -> list[Document]:
        return [
            {"name": name, "in": "path", "required": True, "schema": dict(_PATH_SCHEMAS[kind])}
            for name, kind in operation.params.items()
        ]

    def _other_parameters(self, operation: Operation) -> Iterator[Document]:
        if operation.query_type not in (None, Query):
            struct = self.components[_name(self._schema(operation.query_type))]
            for name, schema in struct["properties"].items():
                yield _query_parameter(name, schema, required=name in struct.get("required", ()))
        for each in operation.parameters:
            yield {
                "name": each.name,
                "in": each.where,
                "required": each.required,
                "description": each.description,
                "schema": dict(each.schema),
            }

    def _request_body(self, operation: Operation) -> Document:
        binary = operation.streams_body or operation.body_type is bytes
        schema: Document = {} if binary else self._schema(operation.body_shown)  # what is no JSON has none (4.8.14.3)
        return {
            "required": operation.body_required or operation.streams_body,
            "content": {
                kind: _FORM_WITH_FILE if kind == FORM_DATA else {"schema": schema} for kind in operation.consumes
            },
        }

    def _responses(self, operation: Operation) -> Document:
        written: Document = {str(operation.status): self._success(operation)}
        for error in self._errors(operation):
            self._add_refusal(written, self._refusal(error, operation))
        return dict(sorted(written.items()))

    def _success(self, operation: Operation) -> Document:
        written: Document = {"description": _phrase(operation.status)}
        kind = operation.response_type
        if self.dialect.wrapped is not None and operation.produces == JSON and kind not in (Reply, Stream):
            written["content"] = {JSON: {"schema": dict(self.dialect.wrapped(self._result(kind)))}}
            return written
        if kind is None or operation.status == HTTPStatus.NO_CONTENT:
            return written
        schema = self._schema(kind)
        if kind in (Stream, bytes):
            schema = {"type": "string"}
        written["content"] = {kind: {"schema": schema} for kind in (operation.produces, *operation.also_produces)}
        return written

    def _result(self, kind: Any) -> Document | None:
        return None if kind is None else self._schema(kind)

    def _add_refusal(self, answers: Document, refusal: _Refusal) -> None:
        reply = refusal.reply
        response: Document = answers.setdefault(str(reply.status), {"description": _phrase(reply.status)})
        if reply.body is None:
            return
        contents: Document = response.setdefault("content", {})
        schema = self._error_schema(reply.body)
        media: Document = contents.setdefault(reply.content_type, {"schema": schema})
        if schema not in (media["schema"], *media["schema"].get("anyOf", ())):
            media["schema"] = {"anyOf": [*media["schema"].get("anyOf", (media["schema"],)), schema]}
        media.setdefault("examples", {})[refusal.code] = {
            "summary": refusal.summary,
            "value": msgspec.to_builtins(reply.body),
        }

    def _error_schema(self, body: object) -> Document:
        return {"type": "object"} if isinstance(body, dict) else self._schema(type(body))


def _anything(kind: type) -> Document:
    """`object` is any value. Raises NotImplementedError for what msgspec knows no schema of."""
    if kind is object:
        return {"description": "any value"}
    raise NotImplementedError


def _has_schema(kind: Any) -> bool:
    if kind in (None, bytes, Query, Reply, Stream, dict, list, str, type(None)):
        return False
    return not (isinstance(kind, type) and issubclass(kind, (Reply, Stream)))


def _query_parameter(name: str, schema: Mapping[str, Any], *, required: bool) -> Document:
    shown = {key: value for key, value in schema.items() if key != "description" and (key, value) != ("default", None)}
    options = [each for each in shown.get("anyOf", ()) if each != {"type": "null"}]
    if "anyOf" in shown:
        del shown["anyOf"]
        shown |= options[0] if len(options) == 1 else {"anyOf": options}
    written: Document = {"name": name, "in": "query", "required": required, "schema": shown}
    if "description" in schema:
        written["description"] = schema["description"]
    return written


def _bound_integers(schema: object) -> None:
    """Say that integers have 64 bits, which the frame enforces."""
    if isinstance(schema, list):
        for each in cast("list[object]", schema):
            _bound_integers(each)
    if not isinstance(schema, dict):
        return
    known = cast("Document", schema)
    if known.get("type") == "integer":
        known.setdefault("format", "int64")
        if "exclusiveMinimum" not in known:
            known.setdefault("minimum", -(2**63))
        if "exclusiveMaximum" not in known:
            known.setdefault("maximum", 2**63 - 1)
    for value in cast("Iterable[object]", known.values()):
        _bound_integers(value)


def _server(prefix: str) -> Document:
    server: Document = {"url": prefix or "/"}
    if "{realm}" in prefix:
        server["variables"] = {"realm": {"default": "main"}}
    return server


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _phrase(status: int) -> str:
    return responses.get(status, "Answer")
