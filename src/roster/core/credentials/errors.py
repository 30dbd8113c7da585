"""What can go wrong with credentials."""

from roster.kit.errors import Conflict, Forbidden, NotFound, Taken


class CredentialNotFound(NotFound):
    """No such credential of this person, or none the actor may know of."""

    code = "credential_not_found"
    text = "There is no such credential."


class CredentialExists(Conflict):
    """A person has at most one credential of this kind."""

    code = "credential_exists"
    text = "There is already a credential of this kind."


class WrongPassword(Forbidden):
    """The current password, asked for before setting a new one, is wrong."""

    code = "wrong_password"
    text = "The current password is wrong."


class TooManyCredentials(Conflict):
    """A person has a bounded number of credentials."""

    code = "too_many_credentials"
    text = "Please remove a credential before adding another."


class AliasTaken(Taken):
    """The aliases of a person's signing keys are unique."""

    code = "alias_taken"
    text = "There is another key with this alias."
    field = "alias"
