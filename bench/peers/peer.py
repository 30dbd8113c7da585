"""What a peer is: how it is got, started and filled, and its requests for each task."""

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from bench.load import LOOPBACK, Call
from bench.peers.database import Database
from bench.peers.people import Directory
from bench.processes import Failed, Server

T = TypeVar("T")

KEPT = Path(__file__).parents[1] / "out" / "peers"
"""Where products stay between runs."""
HOME = "bench"
"""The realm that all requests are for."""
SESSIONS = 16
"""As many people and administrators are signed in at a time; requests are sent in the name of each in turn."""
_FRESH = 200.0
_PATIENCE = 1800.0


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request, how many of them make a round, and how many at least go before to warm everything up."""

    name: str
    title: str
    count: int
    warm: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a peer works: a folder of its own, a database of its own, who is in it, and its port."""

    folder: Path
    database: Database
    owner: str
    """Of the peer's database, which has the same name."""
    directory: Directory
    port: int
    cores: int

    @property
    def log(self) -> Path:
        """Where its server writes."""
        return self.folder / "server.log"


class Peer(Protocol):
    """A product. Whatever it does beyond this may take its time: only what `calls` returns is measured."""

    name: str

    def lacking(self) -> str:
        """What is missing to run it here; empty when nothing is."""
        ...

    def install(self, place: Place) -> None:
        """Have it ready to be started."""
        ...

    def told(self) -> Mapping[str, str]:
        """Its version and what was set, for the document."""
        ...

    def start(self) -> Server:
        """Without waiting for it."""
        ...

    def set_up(self) -> None:
        """Once, after the first start."""
        ...

    def alive(self) -> Call:
        """What is answered as soon as anything is."""
        ...

    def first(self) -> Call:
        """An administrator's request for a person, who is there, with a token that outlives the server."""
        ...

    def bring(self, realm: str) -> bool:
        """Take everybody of the directory over, into a new realm, or into the one that all requests are for.

        False when it has only one.
        """
        ...

    def found(self, text: str) -> list[str] | None:
        """The names of the first 25 people whom a search for a part of a name finds; None when it cannot."""
        ...

    def port_of(self, task: Task) -> int:
        """Where the requests of a task go to."""
        ...

    def prelude(self, task: Task, numbers: range) -> Sequence[Call]:
        """Requests that a task takes before the one that is its point; they count too."""
        ...

    def calls(self, task: Task, numbers: range) -> Sequence[Call]:
        """One round of requests, none when the product knows nothing like it. People to be made have these numbers."""
        ...


class Fresh:
    """Something that is made anew when it is some minutes old, as tokens must be."""

    def __init__(self, make: Callable[[], Sequence[str]]) -> None:
        self._make = make
        self._made: Sequence[str] = ()
        self._at = float("-inf")

    def get(self) -> Sequence[str]:
        """It."""
        if time.monotonic() - self._at > _FRESH:
            self._made, self._at = self._make(), time.monotonic()
        return self._made


def bearing(
    calls: Sequence[Call], tokens: Sequence[str], *, header: str = "Authorization", kind: str = "Bearer "
) -> list[Call]:
    """The calls with these tokens in turn."""
    return [
        msgspec.structs.replace(call, headers={**call.headers, header: kind + tokens[at % len(tokens)]})
        for at, call in enumerate(calls)
    ]


def ask(port: int, call: Call, *, raw: bytes | None = None) -> Any:
    """The JSON of one answer, None when it is empty; `raw` is sent as it is. Raises Failed when it is an error."""
    sent = call.payload() if raw is None else raw
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=_PATIENCE)) as connection:
        connection.request(call.method, call.path, sent, call.described())
        answer = connection.getresponse()
        body = answer.read()
    if answer.status >= 400:
        raise Failed(f"{call.method} {call.path} was answered {answer.status}: {body[:500]!r}")
    return msgspec.json.decode(body) if body else None


def answers(port: int, call: Call) -> bool:
    """Whether there is an answer that is no error."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request(call.method, call.path, call.payload(), call.described())
        return connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
