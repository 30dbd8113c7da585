"""The installation's own pages: health, metrics, documents."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import prometheus_client as prometheus
import structlog

from roster.kit.errors import RosterError
from roster.web import answer as answers
from roster.web import docs
from roster.web.answer import Answer
from roster.web.metrics import Meter, Requests
from roster.web.reply import Reply
from roster.web.request import Request

if TYPE_CHECKING:
    from roster.storage.runtime import Runtime

_log = structlog.get_logger("roster.web")
_OWN = ("/health/", "/docs/")
Page = Callable[[], Awaitable[Reply]]


class Pages:
    """Answers what belongs to no dialect."""

    def __init__(self, runtime: "Runtime", dialects: docs.Dialects, meters: Iterable[Meter]) -> None:
        self._runtime = runtime
        self._docs = docs.Docs(dialects)
        self._registry = prometheus.CollectorRegistry()
        self._registry.register(Requests(meters))
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
        reply = await page() if page else self._document(request.path)
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

    async def _live(self) -> Reply:
        return Reply(200, {"status": "live"})

    async def _ready(self) -> Reply:
        try:
            await self._runtime.ping()
        except (RosterError, OSError) as error:
            _log.warning("health.not_ready", reason=str(error))
            return Reply(503, {"status": "not ready"}, (("Retry-After", "1"),))
        return Reply(200, {"status": "ready"})

    async def _metrics(self) -> Reply:
        text = prometheus.generate_latest(self._registry)
        return Reply(200, text, content_type=prometheus.CONTENT_TYPE_LATEST)
