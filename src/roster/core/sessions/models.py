"""A session, and what is known when one is opened."""

from datetime import datetime

import msgspec

from roster.kit.ids import CredentialId, SessionId, UserId


class Session(msgspec.Struct, frozen=True):
    """One sign-in. `generation` counts the refreshes; `credential_id` is what it was opened with."""

    id: SessionId
    number: int
    user_id: UserId
    credential_id: CredentialId | None
    dialect: str
    label: str
    user_agent: str
    address: str
    factors: tuple[str, ...]
    authenticated_at: datetime
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    generation: int
    refreshed_at: datetime | None


class Opening(msgspec.Struct, frozen=True):
    """What a sign-in has shown. With a credential the session opens only while that still has this version.

    `lasting` are the seconds that the session lasts at most, where that is less than the realm allows.
    """

    user_id: UserId
    factors: tuple[str, ...]
    credential_id: CredentialId | None = None
    credential_version: int = 0
    label: str = ""
    lasting: int | None = None


class Refreshed(msgspec.Struct, frozen=True):
    """The live session and the refresh token that follows the one presented."""

    session: Session
    refresh_token: str


class SessionText(msgspec.Struct, frozen=True):
    """A stored text that stands for a session; `spent_at` is when it was first exchanged for another."""

    digest: bytes
    session_id: SessionId
    user_id: UserId
    expires_at: datetime
    spent_at: datetime | None


class Adopted(msgspec.Struct, frozen=True):
    """A session of another product, which knew it by `mark`."""

    mark: str
    user_id: UserId
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    dialect: str = ""
    label: str = ""
    user_agent: str = ""
