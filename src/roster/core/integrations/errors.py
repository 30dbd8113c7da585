"""What can go wrong with applications."""

from roster.kit.errors import InvalidInput, NotFound, Taken


class IntegrationNotFound(NotFound):
    """No such application in this realm, or none the actor may know of."""

    code = "integration_not_found"
    text = "There is no such integration."


class IntegrationAliasTaken(Taken):
    """Aliases of applications are unique in a realm."""

    code = "integration_alias_taken"
    text = "There is an integration with this alias."
    field = "alias"


class InvalidGrant(InvalidInput):
    """A code that is not good, not of this application, used before, or without the verifier that belongs to it."""

    code = "invalid_grant"
    text = "The code is not valid."
