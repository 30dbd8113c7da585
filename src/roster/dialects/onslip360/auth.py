"""Who asks, and whether that is enough (notes, sections 3 and 8)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from roster.core.signed import service as signed
from roster.core.signed.models import Signed
from roster.core.tokens import service as tokens
from roster.dialects.onslip360 import address, catalogue
from roster.kit import actor as actors
from roster.kit import hawk
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, Unauthenticated
from roster.kit.hawk import Target
from roster.kit.ids import RealmId
from roster.storage.tx import Tx
from roster.web.errors import UnknownRoute
from roster.web.operation import Operation
from roster.web.request import Request

MOMENTS: Final[Mapping[str, object]] = {"x-moments": True}
"""Marks operations that answer for a moment in the past."""
SECURITY_SCHEMES: Final = {
    "hawk": {
        "type": "http",
        "scheme": "Hawk",
        "description": "Hawk 1 with SHA-256; the id is a key identifier such as `key:ALIAS+TOKEN@REALM`.",
    }
}
_NO_REALM: Final = RealmId(UUID(int=0))


async def authenticate(tx: Tx, request: Request, operation: Operation) -> Actor:
    """The actor; nobody, in no realm, for public operations, whatever credential came along.

    Raises as `signed.authenticate` does, Unauthenticated; UnknownRoute for a moment where there is no history.
    """
    if address.AT in request.extra and operation.extra is not MOMENTS:
        raise UnknownRoute
    if operation.public:
        return actors.anonymous(_NO_REALM, "", request.origin)
    header = request.header("authorization")
    if not header:
        raise Unauthenticated
    if hawk.is_hawk(header):
        return await signed.authenticate(tx, request.realm_slug, _signed(tx, request, header), request.origin)
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer" and tx.runtime.settings.dialects.onslip360.bearer_tokens:
        return await tokens.authenticate(tx, request.realm_slug, text, request.origin)
    raise InvalidToken


def _signed(tx: Tx, request: Request, header: str) -> Signed:
    """The request as its sender signed it. Raises InvalidToken for a header that is none."""
    parsed = hawk.parse(header)
    host = _host(tx, request)
    place = hawk.place(host, _scheme(tx, request, host))
    if place is None:
        raise InvalidToken
    path = request.full_path
    if request.raw_query:
        path += "?" + request.raw_query.decode("latin-1")
    target = Target(request.method, path, *place)
    return Signed(parsed, target, request.header("content-type") or "", request.body)


def _host(tx: Tx, request: Request) -> str:
    """Host and port of the client's base address (notes, section 1, rule 4): configured, forwarded, or as asked for."""
    configured = tx.runtime.settings.dialects.onslip360.public_host
    if configured:
        return configured
    forwarded = request.header("x-forwarded-host") if request.site.trusted_proxies else None
    return forwarded.partition(",")[0] if forwarded else request.host


def _scheme(tx: Tx, request: Request, host: str) -> str:
    """What the client speaks, which decides on the usual port.

    A proxy may end TLS and not say so; then it is the public address that tells.
    """
    public = urlsplit(request.site.public_url)
    is_public = bool(tx.runtime.settings.dialects.onslip360.public_host) or host.lower() == public.netloc
    return "https" if is_public and public.scheme == "https" else request.scheme


def holds(tx: Tx, name: str) -> bool:
    """Whether the actor has this permission name, if only within places; the core decides about whom."""
    return tx.actor.grants.holds(catalogue.permission(name))


def require(tx: Tx, *names: str) -> None:
    """Raise Forbidden unless the actor has one of these permission names."""
    if not any(holds(tx, name) for name in names):
        raise Forbidden(f"The permission {names[0]} is needed.")
