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

FILE = Path(__file__).parents[3] / "contracts" / "onslip360.yaml"
METHODS = ("get", "put", "post", "patch", "delete")
ANYWHERE = {"405", "406", "413", "429", "503"}
"""Answers of the frame in front of every operation, which the contract does not repeat."""


class Documented(msgspec.Struct, frozen=True):
    """One operation of the contract."""

    id: str
    method: str
    path: str
    responses: dict[str, Any]
    pattern: re.Pattern[str]


@cache
def document() -> dict[str, Any]:
    """The whole contract."""
    return yaml.safe_load(FILE.read_text())


@cache
def operations() -> list[Documented]:
    """All operations, those with literal segments first."""
    found = [
        Documented(
            details["operationId"],
            method.upper(),
            path,
            {str(k): v for k, v in details["responses"].items()},
            _pattern(path),
        )
        for path, item in document()["paths"].items()
        for method, details in item.items()
        if method in METHODS
    ]
    return sorted(found, key=lambda each: each.path.count("{"))


_SUFFIX = re.compile(r"(?:@[0-9T:.-]+Z)?(?:\.json)?$")


def operation(method: str, path: str) -> Documented | None:
    """The operation that a request is; HEAD is GET without a body, formats and moments stand behind a path."""
    path = _SUFFIX.sub("", path)
    method = "GET" if method == "HEAD" else method
    return next((each for each in operations() if each.method == method and each.pattern.fullmatch(path)), None)


def check(answer: httpx.Response, path: str) -> None:
    """Fail unless the contract documents the answer, body included."""
    found = operation(answer.request.method, path)
    if found is None:
        return
    status = str(answer.status_code)
    if status in ANYWHERE:
        validate(answer.json(), document()["components"]["schemas"]["ServerError"])
        return
    assert status in found.responses, f"{found.id} answers {status}, which is not documented: {answer.text}"
    if answer.request.method != "HEAD" and not answer.headers.get("content-type", "").startswith("text/html"):
        _check_body(answer, _resolved(found.responses[status]))


def validate(value: object, schema: Mapping[str, Any]) -> None:
    """Fail unless the value is as the schema says, formats included."""
    whole = {**schema, "components": document()["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def _check_body(answer: httpx.Response, response: Mapping[str, Any]) -> None:
    content = response.get("content")
    if content is None:
        assert answer.content == b"", "the contract documents no body"
        return
    assert answer.headers["content-type"] == "application/json"
    validate(answer.json(), content["application/json"]["schema"])


def _resolved(value: Any) -> Any:
    if "$ref" not in value:
        return value
    found: Any = document()
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) + "/?")
