"""The documents of all dialects as pages: one for each, without inline script or style, without internet."""

import importlib.resources
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import jinja2
import msgspec
from markupsafe import Markup, escape

from roster.web import openapi
from roster.web.dialect import Dialect
from roster.web.reply import Headers, Reply

_ASSETS = importlib.resources.files("roster.web") / "assets"
_TYPES = {"docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8"}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CODE = re.compile("`([^`]+)`")
_SENTENCE = re.compile(r"(?<=[.;])\s")
_HTML: Headers = (
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
)
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
_DEEPEST_SAMPLE = 5

Dialects = Mapping[str, tuple[Dialect, str]]
"""Dialects by name, each with the prefix its document shows."""


class Docs:
    """Documents and pages, each made when first asked for."""

    def __init__(self, dialects: Dialects) -> None:
        self._dialects = dialects
        self._documents: dict[str, openapi.Document] = {}
        self._replies: dict[str, Reply] = {}

    def find(self, path: str) -> Reply | None:
        """The page at `/docs`, `/docs/<dialect>`, `/docs/<dialect>/openapi.json` or below `/docs/-/`."""
        if path not in self._replies:
            made = self._make(path.removeprefix("/docs").strip("/"))
            if made is None:
                return None
            self._replies[path] = made
        return self._replies[path]

    def document(self, name: str) -> openapi.Document:
        """The OpenAPI document of a dialect."""
        if name not in self._documents:
            self._documents[name] = openapi.document(*self._dialects[name])
        return self._documents[name]

    def _make(self, path: str) -> Reply | None:
        name, _, rest = path.partition("/")
        if not path:
            return self._page("index.html", dialects=self._dialects.values())
        if name == "-":
            return _asset(rest)
        if name not in self._dialects:
            return None
        if rest == "openapi.json":
            return Reply(200, self.document(name), (("Cache-Control", "no-cache"),))
        return self._dialect_page(name) if not rest else None

    def _dialect_page(self, name: str) -> Reply:
        document = self.document(name)
        return self._page(
            "dialect.html", name=name, document=document, tags=_by_tag(document), sample=_Sampler(document)
        )

    def _page(self, template: str, **values: object) -> Reply:
        text = _templates().get_template(template).render(**values)
        return Reply(200, text.encode(), _HTML, "text/html; charset=utf-8")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("roster.web", "assets"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["pretty"] = _pretty
    environment.filters["kind"] = kind
    environment.filters["anchor"] = _anchor
    environment.filters["words"] = _words
    environment.filters["prose"] = _prose
    environment.filters["sentence"] = _sentence
    return environment


def _words(text: str) -> Markup:
    """Prose with its `code` set as code, and lines joined as the browser breaks them."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped before)


def _prose(text: str) -> Markup:
    """Paragraphs, as empty lines divide them."""
    paragraphs = (Markup("<p>{}</p>").format(_words(each)) for each in text.split("\n\n") if each.strip())
    return Markup("").join(paragraphs)


def _sentence(text: str) -> str:
    """The first sentence, for lists."""
    return _SENTENCE.split(text, maxsplit=1)[0].rstrip(".;")


def _anchor(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def _asset(name: str) -> Reply | None:
    if name not in _TYPES:
        return None
    return Reply(200, (_ASSETS / name).read_bytes(), (("Cache-Control", "no-cache"),), _TYPES[name])


def _by_tag(document: openapi.Document) -> dict[str, list[dict[str, Any]]]:
    """Operations in the order of the table, under their tags."""
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for key, operation in item.items():
            method = key if key in _METHODS else key.removeprefix("x-")
            shown = {"method": method.upper(), "path": path, **operation}
            tags.setdefault(next(iter(operation.get("tags", ())), "Operations"), []).append(shown)
    return tags


def kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: `string (uuid)`, `list of User`, `integer or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind(cast('Mapping[str, Any]', schema.get('items') or {}))}"
    name = str(schema.get("type", "any"))
    return f"{name} ({schema['format']})" if "format" in schema else name


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


class _Sampler:
    """Makes up a value that fits a schema."""

    def __init__(self, document: openapi.Document) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]

    def __call__(self, schema: Mapping[str, Any], depth: int = 0) -> object:
        for known in ("example", "default"):
            if schema.get(known) is not None:
                return schema[known]
        if schema.get("examples"):
            return schema["examples"][0]
        if "$ref" in schema:
            return self(self._schemas[kind(schema)], depth + 1) if depth < _DEEPEST_SAMPLE else {}
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self(schema[choice][0], depth)
        if "enum" in schema:
            return schema["enum"][0]
        return self._by_type(schema, depth)

    def _by_type(self, schema: Mapping[str, Any], depth: int) -> object:
        if schema.get("type") == "object":
            return {name: self(each, depth) for name, each in schema.get("properties", {}).items()}
        if schema.get("type") == "array":
            return [self(schema["items"], depth)] if schema.get("items") and depth < _DEEPEST_SAMPLE else []
        return _SCALARS.get((schema.get("type"), schema.get("format"))) or _SCALARS.get((schema.get("type"), None))


_SCALARS: dict[tuple[object, object], object] = {
    ("string", None): "text",
    ("string", "uuid"): "018f3c5e-7a10-7c3b-9a55-0d2f6a4b8c11",
    ("string", "date-time"): "2026-01-05T08:30:00.000Z",
    ("integer", None): 1,
    ("number", None): 1.5,
    ("boolean", None): True,
}
