"""A dialect's contract as tests read it: which operation a request is, and whether an answer is one it documents."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import yaml

FOLDER = Path(__file__).parents[2] / "contracts"
METHODS = ("get", "put", "post", "patch", "delete")


class Documented(msgspec.Struct, frozen=True):
    """One operation of a contract; `details` is all that stands there about it."""

    id: str
    method: str
    path: str
    details: dict[str, Any]
    responses: dict[str, Any]
    pattern: re.Pattern[str]


def parsed(file: Path) -> Any:
    """What a file of YAML says, read by the library in C where the package has it: ten times as quick."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(), loader)  # noqa: S506 - one of the two safe ones


def _error(_found: Documented) -> str:
    return "Error"


class Contract:
    """A contract. `anywhere` are the answers that every operation may give, which it does not repeat everywhere.

    `failure` names the schema of an operation's errors; `beside` is what may stand behind any path.
    """

    def __init__(
        self,
        name: str,
        *,
        anywhere: set[str],
        failure: Callable[[Documented], str] = _error,
        beside: str = "",
    ) -> None:
        self._file = FOLDER / f"{name}.yaml"
        self.anywhere = anywhere
        self._failure = failure
        self._beside = re.compile(f"(?:{beside})$")
        self.document = cache(self._document)
        self.operations = cache(self._operations)

    def operation(self, method: str, path: str) -> Documented | None:
        """The operation that a request is; HEAD is GET without a body."""
        method = "GET" if method == "HEAD" else method
        path = self._beside.sub("", path)
        return next(
            (each for each in self.operations() if each.method == method and each.pattern.fullmatch(path)), None
        )

    def schema(self, name: str) -> dict[str, Any]:
        """A named schema."""
        return self.document()["components"]["schemas"][name]

    def check(self, answer: httpx.Response, path: str) -> None:
        """Fail unless the contract documents the answer, body included. Pages for people are not looked into."""
        found = self.operation(answer.request.method, path)
        if found is None:
            return
        status = str(answer.status_code)
        documented = found.responses.keys() | self.anywhere
        assert status in documented, f"{found.id} answers {status}, which is not documented: {answer.text}"
        if answer.request.method == "HEAD" or answer.headers.get("content-type", "").startswith("text/html"):
            return
        if status in found.responses:
            self._check_body(answer, self._resolved(found.responses[status]))
        else:
            self.validate(answer.json(), self.schema(self._failure(found)))

    def validate(self, value: object, schema: Mapping[str, Any]) -> None:
        """Fail unless the value is as the schema says, formats included."""
        whole = {**schema, "components": self.document()["components"]}
        jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)

    def _document(self) -> dict[str, Any]:
        """The whole contract."""
        return parsed(self._file)

    def _operations(self) -> list[Documented]:
        """All operations, those with literal segments first; a path's second spelling, with a slash, counts once."""
        found = {
            (method, path.rstrip("/")): Documented(
                details["operationId"],
                method.upper(),
                path,
                details,
                {str(status): response for status, response in details["responses"].items()},
                _pattern(path),
            )
            for path, item in self.document()["paths"].items()
            for method, details in item.items()
            if method in METHODS
        }
        return sorted(found.values(), key=lambda each: each.path.count("{"))

    def _check_body(self, answer: httpx.Response, response: Mapping[str, Any]) -> None:
        content = response.get("content")
        if content is None:
            assert answer.content == b"", "the contract documents no body"
            return
        assert answer.headers["content-type"] == "application/json"
        self.validate(answer.json(), content["application/json"]["schema"])

    def _resolved(self, value: Any) -> Any:
        if "$ref" not in value:
            return value
        found: Any = self.document()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path.rstrip("/"))) + "/?")
