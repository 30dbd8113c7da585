"""Requests and answers, member by member.

The contract mixes spellings: `organizationID` as a rule, `organizationId` and `organization_id` in places.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

Id = Annotated[int, Meta(ge=0)]
"""0 means that none is named."""
Line = Annotated[str, Meta(max_length=200)]
Address = Annotated[str, Meta(max_length=320, pattern=r"^([^@\s]+@[^@\s]+)?$")]


_WORDS: Final = {"id": "ID", "ids": "IDs", "url": "URL"}


def spelled(name: str) -> str:
    """A member's name as the contract spells most of them."""
    first, *rest = name.split("_")
    return first + "".join([_WORDS.get(word, word.title()) for word in rest])


class Success(msgspec.Struct, frozen=True, rename=spelled):
    """The answer of operations without data of their own."""

    success: bool
    message: str
    i18n_key: str


class LoginForm(msgspec.Struct, frozen=True, rename=spelled):
    """Form of the login; `mfa` is a code of the authenticator or a backup code."""

    email: Annotated[str, Meta(max_length=320)]
    password: Annotated[str, Meta(max_length=1024)]
    mfa: Annotated[str, Meta(max_length=64)] = ""


class User(msgspec.Struct, frozen=True, rename=spelled):
    """A user with all that belongs to the account; all members are always there."""

    active: bool
    available_preference: bool
    avatar_url: str
    chat_token: str
    editable: bool
    email: str
    id: int
    name: str
    pending: bool
    registration_date: datetime | None
    surname: str
    token: str


class UserWrite(msgspec.Struct, frozen=True, rename=spelled):
    """What counts of a user as sent; the rest cannot be changed here and is ignored."""

    id: Id = 0
    name: Line | UnsetType = UNSET
    surname: Line | UnsetType = UNSET
    editable: bool | UnsetType = UNSET
    available_preference: bool | UnsetType = UNSET


class UserUpdate(msgspec.Struct, frozen=True, rename=spelled):
    """A change of a profile; `organizationId` is that of an administrator who changes somebody else's."""

    user: UserWrite
    organization_id: Id = msgspec.field(default=0, name="organizationId")


class Session(msgspec.Struct, frozen=True, rename=spelled):
    """A login session. `sequence` counts its JWTs; those below `sequenceMinimum` are refused."""

    creation_time: datetime | None
    id: int
    ip_address: str
    is_expired: bool
    sequence: int
    sequence_minimum: int
    usage_time: datetime | None
    user_agent: str
    user_id: int


class SessionList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of sessions."""

    tokens: list[Session]
    total: int


class MFAEnabledResponse(msgspec.Struct, frozen=True, rename=spelled):
    """Whether two-factor login is on."""

    enabled: bool


class MFACreateResponse(msgspec.Struct, frozen=True, rename=spelled):
    """What an authenticator needs, shown once; `image` is a PNG, as bytes or in base64."""

    image: list[int] | str
    secret: str
    url: str


class MFABackupCodesResponse(msgspec.Struct, frozen=True, rename=spelled):
    """Ten codes, each good once; shown once."""

    backup_codes: list[str]


class Code(msgspec.Struct, frozen=True, rename=spelled):
    """A code in the query."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]


class PersonalAccessToken(msgspec.Struct, frozen=True, rename=spelled):
    """A personal access token; the secret is in the answer that makes it and nowhere else."""

    id: int
    name: str
    token: str
    user_id: int


class PersonalAccessTokenRequest(msgspec.Struct, frozen=True, rename=spelled):
    """A token to be made, for the caller."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    user_id: Id = 0


class UserDeploymentNotificationConfiguration(msgspec.Struct, frozen=True, rename=spelled):
    """Whom to tell that the user is on duty."""

    emails: Annotated[list[Address], Meta(max_length=50)] | None = None
    enabled: bool = False
    notification_text: Annotated[str, Meta(max_length=10_000)] = ""
    user_id: Id = 0


class TableConfiguration(msgspec.Struct, frozen=True, rename=spelled):
    """The layout of a table."""

    active_columns: list[str] | None = None
    order_by_column: str | None = None
    order_by_direction: str | None = None
    page_size: int | None = None


class DashboardConfiguration(msgspec.Struct, frozen=True, rename=spelled):
    """The layout of a dashboard."""

    quick_actions: dict[str, bool] | None = None


class UserSettings(msgspec.Struct, frozen=True, rename=spelled):
    """What the web client remembers for its user; what else it sends is kept too."""

    checks: list[str] | None = []
    dashboard_configurations: dict[str, DashboardConfiguration] | None = {}
    default_organization_id: Id = msgspec.field(default=0, name="defaultOrganizationId")
    help_texts: list[str] | None = []
    hide_expired_trial: bool = False
    language: Annotated[str, Meta(max_length=35)] = ""
    setup_current_path: str = ""
    setup_done: bool = False
    setup_organization_id: Id = 0
    show_feedback_button: bool = False
    table_configurations: dict[str, TableConfiguration] | None = {}
    theme: str = ""
    tracking: bool = False


Kept = dict[str, Any]
"""What the directory keeps for this dialect of a person."""


class PublicUser(msgspec.Struct, frozen=True, rename=spelled):
    """A member as others in the organisation see them."""

    available_preference: bool
    available_status: int
    avatar_url: str
    editable: bool
    email: str
    external_id: str
    id: int
    name: str
    pending: bool
    surname: str


class PublicUserList(msgspec.Struct, frozen=True, rename=spelled):
    """A page of members."""

    public_users: list[PublicUser]
    total_public_users: int


class InvitationText(msgspec.Struct, frozen=True):
    """What an organisation adds to its invitations."""

    organization_id: Id = 0
    text: Annotated[str, Meta(max_length=10_000)] = ""


class ChangeEmailRequest(msgspec.Struct, frozen=True, rename=spelled):
    """Another login address, one's own or that of somebody without any."""

    new_email: Annotated[str, Meta(max_length=320)]
    mfa_code: Annotated[str, Meta(max_length=64)] = ""
    user_id: Id = 0


class EmailChange(msgspec.Struct, frozen=True, rename=spelled):
    """An address change that waits for its confirmation."""

    new_email: str
    user_id: int
    creation_time: datetime | None
    expiration_time: datetime | None


class OrganizationRef(msgspec.Struct, frozen=True):
    """An organisation of which only the number counts."""

    id: Annotated[int, Meta(ge=1)]


class Rank(msgspec.Struct, frozen=True):
    """The rank of a person."""

    name: Line = ""
    value: Line = ""


class RoleRef(msgspec.Struct, frozen=True):
    """A role of which only the number counts."""

    id: Id = 0


class LabelRef(msgspec.Struct, frozen=True, rename=spelled):
    """A label, by number or by name."""

    id: Id = 0
    name: Line = ""


class BulkUser(msgspec.Struct, frozen=True, rename=spelled):
    """Somebody to invite: a user by number, or anybody by address."""

    id: Id = 0
    email: Annotated[str, Meta(max_length=320)] = ""
    name: Line = ""
    surname: Line = ""
    external_id: Line = ""
    language: Annotated[str, Meta(max_length=35)] = ""
    rank: Rank | Line | None = None
    labels: Annotated[list[LabelRef], Meta(max_length=100)] | None = None
    roles: Annotated[list[RoleRef], Meta(max_length=100)] | None = None


class UserInvite(msgspec.Struct, frozen=True, rename=spelled):
    """Whom to invite to which organisation."""

    organization: OrganizationRef
    users: Annotated[list[BulkUser], Meta(min_length=1, max_length=20_000)]
    create_new_labels: bool = False
    map_labels_by_name: bool = False
    remove_assigned_data: bool = False
    update_existing_users: bool = False


class CarriedLabel(msgspec.Struct, frozen=True, rename=spelled):
    """A label that somebody who was invited carries."""

    id: int
    name: str
    organization_id: int


class InvitedUser(msgspec.Struct, frozen=True, rename=spelled):
    """Who was invited, as they were named, with their number and the labels that they carry now."""

    email: str
    external_id: str
    id: int
    labels: list[CarriedLabel]
    name: str
    surname: str


class UserInviteResult(msgspec.Struct, frozen=True, rename=spelled):
    """What became of one person: invited, updated, skipped or failed."""

    import_result: str
    user: InvitedUser


class OwnerInvite(msgspec.Struct, frozen=True, rename=spelled):
    """Which owner to invite as a member."""

    organization_id: Annotated[int, Meta(ge=1)]
    owner_id: Annotated[int, Meta(ge=1)]


class Invitation(msgspec.Struct, frozen=True, rename=spelled):
    """An open invitation of the caller; the token answers it."""

    organization_id: int
    token: str


class InvitationAcceptance(msgspec.Struct, frozen=True):
    """What somebody says of themselves who has no account in use."""

    name: Line = ""
    surname: Line = ""
    password: Annotated[str, Meta(max_length=1024)] = ""
