"""Every error that can reach a dialect, and a request to refuse: for the tests of the dialects' tables of errors."""

import importlib
import pkgutil
from collections.abc import Iterator

import roster
from roster.kit.errors import RosterError
from roster.web.request import Request

_DIALECTS = "roster.dialects."
_BESIDE = ("roster.storage.", "roster.settings.", "roster.cli.", "roster.bus.")
"""Errors of these end a start, or belong to the bus; no request meets them, or only as what they are a kind of."""


def every(dialect: str) -> list[type[RosterError]]:
    """All errors that a request of this dialect can meet; those of other front doors stay behind these."""
    for module in pkgutil.walk_packages(roster.__path__, "roster."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)
    own = f"{_DIALECTS}{dialect}."
    met = {each for each in _below(RosterError) if _is_met(each.__module__, own)}
    return sorted(met, key=lambda each: (each.code, each.__qualname__))


def request(path: str, **headers: str) -> Request:
    """A request with these headers, underscores for hyphens."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"method": "GET", "headers": sent, "query_string": b"", "client": None}
    return Request(scope, path=path, request_id="r-1")


def _below(kind: type[RosterError]) -> Iterator[type[RosterError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _is_met(module: str, own: str) -> bool:
    if not module.startswith("roster.") or module.startswith(_BESIDE):
        return False
    return module.startswith(own) or not module.startswith(_DIALECTS)
