"""Another e-mail address."""

from uuid import UUID

from roster.dialects.native.wire.base import Address, Code, Input, Instant, Output, Secret, Token


class OwnEmailChange(Input, frozen=True, kw_only=True):
    """One's new address; `code` with a second factor, else `password` unless one has just signed in."""

    email: Address
    code: Code | None = None
    password: Secret | None = None


class UserEmailChange(Input, frozen=True, kw_only=True):
    """The new address of somebody else."""

    email: Address


class EmailChange(Output, frozen=True, kw_only=True):
    """A new address that waits to be confirmed by whoever reads its mail."""

    user_id: UUID
    email: str
    created_at: Instant
    expires_at: Instant


class ConfirmEmail(Input, frozen=True, kw_only=True):
    """The token of the message."""

    token: Token
