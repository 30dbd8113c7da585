"""Sign-in and renewal as the identity toolkit has them (contract, tag Sign-in)."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType, field

from roster.dialects.fulfillmenttools.wire.base import Wire

Address = Annotated[str, Meta(max_length=320)]
Secret = Annotated[str, Meta(max_length=1024)]
Token = Annotated[str, Meta(max_length=16_384)]
Code = Annotated[str, Meta(max_length=64)]
Seconds = Annotated[str, Meta(pattern="^[0-9]+$")]


class SignInRequest(Wire, frozen=True, kw_only=True):
    """An address and a password; what is missing has an answer of its own."""

    email: Address = ""
    password: Secret = ""
    return_secure_token: bool = False


class SignInWithIdpRequest(Wire, frozen=True, kw_only=True):
    """A token of an external provider, in a form of its own: `id_token=…&providerId=oidc.…`."""

    post_body: Annotated[str, Meta(max_length=32_768)] = ""
    request_uri: Annotated[str, Meta(max_length=2048)] = ""
    return_secure_token: bool = False


class SecondFactor(Wire, frozen=True, kw_only=True):
    """A one-time code."""

    verification_code: Code = ""


class FinalizeRequest(Wire, frozen=True, kw_only=True):
    """The second step of a sign-in."""

    mfa_pending_credential: Token = ""
    mfa_enrollment_id: str = ""
    totp_verification_info: SecondFactor | None = None


class RefreshRequest(Wire, frozen=True, kw_only=True, rename=None):
    """A renewal; every member may be in the query instead, and in camel case."""

    grant_type: str | UnsetType = UNSET
    refresh_token: Token | UnsetType = UNSET
    grant_type_too: str | UnsetType = field(default=UNSET, name="grantType")
    refresh_token_too: Token | UnsetType = field(default=UNSET, name="refreshToken")


class SignInResponse(Wire, frozen=True, kw_only=True):
    """Tokens. `expires_in` is text, as in the original."""

    kind: str
    local_id: str
    email: str
    display_name: str
    id_token: str
    registered: bool
    refresh_token: str
    expires_in: Seconds


class Enrollment(Wire, frozen=True, kw_only=True):
    """A second factor that can be asked for."""

    mfa_enrollment_id: str
    display_name: str
    totp_info: dict[str, Any]


class PendingSignIn(Wire, frozen=True, kw_only=True):
    """The first factor was right, the second one is needed."""

    kind: str
    email: str
    mfa_pending_credential: str
    mfa_info: list[Enrollment]


class RefreshResponse(Wire, frozen=True, kw_only=True, rename=None):
    """Renewed tokens, in snake case."""

    id_token: str
    access_token: str
    refresh_token: str
    expires_in: Seconds
    token_type: str
    user_id: str
    project_id: str


class Detail(Wire, frozen=True, kw_only=True):
    """One problem."""

    message: str
    domain: str
    reason: str


class Failure(Wire, frozen=True, kw_only=True):
    """What went wrong; `message` is the word that clients look at."""

    code: int
    message: str
    errors: list[Detail]
    status: str | UnsetType = UNSET


class IdentityError(Wire, frozen=True, kw_only=True):
    """The body of every error."""

    error: Failure
