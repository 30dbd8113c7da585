"""What goes wrong at sign-in and renewal, in the identity toolkit's words (notes, section 3)."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.flows.errors import LinkRequired
from roster.dialects.fulfillmenttools.wire import identity as wire
from roster.federation.errors import UnknownProvider
from roster.kit import errors as kit
from roster.web.errors import MethodNotAllowed
from roster.web.reply import Reply
from roster.web.request import Request


class Refused(kit.InvalidInput):
    """The request is refused with one of the documented words."""

    code = "refused"
    text = "The request is refused."

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(text=word)


class KeyMissing(kit.Forbidden):
    """Without an API key nobody knows which tenant is meant."""

    code = "api_key_missing"
    text = "The request is missing a valid API key."


class KeyUnknown(kit.InvalidInput):
    """No tenant has this API key, or another one than the address names."""

    code = "api_key_unknown"
    text = "API key not valid. Please pass a valid API key."


class Meaning(msgspec.Struct, frozen=True):
    """The answer to an error. Without a word the error speaks for itself."""

    status: int
    word: str = ""
    canonical: str | UnsetType = UNSET
    reason: str = "invalid"


_INVALID: Final = "INVALID_ARGUMENT"
MEANINGS: Final[Mapping[type[kit.RosterError], Meaning]] = {
    Refused: Meaning(400),
    KeyMissing: Meaning(403, canonical="PERMISSION_DENIED", reason="forbidden"),
    KeyUnknown: Meaning(400, canonical=_INVALID, reason="badRequest"),
    kit.BadCredentials: Meaning(400, "INVALID_LOGIN_CREDENTIALS"),
    kit.Unauthenticated: Meaning(400, "INVALID_REFRESH_TOKEN"),
    UnknownProvider: Meaning(400, "OPERATION_NOT_ALLOWED"),
    LinkRequired: Meaning(400, "EMAIL_EXISTS"),
    kit.Taken: Meaning(400, "EMAIL_EXISTS"),
    kit.Conflict: Meaning(400, canonical="FAILED_PRECONDITION"),
    kit.Forbidden: Meaning(400, "ADMIN_ONLY_OPERATION"),
    kit.InvalidInput: Meaning(400, canonical=_INVALID),
    kit.NotFound: Meaning(404, canonical="NOT_FOUND", reason="notFound"),
    MethodNotAllowed: Meaning(405, canonical="NOT_FOUND", reason="httpMethodNotAllowed"),
    kit.TooLarge: Meaning(413, canonical=_INVALID, reason="uploadTooLarge"),
    kit.TooMany: Meaning(429, "TOO_MANY_ATTEMPTS_TRY_LATER", "RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    kit.Internal: Meaning(500, canonical="INTERNAL", reason="backendError"),
    kit.Unavailable: Meaning(503, canonical="UNAVAILABLE", reason="backendError"),
}


def render(error: kit.RosterError, _request: Request) -> Reply:
    """The answer to any error, in the shape of Google's."""
    meaning = meaning_of(type(error))
    message = meaning.word or error.message
    detail = wire.Detail(message=message, domain="global", reason=meaning.reason)
    failure = wire.Failure(code=meaning.status, message=message, errors=[detail], status=meaning.canonical)
    return Reply(meaning.status, wire.IdentityError(error=failure))


@cache
def meaning_of(kind: type[kit.RosterError]) -> Meaning:
    """The answer to the nearest family; a class outside all of them is a fault of ours."""
    return next((MEANINGS[each] for each in kind.__mro__ if each in MEANINGS), MEANINGS[kit.Internal])
