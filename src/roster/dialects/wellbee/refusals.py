"""What only this API refuses, beyond what the directory does (contract, error catalogue)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from roster.core.users.errors import EmailTaken, UserNotFound
from roster.kit import errors as kit
from roster.kit.errors import InvalidInput, Problem

_FIELDS: Final[Mapping[str, str]] = {
    "given_name": "firstName",
    "family_name": "lastName",
    "personal_number": "personalNumber",
    "username": "userName",
    "locale": "locale",
}


class NoSuchUser(UserNotFound):
    """The same as UserNotFound to operations that change people."""

    code = "no_such_user"
    text = "User was not found"


class InvalidPassword(InvalidInput):
    """A password that the rules do not take."""

    code = "invalid_password"
    text = "Password does not match the rules for passwords"


class InvalidEmail(InvalidInput):
    """What is no address."""

    code = "invalid_email"
    text = "Invalid email"


class InvalidRoles(InvalidInput):
    """Roles that there are not."""

    code = "invalid_roles"
    text = "Roles contains invalid role(s)"


class PasswordNotTaken(InvalidInput):
    """A password came with a change that has nothing to do with it."""

    code = "password_not_taken"
    text = "Password can only be updated by update-password"


class PasswordMissing(InvalidInput):
    """New people need a password here."""

    code = "password_missing"
    text = "password is required"


class PasswordRequired(kit.Unauthenticated):
    """A new address needs the password, and none came."""

    code = "password_required"
    text = "Password is required to update email"


class PasswordWrong(kit.Unauthenticated):
    """A new address needs the password, and it is another one."""

    code = "password_wrong"
    text = "Unauthorized"


class InvalidQuery(InvalidInput):
    """A query that is missing, or asks for what nobody may ask for."""

    code = "invalid_query"
    text = "The query is not valid."


class Malformed(InvalidInput):
    """A query that makes no sense, where nothing is found; elsewhere a bad request."""

    code = "malformed_query"
    text = "The query makes no sense."


class NotExposed(InvalidInput):
    """An aggregation that would show what nobody reads."""

    code = "not_exposed"
    text = "Cannot expose private properties"


class EmptyQuery(InvalidInput):
    """What would be done to everybody."""

    code = "empty_query"
    text = "The query is empty."


class FieldTaken(kit.Conflict):
    """Somebody has this value of a field whose values are unique here."""

    code = "field_taken"
    text = "Another account has this value"

    def __init__(self, name: str = "field") -> None:
        self.name = name
        super().__init__(f"{name} is not unique")


class LastRole(kit.Conflict):
    """People keep one role."""

    code = "last_role"
    text = "Cannot remove last role"


class SuperAdminStays(kit.Conflict):
    """The role that may do everything keeps doing so."""

    code = "super_admin_stays"
    text = "Cannot delete super-admin role"


def no_such_user(text: str) -> NoSuchUser:
    """The error for an id that nobody has."""
    return NoSuchUser(f"User with id {text[:100]} was not found")


@contextmanager
def in_documents(sent: Mapping[str, object]) -> Iterator[None]:
    """What the directory says of its own fields, said of those of the document that was sent."""
    try:
        yield
    except EmailTaken:
        address = str(sent.get("email", "")).lower()
        text = f"Another account has already been registered with the provided email-address: {address}"
        raise EmailTaken(text) from None
    except InvalidInput as error:
        if any(each.field == "email" for each in error.problems):
            raise InvalidEmail from error
        if type(error) is not InvalidInput:
            raise
        raise InvalidInput([_named(each) for each in error.problems]) from error


def _named(problem: Problem) -> Problem:
    field = problem.field.removeprefix("attributes.")
    return Problem(_FIELDS.get(field, field), problem.code, problem.text)


class FieldsMissing(kit.InvalidInput):
    """Neither a template nor a subject and a message."""

    code = "fields_missing"
    text = "One or many required fields are missing"


class NotTheOwner(kit.Forbidden):
    """The template belongs to others than the caller's."""

    code = "not_the_owner"
    text = "Not allowed to access resource"


class BankIdFailed(kit.Conflict):
    """An order at BankID came to nothing; the text is BankID's word for why."""

    code = "bankid_failed"
    text = "BankID order failed"


class FrejaFailed(kit.Conflict):
    """The same at Freja."""

    code = "freja_failed"
    text = "Freja login failed"


class ProviderUnreachable(kit.Unavailable):
    """An electronic identification does not answer."""

    code = "provider_unreachable"
    text = "The provider does not answer. Please try again in a moment."


class NoJson(InvalidInput):
    """The body says that it is JSON, and is not."""

    code = "no_json"

    def __init__(self) -> None:
        super().__init__([Problem("body", "malformed", "The body cannot be read as JSON.")])
