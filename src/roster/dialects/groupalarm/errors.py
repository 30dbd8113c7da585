"""What goes wrong, in the dialect's envelope: `message` for people in their language, `error` for programs in English.

One table from every error to its status; a family answers for its members (notes, sections 2, 3 and 16).
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from roster.core.access.errors import LastAdministrator, LastOrgAdministrator, RoleBuiltIn
from roster.core.availability.errors import ChangeCollides
from roster.core.memberships.errors import StillMember
from roster.core.orgs.errors import LastOwner
from roster.core.users.errors import OwnAccount
from roster.dialects.groupalarm import texts
from roster.kit import errors as kit
from roster.web.errors import MethodNotAllowed
from roster.web.reply import Headers, Reply
from roster.web.request import Request


class MfaRequired(kit.Unauthenticated):
    """The password was right, and the account wants a code too. Clients look for exactly these words (seed)."""

    code = "mfa_required"
    text = "MFA required"


class NoUser(kit.InvalidInput):
    """An organisation asks for something that only people have."""

    code = "no_user"
    text = "missing user id in auth token"


class UserOnly(kit.Forbidden):
    """The same where the contract knows no 400."""

    code = "user_only"
    text = "missing user id in auth token"


class NotActivated(kit.Forbidden):
    """The address is not verified yet, and the operation is not one of those that help with it."""

    code = "not_activated"
    text = "account is not activated"


class UnreadableToken(kit.Forbidden):
    """What stands where a JWT should is none."""

    code = "unreadable_token"
    text = "bearer token cannot be read"


class UnreadableClaims(kit.InvalidInput):
    """A JWT that says nothing which could be a session of ours."""

    code = "unreadable_claims"
    text = "claims of the bearer token cannot be read"


class TokenNotFound(kit.NotFound):
    """The token of a message is unknown, used or too old."""

    code = "token_not_found"
    text = "token is unknown, used or expired"


class NoInvitationText(kit.NotFound):
    """The organisation says nothing of its own in its invitations."""

    code = "no_invitation_text"
    text = "no invitation text stored"


class MemberStill(kit.Forbidden):
    """Who belongs to organisations leaves them before the account is deleted; the technical reason counts them."""

    code = "member_still"
    text = "user is member of organizations"


class EntryNotFound(kit.NotFound):
    """The role has no such access entry."""

    code = "entry_not_found"
    text = "access entry not found"


class SecondFactorFirst(kit.InvalidInput):
    """The organisation demands two-factor login, which the person sets up before joining (contract: 400)."""

    code = "second_factor_first"
    text = "organization demands two-factor login"


class NotMember(kit.InvalidInput):
    """Somebody says something for an organisation that they do not belong to, or that there is not (contract: 400)."""

    code = "not_member"
    text = "not a member of requested organization"


class NotEditable(kit.Forbidden):
    """The person does not let administrators of organisations change the profile."""

    code = "not_editable"
    text = "user does not allow to be edited"


class Failure(msgspec.Struct, frozen=True):
    """What every error looks like."""

    success: bool
    message: str
    error: str


STATUS: Final[Mapping[type[kit.RosterError], int]] = {
    kit.InvalidInput: 400,
    kit.Conflict: 400,
    kit.StaleVersion: 409,
    ChangeCollides: 409,
    kit.Unauthenticated: 401,
    kit.StepUpRequired: 401,
    RoleBuiltIn: 401,
    kit.Forbidden: 403,
    LastAdministrator: 403,
    LastOrgAdministrator: 403,
    LastOwner: 403,
    StillMember: 403,
    OwnAccount: 403,
    kit.NotFound: 404,
    MethodNotAllowed: 405,
    kit.TooLarge: 413,
    UnreadableClaims: 422,
    kit.TooMany: 429,
    kit.Internal: 500,
    kit.Unavailable: 503,
}


def render(error: kit.RosterError, request: Request) -> Reply:
    """The documented answer to any error."""
    kind = type(error)
    message = error.message if kind is MfaRequired else texts.refusal(kind, texts.language(request))
    return Reply(status_of(kind), Failure(success=False, message=message, error=reason(error)), _challenge(error))


@cache
def status_of(kind: type[kit.RosterError]) -> int:
    """The status of the nearest family; a class outside all of them is a fault of ours."""
    return next((STATUS[each] for each in kind.__mro__ if each in STATUS), 500)


def reason(error: kit.RosterError) -> str:
    """The technical words: what is wrong where, else the error's own, else its name."""
    if isinstance(error, kit.InvalidInput) and error.problems:
        return "; ".join(f"{each.field}: {_lowered(each.text)}" for each in error.problems)
    if type(error).__module__ == __name__ or error.message != type(error).text:
        return _lowered(error.message) if error.message != MfaRequired.text else error.message
    return type(error).code.replace("_", " ")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _challenge(error: kit.RosterError) -> Headers:
    """What a 401 owes (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9470, section 3)."""
    if isinstance(error, kit.StepUpRequired):
        return (("WWW-Authenticate", 'Bearer error="insufficient_user_authentication"'),)
    if isinstance(error, kit.InvalidToken):
        return (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    return (("WWW-Authenticate", "Bearer"),) if status_of(type(error)) == 401 else ()
