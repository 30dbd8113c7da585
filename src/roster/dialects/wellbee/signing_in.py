"""What the authentication service refuses, beyond what the directory does (contract, error catalogue)."""

from roster.kit import errors as kit


class TwoTokens(kit.InvalidInput):
    """Tokens at two places of one request."""

    code = "two_tokens"
    text = "There is more than one token."


class EmailNotVerified(kit.Conflict):
    """The password is right, but the person has to verify their address first."""

    code = "email_not_verified"
    text = "User's email is not verified"


class BadPayload(kit.InvalidInput):
    """What a service would add to a token is too much, or the token's own."""

    code = "bad_payload"
    text = "additionalPayload is too large, or has members that are the token's own"


class NoToken(kit.InvalidInput):
    """A token is what this is about, and there is none."""

    code = "no_token"
    text = "Provide a token in the Authorization header or as query parameter token"


class WrongSecondFactor(kit.Unauthenticated):
    """A code is wrong, was used, or is too old; or there is no sign-in that it could finish."""

    code = "wrong_second_factor"
    text = "The code is wrong, or too old."


class Deactivated(kit.Forbidden):
    """The person may not sign in at present."""

    code = "deactivated"
    text = "User is deactivated"


class UnknownRefreshToken(kit.NotFound):
    """No refresh token of ours."""

    code = "unknown_refresh_token"
    text = "The provided refresh token could not be found"


class NobodyFound(kit.NotFound):
    """Nobody fits the query, or the owner of the token is gone."""

    code = "nobody_found"
    text = "Cannot create JWT token: no user was found"


class NoAccount(kit.Forbidden):
    """There is nobody whose password could be changed."""

    code = "no_account"
    text = "Forbidden"


class NobodyHasToken(kit.NotFound):
    """Nobody has this id, or got this token."""

    code = "nobody_has_token"
    text = "Resource was not found"


class WrongToken(kit.Conflict):
    """A token of a message is unknown, was used, or is too old."""

    code = "wrong_token"
    text = "The token is not a valid token"

    @classmethod
    def of(cls, token: str) -> "WrongToken":
        """As it is told about a token that somebody sent."""
        return cls(f"{token[:100]} is not a valid token")


class RefreshTokenExpired(kit.Unauthenticated):
    """The refresh token is too old, or its session has ended."""

    code = "refresh_token_expired"
    text = "The provided refresh token has expired"


class SeveralFound(kit.Internal):
    """More than one person fits a query that must mean one."""

    code = "several_found"
    text = "Cannot create JWT token: the query fits more than one user"
