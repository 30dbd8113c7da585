"""A membership: a person in an organisation."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.core.orgs.models import Facets
from roster.kit.ids import LabelId, OrgId, RoleId, UserId

State = Literal["pending", "active"]
Line = Annotated[str, Meta(max_length=200)]


class Membership(msgspec.Struct, frozen=True):
    """`pending` until the person has accepted; until then nothing that the organisation gives counts.

    `promised` are roles of the organisation that a pending member gets on joining. `external_id` is what the
    organisation calls the person; `facets` are what only one dialect knows, by its name.
    """

    id: UUID
    org_id: OrgId
    user_id: UserId
    state: State
    external_id: str | None
    promised: list[RoleId]
    facets: Facets
    version: int
    created_at: datetime
    created_by: UUID | None
    joined_at: datetime | None


class Person(msgspec.Struct, frozen=True):
    """As much of a person as those see who are in an organisation with them.

    Of a pending member who uses their account already only id, number and username are shown: somebody who is invited
    has not agreed to anything. `facets` are for the dialect whose they are.
    """

    id: UserId
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
    facets: Facets
    created_at: datetime


class Member(msgspec.Struct, frozen=True):
    """A person as an organisation's list shows them."""

    person: Person
    membership: Membership


class MembershipChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a membership; what is not named stays. Facets are merged key by key, as those of people are."""

    external_id: Line | UnsetType | None = UNSET
    facets: Facets | UnsetType = UNSET


class Carrier(msgspec.Struct, frozen=True):
    """A member who carries a label."""

    label_id: LabelId
    membership_id: UUID
    user_id: UserId
    number: int
