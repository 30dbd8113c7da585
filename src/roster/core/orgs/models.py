"""An organisation, what may be said when one is made, and what may be changed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import OrgId, UserId

DEEPEST = 20
"""Organisations on the way from a root to a leaf."""
MOST_IN_TREE = 10_000
"""Organisations in one tree: whoever has a role for all of it holds them all in memory."""

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Line = Annotated[str, Meta(max_length=100)]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""What JSON of every language holds exactly."""
Facets = dict[str, dict[str, object]]


class Org(msgspec.Struct, frozen=True):
    """An organisation. `path` leads from the root of its tree to itself; `timezone` is a name of the IANA data base.

    `enforces_mfa` keeps people without a second factor out. `invitation_text` stands in its invitations besides the
    usual words, as a text without any markup. `facets` are what only one dialect knows, by dialect name.
    """

    id: OrgId
    number: int
    parent_id: OrgId | None
    path: list[OrgId]
    name: str
    description: str
    language: str | None
    timezone: str | None
    enforces_mfa: bool
    invitation_text: str | None
    facets: Facets
    version: int
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    updated_by: UUID | None


class OrgDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation to be made: a root, or a part of `parent_id`.

    It gets a number of its own unless one is named, which takes `orgs.create`: accounts elsewhere keep theirs so.
    """

    name: Name
    parent_id: OrgId | None = None
    description: Text = ""
    language: Line | None = None
    timezone: Line | None = None
    enforces_mfa: bool = False
    facets: Facets = {}
    number: Number | None = None


class OrgChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of an organisation; what is not named stays. Facets are merged key by key, as those of people are."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    language: Line | UnsetType | None = UNSET
    timezone: Line | UnsetType | None = UNSET
    enforces_mfa: bool | UnsetType = UNSET
    invitation_text: Text | UnsetType | None = UNSET
    facets: Facets | UnsetType = UNSET


class Owner(msgspec.Struct, frozen=True):
    """A person whose organisation it is."""

    org_id: OrgId
    user_id: UserId
    number: int
    username: str
    display_name: str | None
    created_at: datetime


class OrgToken(msgspec.Struct, frozen=True):
    """A token as an organisation's list shows it; never its text."""

    id: UUID
    number: int
    org_id: OrgId
    name: str
    created_at: datetime
    created_by: UUID | None
    last_used_at: datetime | None
    expires_at: datetime | None


class OrgTokenDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be made; without `expires_at` it lasts until it is revoked."""

    name: Annotated[str, Meta(max_length=200)] = ""
    expires_at: datetime | None = None


class Issued(msgspec.Struct, frozen=True):
    """A new token, and its text, which is shown this once."""

    token: OrgToken
    text: str
