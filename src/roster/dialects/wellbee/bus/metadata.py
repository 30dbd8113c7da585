"""What this service offers, for documentation servers: they ask `metadata` and show who answers (notes, section 8)."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata as packages
from typing import Any, Final, cast

import msgspec

from roster.bus.link import Arrival, Link
from roster.dialects.wellbee import errors
from roster.dialects.wellbee.bus import answers, envelopes
from roster.dialects.wellbee.bus.serving import Serving
from roster.dialects.wellbee.bus.table import Route, is_for_all
from roster.dialects.wellbee.subjects import REQUEST
from roster.web import openapi
from roster.web.dialect import Dialect

SUBJECT: Final = "metadata"
_Schema = dict[str, Any]


class Metadata:
    """Answers for one process of an installation, or the documentation would show as many as there are workers."""

    def __init__(self, link: Link, dialect: Dialect, serving: Serving) -> None:
        self._link = link
        self._dialect = dialect
        self._serving = serving
        self._data: msgspec.Raw | None = None

    async def take(self, arrival: Arrival) -> None:
        """Answer one question."""
        if not arrival.reply:
            return
        try:
            message = envelopes.read(arrival.data)
        except envelopes.Malformed as malformed:
            await self._link.publish(arrival.reply, envelopes.bad_request(malformed.request, malformed.detail))
            return
        if self._data is None:
            self._data = msgspec.Raw(msgspec.json.encode(offered(self._dialect, self._serving.table.routes)))
        request = envelopes.bare(message.extra)
        await self._serving.reply(arrival.reply, answers.found(request, self._data), message, request)


def offered(dialect: Dialect, routes: Iterable[Route]) -> dict[str, Any]:
    """All operations, with the schemas of what they take and give."""
    every = list(routes)
    names, schemas = _schemas(every)
    return {
        "exposing": [_exposed(dialect, route, names) for route in every],
        "schemas": schemas,
        "sourceVersion": packages.version("roster"),
    }


def _exposed(dialect: Dialect, route: Route, names: Mapping[Any, str]) -> dict[str, Any]:
    operation = route.operation
    scopes = [each for each in operation.needs.split(",") if each]
    is_http = operation.method != REQUEST
    shown: dict[str, Any] = {
        "subject": route.subject,
        "permissions": scopes or None,
        "mustBeLoggedIn": is_http and not operation.public,
        "requestSchema": _named(operation.body_shown, names),
        "responseSchema": _named(operation.response_type, names),
        "docs": {
            "description": " ".join(part for part in (operation.summary, operation.description) if part),
            "query": {each.name: each.description for each in operation.parameters if each.where == "query"},
            "params": dict.fromkeys(operation.params, ""),
            "errors": _errors(dialect, route),
        },
        "deprecated": False,
        "createQueueGroup": not is_for_all(route),
        "parsedSubject": {"subject": route.pattern, "isHTTP": is_http},
    }
    if is_http:
        shown["parsedSubject"]["httpMethod"] = route.words[1].upper()
    if not is_for_all(route):
        shown["natsSubscribeOptions"] = {"queue": route.subject.lower()}
    return {name: value for name, value in shown.items() if value is not None}


def _errors(dialect: Dialect, route: Route) -> Mapping[str, str]:
    meanings = [errors.meaning_of(each) for each in openapi.errors_of(route.operation, dialect)]
    return {each.code: each.title for each in meanings}


def _has_schema(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _named(kind: Any, names: Mapping[Any, str]) -> str | None:
    return names[kind] if _has_schema(kind) else None


def _kinds(routes: Iterable[Route]) -> Iterator[Any]:
    for route in routes:
        yield from filter(_has_schema, (route.operation.body_shown, route.operation.response_type))


def _schemas(routes: Iterable[Route]) -> tuple[dict[Any, str], list[_Schema]]:
    """What each type is called, and all schemas: the name is `id` for older readers and `$id` for newer ones."""
    kinds = list(dict.fromkeys(_kinds(routes)))
    shown, components = msgspec.json.schema_components(
        kinds, ref_template="{name}", schema_hook=lambda _: {"description": "any value"}
    )
    names = {kind: schema["$ref"] for kind, schema in zip(kinds, shown, strict=True)}
    return names, [{"id": name, "$id": name, **cast("_Schema", schema)} for name, schema in components.items()]
