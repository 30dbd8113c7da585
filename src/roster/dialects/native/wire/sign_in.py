"""Signing in and up, recovering, second factors."""

from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

from roster.dialects.native.wire.base import (
    Address,
    Code,
    Identifier,
    Input,
    Line,
    Locale,
    NewSecret,
    Output,
    Phone,
    Picture,
    Secret,
    Slug,
    Token,
    Username,
)


class SignIn(Input, frozen=True, kw_only=True):
    """`username` may also be an e-mail address or a phone number. `code` saves the second step."""

    username: Identifier
    password: Secret
    realm: Slug | None = None
    code: Code | None = None
    cookie: bool = False


class SecondFactor(Input, frozen=True, kw_only=True):
    """The second step: a one-time code or a backup code."""

    mfa_token: Token
    code: Code
    cookie: bool = False


class Refresh(Input, frozen=True, kw_only=True):
    """Browsers that signed in with a cookie send no token."""

    refresh_token: Token | None = None


class SignedIn(Output, frozen=True, kw_only=True):
    """Tokens; with `cookie` they are in cookies that scripts cannot read, and only `expires_in` (seconds) is here."""

    token_type: Literal["Bearer", "Cookie"]
    expires_in: int
    user_id: UUID
    realm: str
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET


class SignInAnswer(Output, frozen=True, kw_only=True):
    """Tokens as in `SignedIn`; or, with `mfa_required`, what `POST /sign-in/mfa` needs within `expires_in` seconds."""

    mfa_required: bool
    expires_in: int
    token_type: Literal["Bearer", "Cookie"] | UnsetType = UNSET
    user_id: UUID | UnsetType = UNSET
    realm: str | UnsetType = UNSET
    access_token: str | UnsetType = UNSET
    refresh_token: str | UnsetType = UNSET
    mfa_token: str | UnsetType = UNSET
    factors: list[str] | UnsetType = UNSET


class SignUp(Input, frozen=True, kw_only=True):
    """An account that a person makes for themselves."""

    username: Username
    password: NewSecret
    realm: Slug | None = None
    email: Address | None = None
    phone: Phone | None = None
    display_name: Line | None = None
    given_name: Line | None = None
    family_name: Line | None = None
    locale: Locale | None = None
    picture: Picture | None = None
    attributes: dict[str, Any] = {}
    cookie: bool = False


class Recover(Input, frozen=True, kw_only=True):
    """Username, e-mail address or phone number of whoever cannot sign in."""

    identifier: Identifier
    realm: Slug | None = None


class RecoverConfirm(Input, frozen=True, kw_only=True):
    """The token of the message, and the new password."""

    token: Token
    password: NewSecret


class Verify(Input, frozen=True, kw_only=True):
    """The token of the message."""

    token: Token


class ChangePassword(Input, frozen=True, kw_only=True):
    """One's own new password; `current_password` is required when there is one."""

    password: NewSecret
    current_password: Secret | None = None


class TotpCode(Input, frozen=True, kw_only=True):
    """A one-time code of the authenticator."""

    code: Code


class TotpEnrolment(Output, frozen=True, kw_only=True):
    """What the authenticator needs, shown this once; `uri` is meant for a QR code."""

    uri: str
    secret: str


class BackupCodes(Output, frozen=True, kw_only=True):
    """Codes for days without the authenticator, shown this once; earlier ones are void."""

    codes: list[str]


class Jwks(Output, frozen=True, kw_only=True):
    """Public keys (RFC 7517, section 5)."""

    keys: list[dict[str, Any]]
