"""Who asks, and whether that is enough (notes, sections 3 and 8)."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from roster.core.tokens import service as tokens
from roster.dialects.onslip360 import address, catalogue
from roster.kit import actor as actors
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, Unauthenticated
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

    Raises Unauthenticated, InvalidToken; UnknownRoute for a moment where there is no history.
    """
    if address.AT in request.extra and operation.extra is not MOMENTS:
        raise UnknownRoute
    if operation.public:
        return actors.anonymous(_NO_REALM, "", request.origin)
    header = request.header("authorization")
    if not header:
        raise Unauthenticated
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer" and tx.runtime.settings.dialects.onslip360.bearer_tokens:
        return await tokens.authenticate(tx, request.realm_slug, text, request.origin)
    raise InvalidToken


def holds(tx: Tx, name: str) -> bool:
    """Whether the actor has this permission name, if only within places; the core decides about whom."""
    return tx.actor.grants.holds(catalogue.permission(name))


def require(tx: Tx, *names: str) -> None:
    """Raise Forbidden unless the actor has one of these permission names."""
    if not any(holds(tx, name) for name in names):
        raise Forbidden(f"The permission {names[0]} is needed.")
