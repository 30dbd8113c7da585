"""The installation's own pages: health, metrics, documents."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

import prometheus_client as prometheus
import structlog

from roster.kit import secrets
from roster.kit.errors import RosterError
from roster.web import answer as answers
from roster.web import docs
from roster.web.answer import Answer
from roster.web.metrics import Lists, Meter, Requests
from roster.web.reply import Reply
from roster.web.request import Request

if TYPE_CHECKING:
    from roster.storage.runtime import Runtime

_log = structlog.get_logger("roster.web")
_OWN = ("/health/", "/docs/")
_PASSED_ON = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")
"""What proxies add: where none is named in the settings, whoever sends one of these is not on this machine."""
_READY_WITHIN = 2.0
"""Seconds for the database to answer: whoever asks has to know soon whether to send requests elsewhere."""
Page = Callable[[Request], Awaitable[Reply]]


class Pages:
    """Answers what belongs to no dialect."""

    def __init__(self, runtime: "Runtime", dialects: docs.Dialects, meters: Iterable[Meter]) -> None:
        self._runtime = runtime
        self._docs = docs.Docs(dialects)
        self._registry = prometheus.CollectorRegistry()
        self._registry.register(Requests(meters))
        self._registry.register(Lists(runtime.replicas))
        prometheus.ProcessCollector(registry=self._registry)
        prometheus.GCCollector(registry=self._registry)
        self._pages: dict[str, Page] = {
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._metrics,
        }

    def owns(self, path: str) -> bool:
        """Whether the path is one of these, whatever is mounted at the root."""
        return path.startswith(_OWN) or path in ("/metrics", "/docs")

    async def answer(self, request: Request) -> Answer:
        """The page, or a short 404."""
        page = self._pages.get(request.path)
        reply = await page(request) if page else self._document(request.path)
        if reply is None:
            reply = Reply(404, {"code": "unknown_route", "message": "There is nothing at this address."})
        elif request.method not in ("GET", "HEAD"):
            reply = Reply(
                405,
                {"code": "method_not_allowed", "message": "This address is only read."},
                headers=(("Allow", "GET, HEAD"),),
            )
        return answers.pack(reply, reply.status)

    def _document(self, path: str) -> Reply | None:
        if path == "/":
            return Reply(307, headers=(("Location", "/docs"),))
        return self._docs.find(path) if path == "/docs" or path.startswith("/docs/") else None

    async def _live(self, _request: Request) -> Reply:
        return Reply(200, {"status": "live"})

    async def _ready(self, _request: Request) -> Reply:
        if self._runtime.unready:
            return Reply(503, {"status": self._runtime.unready})
        try:
            async with asyncio.timeout(_READY_WITHIN):
                await self._runtime.ping()
        except (RosterError, OSError) as error:
            _log.warning("health.not_ready", reason=str(error) or type(error).__name__)
            return Reply(503, {"status": "not ready"}, (("Retry-After", "1"),))
        return Reply(200, {"status": "ready"})

    async def _metrics(self, request: Request) -> Reply:
        """With a token for those who send it, else for this machine."""
        if request.site.metrics_key:
            if not _has_token(request):
                body = {"code": "unauthenticated", "message": "Authentication is required."}
                return Reply(401, body, (("WWW-Authenticate", "Bearer"),))
        elif not _is_here(request):
            return Reply(
                403, {"code": "forbidden", "message": "This is read on the machine of the server, or with a token."}
            )
        text = prometheus.generate_latest(self._registry)
        return Reply(200, text, content_type=prometheus.CONTENT_TYPE_LATEST)


def _has_token(request: Request) -> bool:
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    return scheme.lower() == "bearer" and secrets.same(secrets.digest(token.strip()), request.site.metrics_key)


def _is_here(request: Request) -> bool:
    """Whether the client is on the machine of the server, as far as trusted proxies tell."""
    if not request.site.trusted_proxies and any(request.header(name) is not None for name in _PASSED_ON):
        return False
    try:
        address = ip_address(request.address)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
