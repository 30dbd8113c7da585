"""Organisations: owners, members, roles, tokens."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from roster.core.memberships.models import State
from roster.core.orgs.models import Number
from roster.dialects.native.wire.access import Description, Permissions
from roster.dialects.native.wire.base import Input, Instant, Line, Output, RoleName

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Language = Annotated[str, Meta(min_length=1, max_length=100, description="A language tag, such as sv-SE.")]
Timezone = Annotated[str, Meta(min_length=1, max_length=100, description="A name of the IANA data base.")]


class Organisation(Output, frozen=True, kw_only=True):
    """An organisation. `path` leads from the root of its tree to itself.

    `enforces_mfa` keeps people without a second factor out; `invitation_text` stands in its invitations.
    """

    id: UUID
    number: int
    parent_id: UUID | None
    path: list[UUID]
    name: str
    description: str
    language: str | None
    timezone: str | None
    enforces_mfa: bool
    invitation_text: str | None
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None


class OrganisationCreate(Input, frozen=True, kw_only=True):
    """A root, or a part of `parent_id`.

    For those who may found any: `owner_id` is whose it will be, `number` the one that it gets instead of the next.
    """

    name: Name
    parent_id: UUID | None = None
    description: Text = ""
    language: Language | None = None
    timezone: Timezone | None = None
    enforces_mfa: bool = False
    owner_id: UUID | None = None
    number: Number | None = None


class OrganisationPatch(Input, frozen=True, kw_only=True):
    """A merge patch of an organisation."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    timezone: Timezone | UnsetType | None = UNSET
    enforces_mfa: bool | UnsetType = UNSET
    invitation_text: Text | UnsetType | None = UNSET


class Parent(Input, frozen=True, kw_only=True):
    """Below which organisation one is put; null makes it a root."""

    parent_id: UUID | None


class Owner(Output, frozen=True, kw_only=True):
    """A person whose organisation it is."""

    user_id: UUID
    number: int
    username: str
    display_name: str | None
    created_at: Instant


class Membership(Output, frozen=True, kw_only=True):
    """A person in an organisation; `pending` until they have accepted. `external_id` is what it calls the person."""

    organisation_id: UUID
    user_id: UUID
    state: State
    external_id: str | None
    version: int
    created_at: Instant
    joined_at: Instant | None


class Member(Membership, frozen=True, kw_only=True):
    """The same with as much of the person as those see who are in an organisation with them.

    Of a pending member who uses their account already only username and number are shown.
    """

    number: int
    username: str
    email: str | None
    phone: str | None
    display_name: str | None
    given_name: str | None
    family_name: str | None
    locale: str | None
    picture: str | None
    status: str


class MemberAdd(Input, frozen=True, kw_only=True):
    """A person to be made a member, with these roles of the organisation besides the one of every participant."""

    user_id: UUID
    roles: Annotated[list[UUID], Meta(max_length=200)] = []


class MemberPatch(Input, frozen=True, kw_only=True):
    """A merge patch of a membership."""

    external_id: Line | UnsetType | None = UNSET


class OrgRole(Output, frozen=True, kw_only=True):
    """A role of an organisation. An inheritable one holds in all organisations below it too."""

    id: UUID
    number: int
    organisation_id: UUID
    name: str
    display_name: str
    description: str
    permissions: list[str]
    inheritable: bool
    built_in: bool
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None


class OrgRoleCreate(Input, frozen=True, kw_only=True):
    """A role to be made; nobody puts permissions into it that they do not hold there."""

    name: RoleName
    display_name: Line = ""
    description: Description = ""
    permissions: Permissions = []
    inheritable: bool = False


class OrgRolePatch(Input, frozen=True, kw_only=True):
    """A merge patch of a role."""

    name: RoleName | UnsetType = UNSET
    display_name: Line | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    inheritable: bool | UnsetType = UNSET


class OrgToken(Output, frozen=True, kw_only=True):
    """A token of an organisation; never its text."""

    id: UUID
    number: int
    name: str
    created_at: Instant
    created_by: UUID | None
    last_used_at: Instant | None
    expires_at: Instant | None


class OrgTokenCreate(Input, frozen=True, kw_only=True):
    """A token to be made; without `expires_at` it lasts until it is revoked."""

    name: Line = ""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class OrgTokenIssued(OrgToken, frozen=True, kw_only=True):
    """A new token with its text, which is shown this once."""

    token: str
