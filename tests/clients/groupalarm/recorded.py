"""Recorded conversations: what a client asks, in which order and with which headers, and what it takes for an answer.

`needs` is a JSON schema of what the client reads of a body, `tells` what it then knows: members that are not named
there are passed over. Texts name what is known about the installation, as `{org}`; a text that is nothing else becomes
its value.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec

from tests import processes

JSON = "application/json"
Known = Mapping[str, object]


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request and its answer; no client follows a redirect on purpose, so none may come."""

    ask: str
    status: int = 200
    sends: Any = None
    needs: dict[str, Any] = {}
    tells: Any = None


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client. `keeps` says whether it keeps its connection from one request to the next."""

    client: str
    keeps: bool
    headers: dict[str, str]
    conversations: dict[str, list[Exchange]]


def load(name: str) -> Recording:
    """The recording of this name."""
    return msgspec.yaml.decode(Path(__file__).with_name(f"{name}.yaml").read_bytes(), type=Recording)


def play(recording: Recording, conversation: str, base: str, known: Known) -> None:
    """Say all of it to the server; fail at the first answer that the client would not have understood."""
    kept = httpx.Client(timeout=processes.PATIENCE)
    try:
        for exchange in recording.conversations[conversation]:
            if not recording.keeps:
                kept.close()
                kept = httpx.Client(timeout=processes.PATIENCE)
            check(exchange, kept.send(_request(recording, exchange, base, known)), known)
    finally:
        kept.close()


def check(exchange: Exchange, answer: httpx.Response, known: Known) -> None:
    """Fail unless the client understands this answer as it was recorded."""
    assert answer.status_code == exchange.status, f"{exchange.ask}: {answer.status_code} {answer.text}"
    assert answer.headers["content-type"].partition(";")[0] == JSON, exchange.ask
    body = answer.json()
    jsonschema_rs.validator_for(exchange.needs).validate(body)
    if exchange.tells is not None:
        told = filled(exchange.tells, known)
        assert _shown(body, told) == told, exchange.ask


def filled(value: Any, known: Known) -> Any:
    """With what is known in place of its names."""
    if isinstance(value, dict):
        return {name: filled(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    return known[value[1:-1]] if value[1:-1] in known else value.format(**known)


def _request(recording: Recording, exchange: Exchange, base: str, known: Known) -> httpx.Request:
    """Exactly the client's headers, and those without which there is no request."""
    method, path = filled(exchange.ask, known).split(" ", 1)
    body = None if exchange.sends is None else msgspec.json.encode(filled(exchange.sends, known))
    request = httpx.Request(method, base + path, headers=filled(recording.headers, known), content=body)
    for name in {"user-agent", "accept", "accept-encoding", "connection"} - {
        each.lower() for each in recording.headers
    }:
        request.headers.pop(name, None)
    return request


def _shown(actual: Any, told: Any) -> Any:
    """As much of a body as is told of."""
    if isinstance(actual, dict) and isinstance(told, dict):
        return {name: _shown(actual[name], each) for name, each in told.items() if name in actual}
    if isinstance(actual, list) and isinstance(told, list) and len(actual) == len(told):
        return [_shown(each, other) for each, other in zip(actual, told, strict=True)]
    return actual
