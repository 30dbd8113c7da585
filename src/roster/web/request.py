"""One HTTP request, straight over the ASGI scope; what is not asked for is not parsed."""

import time
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from roster.kit.actor import Actor, Origin
from roster.web.metrics import Meter
from roster.web.query import Query

Scope = Mapping[str, Any]
_USER_AGENT_LENGTH = 512


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator says about the way here.

    `trusted_proxies` is the number of proxies in front that append to X-Forwarded-For; 0 ignores forwarding headers.
    `public_url` is the address people see, without a slash at the end; empty means: as the request says.
    `cors_origins` may call from a browser; "*" stands for any, then without cookies.
    `metrics_key` is the digest of the token that /metrics asks for; empty lets only this machine read it.
    """

    public_url: str = ""
    trusted_proxies: int = 0
    cors_origins: tuple[str, ...] = ()
    metrics_key: bytes = b""


DEFAULT_SITE = Site()


class Request:
    """What a dialect may know about a request.

    `path` is the raw path below `prefix`, still percent-encoded; `params` are decoded path parameters; `body` is
    complete and within the operation's limit; `realm_slug` comes from the mount, or from the path where the dialect has
    it there. `extra` is what else the dialect has read in the address, such as a moment.
    """

    __slots__ = (
        "_first",
        "_headers",
        "_origin",
        "_query",
        "actor",
        "body",
        "dialect",
        "extra",
        "full_path",
        "meter",
        "method",
        "params",
        "path",
        "prefix",
        "raw_query",
        "realm_slug",
        "request_id",
        "scope",
        "separators",
        "site",
        "started",
        "upload",
    )

    def __init__(
        self,
        scope: Scope,
        *,
        path: str,
        prefix: str = "",
        realm_slug: str = "main",
        dialect: str = "",
        request_id: str = "",
        site: Site = DEFAULT_SITE,
        started: float = 0.0,
    ) -> None:
        self.scope: Scope = scope
        self.method: str = scope["method"]
        self.path = path
        self.prefix = prefix
        self.full_path = prefix + path
        """As sent, mount prefix included; what a signature (Hawk) covers."""
        self.raw_query: bytes = scope.get("query_string", b"")
        """As sent, without the question mark."""
        self.realm_slug = realm_slug
        self.dialect = dialect
        self.request_id = request_id
        self.site = site
        self.started = started or time.perf_counter()
        self.params: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        self.actor: Actor | None = None
        self.meter: Meter | None = None
        self.body = b""
        self.separators = "&"
        self.upload: AsyncIterator[bytes] | None = None
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._first = dict(reversed(self._headers))
        self._query: Query | None = None
        self._origin: Origin | None = None

    @property
    def query(self) -> Query:
        """Decoded query parameters."""
        if self._query is None:
            self._query = Query(self.raw_query, self.separators)
        return self._query

    def header(self, name: str) -> str | None:
        """The first header of that name, in any letter case."""
        value = self._first.get(_wire(name))
        return None if value is None else value.decode("latin-1")

    def raw_header(self, name: bytes) -> bytes:
        """The first header of that name, which is in lower case, as sent; empty when there is none."""
        return self._first.get(name, b"")

    def headers(self, name: str) -> list[str]:
        """All headers of that name, in the order sent."""
        wanted = _wire(name)
        return [value.decode("latin-1") for key, value in self._headers if key == wanted]

    def cookie(self, name: str) -> str | None:
        """The value of the first cookie of that name (RFC 6265, 4.2), without quotes."""
        start = name + "="
        for header in self.headers("cookie"):
            for part in header.split(";"):
                pair = part.strip()
                if pair.startswith(start):
                    return pair[len(start) :].strip('"')
        return None

    def become_json(self, body: bytes) -> None:
        """Go on as a request with this body, which is JSON whatever the client sent."""
        self.body = body
        self._first[b"content-type"] = b"application/json"

    def ask_for(self, raw_query: bytes) -> None:
        """Go on as a request with this query string."""
        self.raw_query = raw_query
        self._query = None

    @property
    def scheme(self) -> str:
        """What the client speaks, http or https, whatever a trusted proxy made of it."""
        if self.site.trusted_proxies:
            forwarded = self.header("x-forwarded-proto")
            if forwarded in ("http", "https"):
                return forwarded
        return self.scope.get("scheme", "http")

    @property
    def host(self) -> str:
        """Host and port the client addressed."""
        return self.header("host") or "localhost"

    @property
    def public_url(self) -> str:
        """Scheme, host and port under which people reach this installation; no slash at the end."""
        return self.site.public_url or f"{self.scheme}://{self.host}"

    @property
    def address(self) -> str:
        """The client's address: the hop that the outermost trusted proxy saw, never one the client made up."""
        client = self.scope.get("client")
        direct = client[0] if client else ""
        if not self.site.trusted_proxies:
            return direct
        hops = [_without_port(hop.strip()) for line in self.headers("x-forwarded-for") for hop in line.split(",")]
        chain = [*(hop for hop in hops if hop), direct]
        return chain[max(0, len(chain) - 1 - self.site.trusted_proxies)][:64]

    @property
    def origin(self) -> Origin:
        """Where the request came from, for audit trail, limits and sessions."""
        if self._origin is None:
            agent = self.raw_header(b"user-agent")[:_USER_AGENT_LENGTH].decode("latin-1")
            self._origin = Origin(self.dialect, self.request_id, self.address, agent)
        return self._origin


@lru_cache(256)
def _wire(name: str) -> bytes:
    return name.lower().encode("latin-1")


def _without_port(hop: str) -> str:
    """Some proxies write `192.0.2.1:50000` or `[2001:db8::1]:50000`, a new port for every connection."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    address, colon, port = hop.partition(":")
    return address if colon and port.isdecimal() and "." in address else hop
