"""Requests in the name of somebody, and single answers."""

import http.client
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import msgspec

from bench import processes
from bench.dataset import Realm
from bench.load import LOOPBACK, Call


def as_administrator(realm: Realm, calls: Sequence[Call]) -> list[Call]:
    """The calls in the name of the realm's administrator, with all tokens in turn."""
    return with_tokens(calls, realm.tokens)


def with_tokens(calls: Sequence[Call], tokens: Sequence[str]) -> list[Call]:
    """The calls with these tokens in turn."""
    return [_with_token(call, tokens[at % len(tokens)]) for at, call in enumerate(calls)]


def api(realm: Realm, path: str) -> str:
    """A path of the native API in a realm."""
    return ("" if realm.slug == "main" else f"/realms/{realm.slug}") + "/api/v1" + path


def fetch(port: int, call: Call) -> Any:
    """The JSON of one answer. Raises Failed when it is an error."""
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=30)) as connection:
        connection.request(call.method, call.path, call.payload(), call.described())
        answer = connection.getresponse()
        body = answer.read()
    if answer.status >= 400:
        raise processes.Failed(f"{call.method} {call.path} was answered {answer.status}: {body[:500]!r}")
    return msgspec.json.decode(body)


def _with_token(call: Call, token: str) -> Call:
    return msgspec.structs.replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})
