"""What goes wrong, in the dialect's form: an array with one entry for each problem (notes, section 4).

One table from every error to its status; a family answers for its members. 409 is for versions and for states that the
contract names; names that are taken are 400 there.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.access.errors import AssignmentExists, LastAdministrator, RoleBuiltIn
from roster.core.credentials.errors import WrongPassword
from roster.core.users.errors import OwnAccount
from roster.kit import errors as kit
from roster.web.errors import MethodNotAllowed
from roster.web.reply import Headers, Reply
from roster.web.request import Request

FIRST_VERSION: Final = 1
"""Versions begin here on the wire, and at 0 in the directory."""

_WORDS: Final = {
    "given_name": "firstname",
    "family_name": "lastname",
    "attributes": "customAttributes",
    "updated_at": "lastModified",
    "ceiling": "context",
    "contexts": "context",
}
"""Members that the directory calls otherwise."""
_FIRST_WORD: Final = re.compile(r"\w+")

STATUS: Final[Mapping[type[kit.RosterError], int]] = {
    kit.InvalidInput: 400,
    kit.Taken: 400,
    AssignmentExists: 400,
    WrongPassword: 400,
    kit.Unauthenticated: 401,
    kit.Forbidden: 403,
    RoleBuiltIn: 403,
    LastAdministrator: 403,
    OwnAccount: 403,
    kit.NotFound: 404,
    MethodNotAllowed: 405,
    kit.Conflict: 409,
    kit.TooLarge: 413,
    kit.TooMany: 429,
    kit.Internal: 500,
    kit.Unavailable: 503,
}


class AddressTaken(kit.Conflict):
    """The address that somebody wants for themselves is another user's; told with 409, unlike when users are made."""

    code = "address_taken"
    text = "A user with this e-mail address exists."


class Problem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One problem; the versions only where the one that was sent is not the current one."""

    summary: str
    description: str | UnsetType = UNSET
    request_version: int | UnsetType = UNSET
    version: int | UnsetType = UNSET


def render(error: kit.RosterError, _request: Request) -> Reply:
    """The documented answer to any error."""
    status = status_of(type(error))
    return Reply(status, _problems(error), _challenge(error))


@cache
def status_of(kind: type[kit.RosterError]) -> int:
    """The status of the nearest family; a class outside all of them is a fault of ours."""
    return next((STATUS[each] for each in kind.__mro__ if each in STATUS), 500)


def _problems(error: kit.RosterError) -> list[Problem]:
    summary = type(error).text
    if isinstance(error, kit.StaleVersion):
        sent, stored = error.sent + FIRST_VERSION, error.stored + FIRST_VERSION
        return [Problem(summary=summary, request_version=sent, version=stored)]
    if isinstance(error, kit.InvalidInput) and error.problems:
        return [Problem(summary=summary, description=_described(each)) for each in error.problems]
    return [Problem(summary=summary, description=error.message if error.message != summary else UNSET)]


def _described(problem: kit.Problem) -> str:
    """What is wrong, and where in the words of the dialect."""
    where = _FIRST_WORD.sub(lambda found: _WORDS.get(found[0], found[0]), problem.field, count=1)
    return f"{where}: {problem.text}" if where else problem.text


def _challenge(error: kit.RosterError) -> Headers:
    """What a 401 owes (RFC 9110, section 11.6.1; RFC 6750, section 3)."""
    if isinstance(error, kit.InvalidToken):
        return (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    return (("WWW-Authenticate", "Bearer"),) if isinstance(error, kit.Unauthenticated) else ()
