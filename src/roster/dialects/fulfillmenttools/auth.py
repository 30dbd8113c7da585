"""Who asks: a bearer token of the tenant that the address names, whose roles give the documented keys."""

from functools import cache
from typing import Final

from roster.core.tokens import service as tokens
from roster.dialects.fulfillmenttools import catalogue
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidToken, Unauthenticated
from roster.storage.tx import Tx
from roster.web.operation import Operation
from roster.web.request import Request

SECURITY_SCHEMES: Final = {
    "BearerToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The idToken or id_token of the sign-in calls.",
    }
}


async def authenticate(tx: Tx, request: Request, operation: Operation) -> Actor:
    """The actor, who holds every documented key at least somewhere; where, the directory decides.

    Raises Unauthenticated, InvalidToken (also for a token of another tenant), Forbidden.
    """
    actor = await tokens.authenticate(tx, request.realm_slug, _bearer(request), request.origin)
    for key in keys(operation.needs):
        if not actor.grants.holds(catalogue.permission(key)):
            raise Forbidden(f"The permission {key} is required.")
    return actor


@cache
def keys(needs: str) -> tuple[str, ...]:
    """The keys of an operation's `needs`, which joins them with `and`. Raises KeyError for one that does not exist."""
    found = tuple(needs.split(" and ")) if needs else ()
    for key in found:
        catalogue.KEYS[key]
    return found


def _bearer(request: Request) -> str:
    header = request.header("authorization")
    if header is None:
        raise Unauthenticated
    scheme, _, text = header.partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        raise InvalidToken
    return text
