"""What goes wrong, in the dialect's words: one table from every error to status and code.

Codes and their statuses are those of the notes, section 9. Where that table has no code, the nearest one stands with
the status that says more: 405, 429 and 503. A family answers for its members.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from roster.core.access.errors import LastAdministrator, RoleBuiltIn
from roster.core.credentials.errors import CredentialExists
from roster.core.flows.errors import LinkRequired
from roster.core.mfa.errors import AlreadyActive
from roster.core.users.errors import OwnAccount
from roster.dialects.acceleratxr import wire
from roster.kit import errors as kit
from roster.web.errors import MethodNotAllowed
from roster.web.reply import Headers, Reply
from roster.web.request import Request

_FOREIGN_NAME: Final = "foreign_address"
_BEARER: Final = 'Bearer realm="roster"'
_BASIC: Final = 'Basic realm="roster", charset="UTF-8"'
_PASSWORD_PATH: Final = "/auth/password"  # noqa: S105


class RangeArity(kit.InvalidInput):
    """`range` takes two arguments."""

    code = "range_arity"
    text = "A range has two values."


class UidMismatch(kit.InvalidInput):
    """The uid in the body is not that of the object addressed."""

    code = "uid_mismatch"
    text = "The uid in the body is another than the one in the path."


class WhoIsMe(kit.Forbidden):
    """`me` stands for the caller, and nobody knows who that is."""

    code = "me_unknown"
    text = "Use of the word me requires authentication."


class CodeNeeded(kit.Unauthenticated):
    """A client followed the redirect to the second step by itself."""

    code = "code_needed"
    text = 'A one-time code is needed: send it as {"token": "123456"} with POST to this address.'


class Meaning(msgspec.Struct, frozen=True):
    """The answer to an error."""

    status: int
    code: str


MEANINGS: Final[Mapping[type[kit.RosterError], Meaning]] = {
    kit.InvalidInput: Meaning(400, "api-003"),
    RangeArity: Meaning(400, "api-014"),
    UidMismatch: Meaning(400, "api-013"),
    kit.NotFound: Meaning(404, "api-010"),
    MethodNotAllowed: Meaning(405, "api-003"),
    kit.Conflict: Meaning(400, "api-003"),
    kit.Taken: Meaning(400, "api-011"),
    CredentialExists: Meaning(400, "api-011"),
    AlreadyActive: Meaning(400, "api-011"),
    LinkRequired: Meaning(400, "api-011"),
    LastAdministrator: Meaning(403, "api-102"),
    RoleBuiltIn: Meaning(403, "api-102"),
    OwnAccount: Meaning(403, "api-102"),
    kit.StaleVersion: Meaning(409, "api-012"),
    kit.Unauthenticated: Meaning(401, "api-100"),
    kit.InvalidToken: Meaning(401, "api-101"),
    kit.BadCredentials: Meaning(401, "api-101"),
    CodeNeeded: Meaning(401, "api-101"),
    kit.Forbidden: Meaning(403, "api-102"),
    WhoIsMe: Meaning(403, "api-015"),
    kit.TooMany: Meaning(429, "api-003"),
    kit.TooLarge: Meaning(413, "api-004"),
    kit.Unavailable: Meaning(503, "api-002"),
    kit.Internal: Meaning(500, "api-002"),
}


def render(error: kit.RosterError, request: Request) -> Reply:
    """The documented answer to any error."""
    meaning = Meaning(400, "api-011") if _claims_foreign_name(error) else meaning_of(type(error))
    body = wire.Failure(meaning.code, meaning.status, error.message)
    return Reply(meaning.status, body, _challenge(meaning.status, request))


@cache
def meaning_of(kind: type[kit.RosterError]) -> Meaning:
    """The answer to the nearest family; `api-001` is for what belongs to none."""
    return next((MEANINGS[each] for each in kind.__mro__ if each in MEANINGS), Meaning(500, "api-001"))


def _claims_foreign_name(error: kit.RosterError) -> bool:
    """A name that is an address must be one's own: names and addresses are identifiers of the same space."""
    return isinstance(error, kit.InvalidInput) and any(each.code == _FOREIGN_NAME for each in error.problems)


def _challenge(status: int, request: Request) -> Headers:
    """What a 401 owes (RFC 9110, section 11.6.1)."""
    if status != 401:
        return ()
    return (("WWW-Authenticate", _BASIC if request.path == _PASSWORD_PATH else _BEARER),)
