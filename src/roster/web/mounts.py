"""The ASGI application: prefix or host to dialect, request ids, CORS, access log, the installation's own pages."""

import itertools
import os
import re
import time
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
import structlog

from roster.kit.errors import RosterError
from roster.web import cors, streams
from roster.web import path as paths
from roster.web.access_log import AccessLog
from roster.web.answer import Answer, RawHeaders
from roster.web.body import Receive
from roster.web.dialect import Dialect, Front
from roster.web.errors import Disconnected
from roster.web.exchange import Exchange
from roster.web.metrics import Meter
from roster.web.pages import Pages
from roster.web.protocol import LONGEST_HOST
from roster.web.reply import Stream
from roster.web.request import DEFAULT_SITE, Request, Scope, Site
from roster.web.sockets import RESTART, Socket
from roster.web.streams import Send

if TYPE_CHECKING:
    from roster.storage.runtime import Runtime

_log = structlog.get_logger("roster.web")
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_REALMS = "/realms/"
_GONE = 499
"""Logged, never sent: the client left before it had an answer."""


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a dialect is served: under `prefix` (empty: at the root), or on its own `host`, or both.

    Prefix and host may hold `{realm}`, for a dialect with `realm_in_path`. The others serve `realm` here, and any other
    realm under `/realms/{slug}` + prefix. With `below`, only paths that go on so: two dialects can share an address.
    """

    dialect: Dialect
    prefix: str = ""
    host: str = ""
    realm: str = "main"
    below: str = ""


class _Place:
    __slots__ = ("_below", "_found", "_host", "_literal", "_prefix", "_under", "front", "mount", "start")

    def __init__(self, mount: Mount, front: Front) -> None:
        self.mount = mount
        self.front = front
        self._below = mount.below
        prefix = mount.prefix.rstrip("/")
        first = prefix[1:].partition("/")[0]
        self.start = "" if "{" in first else first
        """The first segment of all paths that belong here; empty when there are several."""
        self._literal = "" if "{" in prefix else prefix
        self._prefix = _with_realm(prefix, "[^/]+") if "{" in prefix else None
        self._host = _with_realm(mount.host.lower(), "[a-z0-9-]+") if mount.host else None
        plain = not (mount.host or mount.below or self._prefix)
        self._under = f"{prefix}/" if plain else None
        """What all paths but one begin with that belong here, where that is all there is to look at."""
        self._found = front, len(prefix), mount.realm

    def is_at(self, host: str) -> bool:
        """Whether this host is its own."""
        return self._host is not None and self._host.fullmatch(host) is not None

    def match(self, raw: str, host: str) -> tuple[Front, int, str] | None:
        """What answers here, where the path below the prefix starts, and the realm; None when this is another place."""
        if self._under is not None and raw.startswith(self._under):
            return self._found
        realm = self.mount.realm
        if self._host is not None:
            found = self._host.fullmatch(host)
            if found is None:
                return None
            realm = found.groupdict().get("realm", realm)
        end = len(self._literal)
        if self._prefix is not None:
            below = self._prefix.match(raw)
            if below is None:
                return None
            end, realm = below.end(), paths.decode(below["realm"]) or ""
        elif end and not raw.startswith(self._literal):
            return None
        if self._below and not raw.startswith(self._below, end):
            return None
        return (self.front, end, realm) if end == len(raw) or raw[end] == "/" else None


class Mounts:
    """All dialects of an installation on one address."""

    def __init__(
        self,
        runtime: "Runtime",
        mounts: Sequence[Mount],
        *,
        site: Site = DEFAULT_SITE,
        access_log: AccessLog | None = None,
    ) -> None:
        fronts = {mount.dialect.name: Front(mount.dialect, runtime) for mount in mounts}
        places = [_Place(mount, fronts[mount.dialect.name]) for mount in mounts]
        places.sort(key=lambda place: (-len(place.mount.prefix), -len(place.mount.below)))
        self._hosts = [place for place in places if place.mount.host]
        self._prefixes = [place for place in places if not place.mount.host]
        self._at_host = lru_cache(1000)(self._of_host)
        self._anywhere = [place for place in self._prefixes if not place.start]
        self._starting = {
            start: [place for place in self._prefixes if place.start in ("", start)]
            for start in {place.start for place in self._prefixes if place.start}
        }
        self._site = site
        self._cors = cors.Policy(site.cors_origins) if site.cors_origins else None
        self._access_log = access_log
        self._own = Meter("", "")
        meters = [self._own, *(plan.meter for front in fronts.values() for plan in front.plans)]
        self._pages = Pages(runtime, _documented(mounts), meters)
        self._ids = _request_ids()
        self._talking = {
            name: Front(front.dialect.sockets.dialect, runtime)
            for name, front in fronts.items()
            if front.dialect.sockets is not None
        }
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        started = time.perf_counter()
        request, front = self._address(scope, started)
        try:
            answer = await self._answer(request, front, receive)
            if self._cors is not None:
                self._cors.apply(answer, request, front.dialect.exposed_headers if front else ())
            status = answer.status
            if not _sent(answer, request, send):
                await _send(answer, request, receive, send)
        except Disconnected:
            status = _GONE
        seconds = time.perf_counter() - started
        (request.meter or self._own).record(status, seconds)
        if self._access_log is not None:
            self._access_log.add(request, status, seconds)

    async def _otherwise(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand it to the dialect at its address; where that has no use for one, it is not opened."""
        request, front = self._address({**scope, "method": "GET"}, time.perf_counter())
        socket = Socket(request, receive, send)
        request_id = request.request_id
        del request  # what is not needed any more should not wait as long as the socket is open
        sockets = front.dialect.sockets if front else None
        if front is None or sockets is None or self._open >= front.runtime.settings.limits.websockets:
            await socket.refuse()
            return
        self._open += 1
        try:
            await sockets.talk(socket, self._talking[front.dialect.name])
            await socket.close(*RESTART)
        except Exception:  # noqa: BLE001 (the edge: nothing may get past it)
            _log.exception("websocket.failed", request_id=request_id, dialect=front.dialect.name)
            await socket.close(1011, "INTERNAL_SERVER_ERROR")
        finally:
            self._open -= 1

    def _answer(self, request: Request, front: Front | None, receive: Receive) -> Awaitable[Answer]:
        if front is None:
            return self._pages.answer(request)
        if self._cors is not None and request.method == "OPTIONS":
            return self._answer_options(self._cors, front, request, receive)
        return front.answer(request, receive)

    async def _answer_options(self, policy: cors.Policy, front: Front, request: Request, receive: Receive) -> Answer:
        try:
            preflight = policy.preflight(request, front.allowed(request))
        except RosterError:
            preflight = None
        return preflight or await front.answer(request, receive)

    def _address(self, scope: Scope, started: float) -> tuple[Request, Front | None]:
        """The request as the dialect at its address sees it, and that dialect; None for our own pages."""
        raw = _raw_path(scope)
        request = Request(scope, path=raw, site=self._site, started=started)
        sent = request.raw_header(b"x-request-id")
        request.request_id = sent.decode() if sent and _SANE_ID.fullmatch(sent) else next(self._ids)
        front, at, request.realm_slug = self._find(raw, request)
        request.prefix, request.path = raw[:at], raw[at:]
        if front is not None:
            request.dialect = front.dialect.name
        return request, front

    def _find(self, raw: str, request: Request) -> tuple[Front | None, int, str]:
        if self._pages.owns(raw):
            return None, 0, "main"
        if self._hosts:
            host = request.raw_header(b"host")
            there = self._at_host(host) if len(host) <= LONGEST_HOST else ()
            if there and (found := _first(there, raw, _name(host))):
                return found
        return _first(self._near(raw), raw) or self._find_in_realm(raw)

    def _of_host(self, host: bytes) -> "list[_Place]":
        return [place for place in self._hosts if place.is_at(_name(host))]

    def _near(self, raw: str) -> "list[_Place]":
        """Places that the path may belong to, by its first segment: their number does not count."""
        return self._starting.get(raw[1:].partition("/")[0], self._anywhere)

    def _find_in_realm(self, raw: str) -> tuple[Front | None, int, str]:
        slash = raw.find("/", len(_REALMS))
        slug = paths.decode(raw[len(_REALMS) : slash]) if raw.startswith(_REALMS) and slash > 0 else None
        if slug:
            for place in self._near(raw[slash:]):
                found = None if place.front.dialect.realm_in_path else place.match(raw[slash:], "")
                if found is not None:
                    return place.front, slash + found[1], slug
        return None, 0, "main"

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._access_log is not None:
            self._access_log.flush()
        await send({"type": "lifespan.shutdown.complete"})


def _first(places: "Iterable[_Place]", raw: str, host: str = "") -> tuple[Front, int, str] | None:
    for place in places:
        found = place.match(raw, host)
        if found is not None:
            return found
    return None


def _sent(answer: Answer, request: Request, send: Send) -> bool:
    """Whether it could be put on the wire at once: what is complete, by our own server."""
    body = answer.body
    if isinstance(body, Stream) or not isinstance(send, Exchange):
        return False
    return send.answer(answer.status, _headers(answer, request), body)


async def _send(answer: Answer, request: Request, receive: Receive, send: Send) -> None:
    """Put the answer on the wire."""
    body = answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer, request)})
    if isinstance(body, Stream):
        await _send_stream(body, request, receive, send)
    else:
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _headers(answer: Answer, request: Request) -> RawHeaders:
    headers = [*answer.headers, (b"x-request-id", request.request_id.encode())]
    if answer.status not in (204, 304) and not isinstance(answer.body, Stream):
        headers.append((b"content-length", b"%d" % len(answer.body)))
    return headers


async def _send_stream(stream: Stream, request: Request, receive: Receive, send: Send) -> None:
    """Send while it is made. When making it fails, the answer ends without its last piece, which clients notice."""
    if request.method == "HEAD":
        await streams.close(stream.chunks)
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": b"", "more_body": True})  # so that the head leaves at once
    try:
        await streams.pump(stream, receive, send)
    except Exception:
        _log.exception("stream.failed", request_id=request.request_id, dialect=request.dialect)
        raise


def _documented(mounts: Sequence[Mount]) -> dict[str, tuple[Dialect, str]]:
    """Each dialect with the prefix its document shows: the first it has."""
    chosen: dict[str, tuple[Dialect, str]] = {mount.dialect.name: (mount.dialect, "") for mount in mounts}
    for mount in reversed(mounts):
        if mount.prefix:
            chosen[mount.dialect.name] = (mount.dialect, mount.prefix)
    return chosen


def _request_ids() -> Iterator[str]:
    """Identifiers unique over processes and restarts: a random start, made with the first, and a count. No secret."""
    start = os.urandom(8).hex()
    for count in itertools.count(1):
        yield f"{start}-{count:x}"


def _raw_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"], safe="/~!$&'()*+,;=:@")


def _name(host: bytes) -> str:
    return host.decode("latin-1").lower().partition(":")[0]


def _with_realm(text: str, realm: str) -> re.Pattern[str]:
    before, _, after = text.partition("{realm}")
    middle = f"(?P<realm>{realm})" if "{realm}" in text else ""
    return re.compile(re.escape(before) + middle + re.escape(after))
