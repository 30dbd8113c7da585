"""What goes wrong, in the dialect's words: one table from every error to status and code (notes, section 7).

Codes are ours, since the public documents list none. A family answers for its members.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from roster.core.access.errors import LastAdministrator, RoleBuiltIn
from roster.core.integrations.errors import InvalidGrant
from roster.core.signed.errors import StaleClock
from roster.core.users.errors import OwnAccount
from roster.dialects.onslip360 import wire
from roster.kit import errors as kit
from roster.kit.filters import InvalidFilter
from roster.web import errors as web
from roster.web.reply import Headers, Reply
from roster.web.request import Request

_TOKEN_PATH: Final = "/oauth-token"  # noqa: S105
_CHALLENGE: Final = "Hawk"
_OF_FORM: Final = frozenset(
    {"required", "unknown_field", "length", "pattern", "not_allowed", "out_of_range", "wrong_type"}
)
"""Problems whose sentences do not say what they are about (`web.problems`)."""


class Changed(kit.Conflict):
    """The entity is not the one whose tag the caller has (RFC 9110, section 13.1.1)."""

    code = "changed"
    text = "The entity was changed meanwhile."


class BadQuery(kit.InvalidInput):
    """A filter or a sort key that cannot be understood."""

    code = "bad_query"
    text = "The query cannot be understood."


class UnsupportedGrant(kit.InvalidInput):
    """The token endpoint gives keys for authorization codes only."""

    code = "unsupported_grant_type"
    text = "The grant type is authorization_code."


class Meaning(msgspec.Struct, frozen=True):
    """The answer to an error."""

    status: int
    code: str


_FORBIDDEN: Final = Meaning(403, "forbidden")
_FAULT: Final = Meaning(500, "server-error")
MEANINGS: Final[Mapping[type[kit.RosterError], Meaning]] = {
    kit.InvalidInput: Meaning(400, "bad-request"),
    BadQuery: Meaning(400, "bad-query"),
    InvalidFilter: Meaning(400, "bad-query"),
    web.UnsupportedMedia: Meaning(415, "unsupported-media-type"),
    web.NotAcceptable: Meaning(406, "not-acceptable"),
    web.MethodNotAllowed: Meaning(405, "method-not-allowed"),
    kit.Unauthenticated: Meaning(401, "unauthorized"),
    kit.Forbidden: _FORBIDDEN,
    LastAdministrator: _FORBIDDEN,
    OwnAccount: _FORBIDDEN,
    RoleBuiltIn: _FORBIDDEN,
    kit.NotFound: Meaning(404, "not-found"),
    kit.Conflict: Meaning(409, "conflict"),
    kit.StaleVersion: Meaning(412, "precondition-failed"),
    Changed: Meaning(412, "precondition-failed"),
    kit.TooLarge: Meaning(413, "too-large"),
    kit.TooMany: Meaning(429, "too-many-requests"),
    kit.Unavailable: Meaning(503, "unavailable"),
    kit.Internal: _FAULT,
}


def render(error: kit.RosterError, request: Request) -> Reply:
    """The documented answer to any error."""
    meaning = meaning_of(type(error))
    message = _message(error)
    body: object = wire.ServerError(message, meaning.code)
    if request.path.removesuffix(".json").rstrip("/") == _TOKEN_PATH:
        body = wire.TokenError(message, meaning.code, _oauth_code(error), message)
    return Reply(meaning.status, body, _challenge(error, meaning))


def _message(error: kit.RosterError) -> str:
    """The sentence; of what is wrong with the form of a request, behind the member that it is about."""
    problem = next(iter(error.problems), None) if isinstance(error, kit.InvalidInput) else None
    if problem is None or problem.code not in _OF_FORM or problem.field == "body":
        return error.message
    return f"{problem.field}: {error.message}"


@cache
def meaning_of(kind: type[kit.RosterError]) -> Meaning:
    """The answer to the nearest family; what belongs to none is a fault of ours."""
    return next((MEANINGS[each] for each in kind.__mro__ if each in MEANINGS), _FAULT)


def _oauth_code(error: kit.RosterError) -> str:
    """RFC 6749, section 5.2."""
    if isinstance(error, kit.Unavailable | kit.TooMany):
        return "temporarily_unavailable"
    if isinstance(error, UnsupportedGrant):
        return "unsupported_grant_type"
    if isinstance(error, InvalidGrant):
        return "invalid_grant"
    return "invalid_request" if isinstance(error, kit.InvalidInput) else "server_error"


def _challenge(error: kit.RosterError, meaning: Meaning) -> Headers:
    """What a 401 owes (RFC 9110, section 11.6.1)."""
    if meaning.status != 401:
        return ()
    challenge = error.challenge if isinstance(error, StaleClock) else ""
    return (("WWW-Authenticate", challenge or _CHALLENGE),)
