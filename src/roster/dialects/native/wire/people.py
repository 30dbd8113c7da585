"""People, their sessions and credentials."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from roster.core.credentials.models import Alias, Permissions
from roster.dialects.native.wire.access import Assignment
from roster.dialects.native.wire.base import (
    Address,
    Input,
    Instant,
    Line,
    Locale,
    NewSecret,
    Output,
    PageQuery,
    PersonalNumber,
    Phone,
    Picture,
    RoleName,
    SearchQuery,
    Status,
    Username,
)
from roster.dialects.native.wire.organisations import Membership
from roster.dialects.native.wire.platform import Entry


class User(Output, frozen=True):
    """A person. In the basic view everything but id, number, username, status, version and times is empty.

    `attributes` are the realm's custom fields; `facets` what only one API knows, by its name.
    """

    id: UUID
    number: int
    username: str
    email: str | None
    email_verified_at: Instant | None
    phone: str | None
    phone_verified_at: Instant | None
    display_name: str | None
    given_name: str | None
    family_name: str | None
    locale: str | None
    personal_number: str | None
    picture: str | None
    status: Status
    attributes: dict[str, Any]
    facets: dict[str, dict[str, Any]]
    tags: list[str]
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None
    deleted_at: Instant | None
    deleted_by: UUID | None
    view: Literal["full", "basic"]


class Me(Output, frozen=True, kw_only=True):
    """Who asks: the person, and what they may do. `session_id` is missing behind an API key."""

    user: User
    realm: str
    roles: list[str]
    permissions: list[str]
    session_id: UUID | None
    factors: list[str]


class UsersQuery(SearchQuery, frozen=True, kw_only=True):
    """Which people."""

    q: Annotated[str, Meta(max_length=200, description="Words that all occur in name or address.")] | None = None
    deleted: (
        Annotated[
            Literal["only", "include"], Meta(description="Deleted people too, or only them; needs `users.write`.")
        ]
        | None
    ) = None


class UserCreate(Input, frozen=True, kw_only=True):
    """A person to be made, with a password and with roles if the caller may give them."""

    username: Username
    email: Address | None = None
    phone: Phone | None = None
    display_name: Line | None = None
    given_name: Line | None = None
    family_name: Line | None = None
    locale: Locale | None = None
    personal_number: PersonalNumber | None = None
    picture: Picture | None = None
    status: Status = "active"
    attributes: dict[str, Any] = {}
    facets: dict[str, dict[str, Any]] = {}
    tags: Annotated[list[Line], Meta(max_length=100)] = []
    email_verified: bool = False
    phone_verified: bool = False
    password: NewSecret | None = None
    roles: Annotated[list[RoleName], Meta(max_length=100)] = []


class UserPatch(Input, frozen=True, kw_only=True):
    """A merge patch (RFC 7396): what is absent stays, null clears. Attributes and facets merge key by key."""

    username: Username | UnsetType = UNSET
    email: Address | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    display_name: Line | UnsetType | None = UNSET
    given_name: Line | UnsetType | None = UNSET
    family_name: Line | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    personal_number: PersonalNumber | UnsetType | None = UNSET
    picture: Picture | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    facets: dict[str, dict[str, Any]] | UnsetType = UNSET
    tags: Annotated[list[Line], Meta(max_length=100)] | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    phone_verified: bool | UnsetType = UNSET


class MePatch(Input, frozen=True, kw_only=True):
    """What people change about themselves; attributes as far as their definitions allow."""

    username: Username | UnsetType = UNSET
    email: Address | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    display_name: Line | UnsetType | None = UNSET
    given_name: Line | UnsetType | None = UNSET
    family_name: Line | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    picture: Picture | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET


class SetPassword(Input, frozen=True, kw_only=True):
    """A password that an administrator sets."""

    password: NewSecret


class Session(Output, frozen=True, kw_only=True):
    """One sign-in. `factors` are the means used; `current` says that it is the one behind this request."""

    id: UUID
    user_id: UUID
    dialect: str
    label: str
    user_agent: str
    address: str
    factors: list[str]
    authenticated_at: Instant
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant
    current: bool


class SessionsQuery(SearchQuery, frozen=True, kw_only=True):
    """Which sessions."""

    user_id: Annotated[UUID, Meta(description="Of this person only.")] | None = None


class Ended(Output, frozen=True, kw_only=True):
    """How many sessions were ended."""

    ended: int


class Credential(Output, frozen=True, kw_only=True):
    """What may be known of a credential; never its secret."""

    id: UUID
    user_id: UUID
    kind: str
    state: str
    label: str
    data: dict[str, Any]
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    last_used_at: Instant | None
    expires_at: Instant | None


class ApiKeyCreate(Input, frozen=True, kw_only=True):
    """A key for programs; it may do what its owner may, who is the caller unless `user_id` says otherwise.

    A key of kind `hawk` signs requests. It alone has an `alias`, which is made up where none is given, `permissions`
    that it is limited to, and a `device_id` that it acts from.
    """

    label: Line = ""
    user_id: UUID | None = None
    kind: Literal["api_key", "personal", "hawk"] = "api_key"
    alias: Alias | None = None
    permissions: Permissions | None = None
    device_id: UUID | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class ApiKeyCreated(Output, frozen=True, kw_only=True):
    """The new key. `key` is shown this once, of kind `hawk` in Base64; `identifier` names it in signed requests."""

    key: str
    identifier: str | None
    credential: Credential


class ApiKeysQuery(PageQuery, frozen=True, kw_only=True):
    """Which keys: one's own, or with `credentials.read` those of a person or of the whole realm."""

    user_id: UUID | None = None
    all: bool = False


class PushDevice(Output, frozen=True, kw_only=True):
    """A device that takes push messages; `device` is what the app calls it."""

    id: UUID
    device: str
    platform: str
    created_at: datetime
    seen_at: datetime


class Dossier(Output, frozen=True, kw_only=True):
    """Everything known about one person."""

    user: User
    assignments: list[Assignment]
    memberships: list[Membership]
    owns: list[UUID]
    credentials: list[Credential]
    sessions: list[Session]
    push_devices: list[PushDevice]
    audit: list[Entry]
