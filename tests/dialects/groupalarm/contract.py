"""The contract as the tests read it: which operation a request is, and whether an answer is one it documents."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import yaml

FILE = Path(__file__).parents[3] / "contracts" / "groupalarm.yaml"
METHODS = ("get", "put", "post", "patch", "delete")
ANYWHERE = {"405", "413", "429", "500", "503"}
"""Answers of the frame in front of every operation, which the contract does not repeat everywhere."""


class Documented(msgspec.Struct, frozen=True):
    """One operation of the contract."""

    id: str
    method: str
    path: str
    responses: dict[str, Any]
    callers: list[str] | None
    pattern: re.Pattern[str]


@cache
def document() -> dict[str, Any]:
    """The whole contract."""
    return yaml.safe_load(FILE.read_text())


@cache
def operations() -> list[Documented]:
    """All operations, those with literal segments first; a second spelling of a path, with a slash, is left out."""
    found: dict[tuple[str, str], Documented] = {}
    for path, item in document()["paths"].items():
        for method, details in item.items():
            if method in METHODS:
                found[method, path.rstrip("/")] = Documented(
                    details["operationId"],
                    method.upper(),
                    path,
                    details["responses"],
                    details.get("x-allowed-callers"),
                    _pattern(path),
                )
    return sorted(found.values(), key=lambda each: each.path.count("{"))


def operation(method: str, path: str) -> Documented | None:
    """The operation that a request is; HEAD is GET without a body."""
    method = "GET" if method == "HEAD" else method
    return next((each for each in operations() if each.method == method and each.pattern.fullmatch(path)), None)


def check(answer: httpx.Response, path: str) -> None:
    """Fail unless the contract documents the answer, body included."""
    found = operation(answer.request.method, path)
    if found is None or answer.headers.get("content-type", "").startswith("text/html"):
        return
    status = str(answer.status_code)
    if status in ANYWHERE:
        validate(answer.json(), document()["components"]["schemas"]["Error"])
        return
    assert status in found.responses, f"{found.id} answers {status}, which is not documented: {answer.text}"
    if answer.request.method != "HEAD":
        _check_body(answer, _resolved(found.responses[status]))


def validate(value: object, schema: Mapping[str, Any]) -> None:
    """Fail unless the value is as the schema says, formats included."""
    whole = {**schema, "components": document()["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def _check_body(answer: httpx.Response, response: Mapping[str, Any]) -> None:
    assert answer.headers["content-type"] == "application/json"
    validate(answer.json(), response["content"]["application/json"]["schema"])


def _resolved(value: Any) -> Any:
    if "$ref" not in value:
        return value
    found: Any = document()
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path.rstrip("/"))) + "/?")
