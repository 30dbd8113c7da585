"""What the HTTP gateway of the platform does before and around every operation (notes, sections 6 and 9)."""

import re
from typing import Final

import msgspec

from roster.dialects.wellbee import forwarding
from roster.kit import clock
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime
from roster.web import query as queries
from roster.web.operation import Operation, Operations, describe
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="gateway")

_FORM: Final = "application/x-www-form-urlencoded"
_TEXTS: Final = frozenset(
    {*(f"text/{each}" for each in ("plain", "xml", "html", "css", "csv", "calendar")), "application/xml"}
)
_NOTHING: Final = b"{}"
_STARTED: Final = clock.now()
_SLASHES: Final = re.compile("/+")


def address(request: Request) -> str:
    """The path as subjects have it: in lower case, without empty segments, parameters included."""
    return "/" + _SLASHES.sub("/", request.path).strip("/").lower()


def as_json(request: Request) -> bytes:
    """The data of a request: JSON as it is, forms as objects, text as text, everything else as an empty object."""
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if not request.body:
        return _NOTHING
    if "json" in kind:
        return request.body
    if kind == _FORM:
        return msgspec.json.encode(dict(queries.pairs(request.body.decode("latin-1"))))
    if kind in _TEXTS:
        return msgspec.json.encode(request.body.decode("utf-8", "replace"))
    return _NOTHING


@ops.get("/", id="gateway-alive", public=True)
async def alive() -> Reply:
    """Since when this process runs."""
    return Reply(body=msgspec.json.encode({"status": since()}))


@ops.get("/health", id="gateway-health", public=True)
async def health() -> Reply:
    """The same, at the address that load balancers ask."""
    return await alive()


@ops.get("/robots.txt", id="gateway-robots", public=True, produces="text/plain")
async def robots() -> Reply:
    """There is nothing for crawlers here."""
    return Reply(body="User-agent: *\nDisallow: /", content_type="text/plain")


def since() -> str:
    """Since when this process runs, as JavaScript writes dates."""
    return f"Alive since {_STARTED.strftime('%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)')}"


def base_url(runtime: Runtime, realm_slug: str) -> str:
    """Where people reach this API of a realm, in links that leave the house."""
    settings = runtime.settings
    prefix = next((each.rstrip("/") for each in settings.dialects.wellbee.prefixes), "")
    realm = "" if realm_slug == settings.dialects.wellbee.realm else f"/realms/{realm_slug}"
    return settings.server.public_url + realm + prefix


async def elsewhere(runtime: Runtime, request: Request, actor: Actor) -> Reply:
    """A path that no operation has: to browsers that ask first it is open; other services on the bus may answer it."""
    if request.method == "OPTIONS":
        return Reply(204)
    return await forwarding.forward(runtime, request, actor)


ELSEWHERE: Final[Operation] = describe("ANY", "/*", elsewhere, {"id": "gateway-unknown-route", "public": True})
