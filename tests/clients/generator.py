"""Clients that openapi-python-client makes from a contract: typed bodies, and answers read as the contract says."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import httpx

from tests import servers
from tests.clients import cache

WANTED = Path(__file__).with_name("generator.txt")
CHOICES = {"post_hooks": []}
"""Of the generator; what it makes need not be pretty."""


class Client:
    """A generated client. It remembers which operations were not used yet."""

    def __init__(self, package: ModuleType) -> None:
        self.models = importlib.import_module(f"{package.__name__}.models")
        self._asking = importlib.import_module(f"{package.__name__}.client")
        self._names = vars(self.models) | {"Unset": importlib.import_module(f"{package.__name__}.types").Unset}
        self._operations = dict(_operations(importlib.import_module(f"{package.__name__}.api")))
        self.unused = set(self._operations)
        self._open = ExitStack()

    def close(self) -> None:
        """Close all connections."""
        self._open.close()

    def at(self, address: str, token: str | None = None, *, auth: httpx.Auth | None = None) -> Any:
        """What asks a server at this address: with a bearer token, with what signs each request, or with nothing."""
        known = {"base_url": address, "raise_on_unexpected_status": True, "httpx_args": {"auth": auth}}
        plain, bearing = self._asking.Client, self._asking.AuthenticatedClient
        return self._open.enter_context(plain(**known) if token is None else bearing(**known, token=token))

    def call(self, asking: Any, operation: str, *, status: int = 200, **arguments: Any) -> Any:
        """Call an operation by its id. The answer must have this status, and be what the contract says and no more."""
        called = self._operations[operation].sync_detailed
        answer = called(client=asking, **arguments)
        self.unused.discard(operation)
        assert answer.status_code == HTTPStatus(status), answer
        [promised] = get_args(get_type_hints(called)["return"])
        flaw = self._flaw(answer.parsed, promised)
        assert flaw is None, f"{operation}: {flaw}"
        return answer.parsed

    def _flaw(self, value: Any, hint: Any) -> str | None:
        """Why a value is not of a type: the generated code itself checks dates, enumerations and what is missing."""
        kind, inner = get_origin(hint), get_args(hint)
        if hint is Any or hint is type(value) or (hint is float and type(value) is int):
            return self._flaw_inside(value) if attrs.has(type(value)) else None
        if kind in (Union, UnionType):
            flaws = [self._flaw(value, each) for each in inner if each is type(value)]
            flaws = flaws or [self._flaw(value, each) for each in inner]
            return None if None in flaws else " and ".join(map(str, flaws))
        if kind is Literal and value in inner:
            return None
        if kind is list and isinstance(value, list):
            return next(filter(None, (self._flaw(each, inner[0]) for each in value)), None)
        if kind is dict and isinstance(value, dict):
            return None
        return f"{value!r} is not {'null' if hint is NoneType else hint}"

    def _flaw_inside(self, model: Any) -> str | None:
        """Of a model: a member of another type, or one that the contract does not name."""
        named = {field.name for field in attrs.fields(type(model))} - {"additional_properties"}
        hints = get_type_hints(type(model), localns=self._names)
        flaws = [(name, self._flaw(getattr(model, name), hints[name])) for name in sorted(named)]
        more = getattr(model, "additional_properties", {}) if named else {}
        called = type(model).__name__
        told = [f"{called}.{name}: {flaw}" for name, flaw in flaws if flaw]
        return "; ".join(told + [f"{called} names no {name}" for name in more]) or None


def _operations(api: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    """Each operation by its id, with the module that calls it."""
    for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        if not found.ispkg:
            first, *others = found.name.rpartition(".")[2].split("_")
            yield first + "".join(each.title() for each in others), importlib.import_module(found.name)


def generate(contract: Path, folder: Path) -> Path:
    """Make the client of a contract; the folder of its package, which is named after the contract."""
    package = folder / f"{re.sub(r'[^a-z0-9]', '_', contract.stem)}_client"
    choices = folder / "choices.json"
    choices.write_text(json.dumps(CHOICES))
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", contract, "--config", choices,
         "--output-path", package, "--meta", "none", "--fail-on-warning"],
        capture_output=True, text=True, check=False, env=servers.environment(PYTHONPATH=str(installed())),
    )  # fmt: skip
    assert done.returncode == 0, f"no client comes out of {contract.name}:\n{done.stdout}{done.stderr}"
    _complete(package)
    return package


def _complete(package: Path) -> None:
    """Import what the generator forgets where a body comes in several forms; the client sends the last of them."""
    for module in package.glob("api/*/*.py"):
        text = module.read_text()
        if "| Unset" in text and "UNSET, Unset" not in text:
            module.write_text(text.replace("import Response, UNSET", "import Response, UNSET, Unset"))


def installed() -> Path:
    """The folder with the generator, installed when it is not there yet."""
    key = cache.key(sys.version, WANTED.read_bytes())
    return cache.once(f"generator-{key}", _install)


def _install(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", folder, "--requirement", WANTED], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(
            f"The generator of clients cannot be had: pip ended with {done.returncode}. It is needed once; pip takes "
            f"it from the index it is configured for.\n{done.stderr}"
        )
