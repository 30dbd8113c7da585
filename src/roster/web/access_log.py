"""One line for each request, written in blocks: JSON for programs, text for people.

Secrets are masked, headers left out.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO
from urllib.parse import unquote
from uuid import UUID

import msgspec

from roster.kit import clock, ids
from roster.web.request import Request

_FLUSH_AFTER = 0.2
_FLUSH_AT = 200
_LONGEST = 2_000
_PAIR = re.compile(r"(?:^|(?<=[&;]))([^=&;]++)=[^&;]*")
_SECRET = re.compile(
    "token|secret|passw|pwd|pin|code|key|signature|assertion|jwt|otp|oauth_|session|hash|mac", re.IGNORECASE
)


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told about a request; `ms` from the first byte of the head to the last of the answer."""

    at: datetime
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    address: str
    dialect: str = ""
    operation: str = ""
    realm: str = ""
    actor: UUID | str = ""


Encode = Callable[[Line], bytes]


class AccessLog:
    """Collects lines and writes them to `out` in blocks."""

    def __init__(self, out: BinaryIO, encode: Encode | None = None) -> None:
        """`encode` makes the line's text; JSON without it."""
        self._out = out
        self._encode = encode or msgspec.json.Encoder().encode
        self._lines: list[Line] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, request: Request, status: int, seconds: float) -> None:
        """Note one answer. Its text is made with those of others, which costs a third of making it now."""
        self._lines.append(line(clock.now(), request, status, seconds))
        if len(self._lines) >= _FLUSH_AT:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Write what is buffered. A log that nobody reads (a closed pipe), or that was closed, stops nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if not lines:
            return
        text = b"".join([self._encode(each) + b"\n" for each in lines])
        with suppress(OSError, ValueError):
            self._out.write(text)
            self._out.flush()


def line(at: datetime, request: Request, status: int, seconds: float) -> Line:
    """The line for one answer."""
    meter, actor = request.meter, request.actor
    return Line(
        at,
        request.method,
        shown_path(request),
        status,
        int(seconds * 100_000) / 100,  # `round` takes ten times as long
        request.request_id,
        request.origin.address,
        request.dialect,
        meter.operation if meter else "",
        request.realm_slug,
        (actor.user_id or actor.name) if actor else "",
    )


def readable(told: Line) -> bytes:
    """The line for people: when, how it ended, what, how long it took, who asked."""
    who = ids.text(told.actor) if isinstance(told.actor, UUID) else told.actor or told.address
    if told.realm:
        who = f"{told.realm}/{who}"
    text = f"{clock.instant(told.at)} {told.status} {told.method} {told.path} {told.ms:.1f} ms {who} {told.request_id}"
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "?" for character in text)
    return text.encode()


def shown_path(request: Request) -> str:
    """The path as sent, without secrets: parameters of the query masked, a path that holds a secret left out."""
    path = request.full_path
    if request.meter is not None and request.meter.hides_path:
        path = request.prefix + "/***"
    if request.raw_query:
        path = f"{path}?{masked(request.raw_query.decode('latin-1'))}"
    return path[:_LONGEST]


def masked(query: str) -> str:
    """The query with the values of secret parameters replaced by `***`."""
    return _PAIR.sub(_mask, query)


def _mask(pair: re.Match[str]) -> str:
    return f"{pair[1]}=***" if names_secret(unquote(pair[1])) else pair[0]


@lru_cache(512)
def names_secret(name: str) -> bool:
    """Whether what goes by this name must stay out of the log."""
    return _SECRET.search(name) is not None
