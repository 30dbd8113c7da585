"""Users (contract: User, UserForCreation, UserPatchActions, MeAction and what they are made of)."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from roster.dialects.fulfillmenttools.wire.base import ContextLimitation, Instant, PageInfo, Wire

Locale = Literal[
    "de_DE", "en_US", "pl_PL", "ru_RU", "nl_NL", "fr_FR", "it_IT", "nb_NO", "es_ES",
    "cs_CZ", "sk_SK", "pt_PT", "sl_SI", "ro_RO", "bg_BG", "hr_HR", "hu_HU", "tr_TR",
]  # fmt: skip
Provider = Literal["EMAIL_PASSWORD", "OIDC", "SUPPORT_ACCESS"]
Password = Annotated[str, Meta(min_length=6)]
Narrowing = Annotated[list[ContextLimitation], Meta(max_length=50)]
Facilities = Annotated[list[str], Meta(max_length=23)]
Attributes = dict[str, Any]


class AuthenticationProvider(Wire, frozen=True, kw_only=True):
    """Where an account proves who it is; `id` names a configured provider."""

    type: Provider
    id: str | UnsetType = UNSET


class AssignedRole(Wire, frozen=True, kw_only=True):
    """A role of a user, by its name, perhaps narrowed."""

    ref: str
    context: Narrowing | UnsetType = UNSET
    context_limitations: Narrowing | UnsetType = UNSET


class UserRole(Wire, frozen=True, kw_only=True):
    """The older form of the same; `facilities` is a narrowing to these."""

    name: str
    facilities: Facilities | UnsetType = UNSET
    context: Narrowing | UnsetType = UNSET
    context_limitations: Narrowing | UnsetType = UNSET


class CustomClaims(Wire, frozen=True, kw_only=True):
    """The roles once more, for old readers."""

    roles: list[UserRole]


class AssignedZone(Wire, frozen=True, kw_only=True):
    """A zone inside of a facility."""

    zone_ref: str


class AssignedFacilityForCreation(Wire, frozen=True, kw_only=True):
    """A facility to attach."""

    facility_ref: Annotated[str, Meta(min_length=1)]
    assigned_zones: list[AssignedZone] = []


Attachments = Annotated[list[AssignedFacilityForCreation], Meta(max_length=500)]


class AssignedFacility(Wire, frozen=True, kw_only=True):
    """An attached facility; the attachment goes by the id of the facility."""

    id: str
    facility_ref: str


class User(Wire, frozen=True, kw_only=True):
    """A user."""

    id: str
    username: str
    firstname: str
    lastname: str
    email: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    version: int
    created: Instant
    last_modified: Instant
    last_login: Instant | UnsetType = UNSET
    authentication_provider: AuthenticationProvider
    assigned_roles: list[AssignedRole]
    facility_limitations: list[str] | UnsetType = UNSET
    assigned_facilities: list[AssignedFacility]
    custom_claims: CustomClaims
    custom_attributes: Attributes | UnsetType = UNSET


class UserForCreation(Wire, frozen=True, kw_only=True):
    """A user to be made."""

    username: str
    firstname: str
    lastname: str
    password: Password
    email: str | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    assigned_roles: Annotated[list[AssignedRole], Meta(min_length=1, max_length=10)] | UnsetType = UNSET
    roles: Annotated[list[UserRole], Meta(min_length=1, max_length=1)] | UnsetType = UNSET
    assigned_facilities: Attachments | UnsetType = UNSET
    custom_attributes: Attributes | UnsetType | None = UNSET


class ModifyUserAction(Wire, frozen=True, kw_only=True):
    """A change of a user; what is left out stays."""

    action: Literal["ModifyUser"]
    firstname: str | UnsetType = UNSET
    lastname: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    assigned_roles: Annotated[list[AssignedRole], Meta(max_length=100)] | UnsetType = UNSET
    roles: Annotated[list[UserRole], Meta(max_length=100)] | UnsetType = UNSET
    assigned_facilities: Attachments | UnsetType = UNSET
    custom_attributes: Attributes | UnsetType | None = UNSET


class UserPatchActions(Wire, frozen=True, kw_only=True):
    """Changes of a user whose version the caller has seen."""

    version: int
    actions: Annotated[list[ModifyUserAction], Meta(max_length=5)]


class ModifyUserPersonalData(Wire, frozen=True, kw_only=True):
    """What people change about themselves, in the old form."""

    firstname: str | UnsetType = UNSET
    lastname: str | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


class ModifyMe(Wire, frozen=True, kw_only=True, tag_field="action", tag="ModifyMe"):
    """What people change about themselves."""

    firstname: str | UnsetType = UNSET
    lastname: str | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


class ModifyCredentials(Wire, frozen=True, kw_only=True, tag_field="action", tag="ModifyCredentials"):
    """A new password or address, by somebody who knows the present password."""

    current_password: str
    password: Password | UnsetType = UNSET
    email: str | UnsetType = UNSET


class UserListQuery(Wire, frozen=True, kw_only=True):
    """Which users; the id of the last one seen continues the list."""

    size: Annotated[int, Meta(ge=1, le=100, description="Page length.")] = 25
    start_after_id: str | None = None
    order_by: Literal["LASTNAME"] | None = None
    facility_id: str | None = None
    include_admin_users: bool = False


class UserList(Wire, frozen=True, kw_only=True):
    """A page of users. `endCursor` is the last id, or empty when that was the last page."""

    users: list[User]
    total: int
    page_info: PageInfo


class UserPaginatedResult(Wire, frozen=True, kw_only=True):
    """Users that a search has found."""

    users: list[User]
    page_info: PageInfo
    total: int | UnsetType = UNSET


class RoleOfUser(Wire, frozen=True, kw_only=True):
    """A role of a user, with what it permits."""

    name: str
    permissions: list[str]
    facility_refs: list[str] | UnsetType = UNSET
    context: list[ContextLimitation]


class EffectiveRole(Wire, frozen=True, kw_only=True):
    """A role of the caller: what it permits, and what role and assignment leave of every dimension."""

    name: str
    permissions: list[str]
    context: list[ContextLimitation]
    context_limitations: list[ContextLimitation]
    facilities: Facilities | UnsetType = UNSET


class EffectivePermissions(Wire, frozen=True, kw_only=True):
    """What the caller may do."""

    user_id: str
    roles: list[EffectiveRole]
