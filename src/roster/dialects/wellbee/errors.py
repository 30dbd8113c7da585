"""What goes wrong, in the words of the Fruster platform: one table from every error to status, code and title.

Three families of codes stand side by side, as they do on the wire (notes, section 21). A family of errors answers for
its members.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from roster.core.access.errors import RoleNameTaken
from roster.core.files.errors import FileKindRefused, FileMissing, FileTooLarge
from roster.core.mfa.errors import BankIdRequired, PersonalNumberTaken
from roster.core.users.errors import EmailTaken, IdTaken, UsernameTaken, UserNotFound
from roster.dialects.wellbee import frame, refusals, signing_in, words
from roster.federation.errors import UnknownProvider
from roster.kit import errors as kit
from roster.kit import ids
from roster.web.errors import MethodNotAllowed, UnknownRoute
from roster.web.reply import Reply
from roster.web.request import Request


class Meaning(msgspec.Struct, frozen=True):
    """The answer to an error."""

    status: int
    code: str
    title: str


_BAD_REQUEST: Final = Meaning(400, "BAD_REQUEST", "Request has missing or invalid fields")
_NOBODY_ANSWERS: Final = Meaning(404, "BUS_RESPONSE_TIMEOUT", "Bus response timed out")
_BROKEN: Final = Meaning(500, "INTERNAL_SERVER_ERROR", "Server encountered an unexpected error")
MEANINGS: Final[Mapping[type[kit.RosterError], Meaning]] = {
    kit.InvalidInput: _BAD_REQUEST,
    kit.Conflict: _BAD_REQUEST,
    EmailTaken: Meaning(400, "user-service.400.10", "Email is not unique"),
    UsernameTaken: Meaning(400, "fruster-user-service.USERNAME_NOT_UNIQUE", "USERNAME is not unique"),
    IdTaken: Meaning(400, "fruster-user-service.ID_NOT_UNIQUE", "ID is not unique"),
    RoleNameTaken: Meaning(400, "fruster-user-service.SYSTEM_ROLE_ALREADY_EXISTS", "System role already exists"),
    refusals.InvalidPassword: Meaning(400, "user-service.400.3", "Invalid password"),
    refusals.InvalidRoles: Meaning(400, "user-service.400.4", "Invalid roles"),
    refusals.InvalidEmail: Meaning(400, "user-service.400.5", "Invalid email"),
    refusals.PasswordNotTaken: Meaning(400, "user-service.400.6", "Cannot update password"),
    refusals.PasswordMissing: Meaning(400, "user-service.400.7", "password is required"),
    refusals.InvalidQuery: Meaning(400, "user-service.400.13", "Invalid json"),
    refusals.NotExposed: Meaning(400, "BAD_REQUEST", "Bad request"),
    refusals.LastRole: Meaning(400, "user-service.400.14", "Cannot remove last role"),
    refusals.EmptyQuery: Meaning(400, "fruster-user-service.BAD_REQUEST", "Request has invalid or missing fields"),
    refusals.PasswordWrong: Meaning(401, "fruster-user-service.UNAUTHORIZED", "Unauthorized"),
    refusals.PasswordRequired: Meaning(401, "fruster-user-service.PASSWORD_REQUIRED", "Password required"),
    refusals.SuperAdminStays: Meaning(
        400, "fruster-user-service.CANNOT_DELETE_SUPER_ADMIN", "Cannot delete super-admin role"
    ),
    refusals.NoSuchUser: Meaning(404, "user-service.404.1", "User not found"),
    refusals.BankIdFailed: Meaning(400, "BANKID_FAILED", "BankID order failed"),
    refusals.FrejaFailed: Meaning(400, "FREJA_FAILED", "Freja login failed"),
    refusals.ProviderUnreachable: _BROKEN,
    BankIdRequired: Meaning(403, "BANKID_REQUIRED", "BankID login required"),
    PersonalNumberTaken: Meaning(400, "fruster-user-service.PERSONALNUMBER_NOT_UNIQUE", "personalNumber is not unique"),
    UnknownProvider: _NOBODY_ANSWERS,
    UnknownRoute: _NOBODY_ANSWERS,
    MethodNotAllowed: _NOBODY_ANSWERS,
    signing_in.EmailNotVerified: Meaning(
        400, "fruster-user-service.EMAIL_NOT_VERIFIED", "User's email is not verified"
    ),
    signing_in.WrongToken: Meaning(400, "fruster-user-service.INVALID_TOKEN", "Token is invalid"),
    signing_in.NoAccount: Meaning(403, "user-service.403.1", "Forbidden"),
    signing_in.NobodyHasToken: Meaning(404, "NOT_FOUND", "Resource was not found"),
    signing_in.BadPayload: Meaning(400, "BAD_REQUEST", "Bad request"),
    signing_in.NoToken: Meaning(400, "BAD_REQUEST", "Bad request"),
    signing_in.WrongSecondFactor: Meaning(401, "UNAUTHORIZED", "Invalid or missing credentials"),
    signing_in.Deactivated: Meaning(403, "auth-service.403.2", "User is deactivated"),
    signing_in.UnknownRefreshToken: Meaning(404, "auth-service.404.1", "Refresh token not found"),
    signing_in.NobodyFound: Meaning(404, "auth-service.404.2", "User not found"),
    signing_in.RefreshTokenExpired: Meaning(420, "auth-service.420.1", "Refresh token expired"),
    signing_in.SeveralFound: Meaning(500, "auth-service.500.1", "Unexpected error"),
    kit.NotFound: Meaning(404, "NOT_FOUND", "Resource was not found"),
    UserNotFound: Meaning(404, "fruster-user-service.NOT_FOUND", "Resource does not exist"),
    kit.Unauthenticated: Meaning(403, "MUST_BE_LOGGED_IN", "Permission denied"),
    kit.InvalidToken: Meaning(403, "auth-service.403.1", "Invalid JWT token"),
    kit.BadCredentials: Meaning(401, "user-service.401.3", "Invalid username or password"),
    kit.Forbidden: Meaning(403, "PERMISSION_DENIED", "Permission denied"),
    refusals.FieldsMissing: Meaning(400, "MISSING_FIELDS", "One or many required fields are missing"),
    refusals.NotTheOwner: Meaning(403, "FORBIDDEN", "Not allowed to access resource"),
    FileMissing: Meaning(400, "FILE_NOT_PROVIDED", "No file provided"),
    FileTooLarge: Meaning(400, "FILE_TOO_LARGE", "File too large"),
    FileKindRefused: Meaning(400, "INVALID_FILE_TYPE", "File type not allowed"),
    kit.TooLarge: Meaning(413, "TOO_LARGE", "Request entity too large"),
    kit.TooMany: Meaning(429, "TOO_MANY_REQUESTS", "Too many requests"),
    kit.Internal: _BROKEN,
    kit.Unavailable: Meaning(503, "UNAVAILABLE", "Service is unavailable"),
}


def render(error: kit.RosterError, request: Request) -> Reply:
    """The documented answer to any error."""
    if (said := _before_any_operation(error)) is not None:
        return said
    meaning = of(error)
    failure = frame.Failure(
        code=meaning.code,
        title=meaning.title,
        detail=detail(error),
        id=str(ids.uuid4()),
        thrower=frame.SERVICE,
    )
    return frame.refuse(request, meaning.status, failure)


def of(error: kit.RosterError) -> Meaning:
    """What an error means: that of its class, but where the code names the field that it is about."""
    if isinstance(error, refusals.FieldTaken):
        return Meaning(400, f"fruster-user-service.{error.name.upper()}_NOT_UNIQUE", f"{error.name} is not unique")
    return meaning_of(type(error))


@cache
def meaning_of(kind: type[kit.RosterError]) -> Meaning:
    """That of the nearest family; a class outside all of them is a fault of ours."""
    return next((MEANINGS[each] for each in kind.__mro__ if each in MEANINGS), MEANINGS[kit.Internal])


def _before_any_operation(error: kit.RosterError) -> Reply | None:
    """What the gateway says by itself, without an envelope: to bodies too large and to what is no JSON."""
    if isinstance(error, signing_in.TwoTokens):
        return Reply(400, None)
    if isinstance(error, kit.TooLarge):
        return Reply(413, {"message": "request entity too large"})
    if (
        isinstance(error, kit.InvalidInput)
        and error.problems
        and (error.problems[0].field, error.problems[0].code) == ("body", "malformed")
    ):
        return Reply(400, {"message": error.problems[0].text})
    return None


def detail(error: kit.RosterError) -> str:
    """The words for developers: what is wrong where, for input; empty where the original's are lost (section 4)."""
    if isinstance(error, kit.InvalidInput) and error.problems:
        return words.of(error.problems[0])
    return "" if type(error) is kit.Unauthenticated else error.message
