"""A person, what may be said when one is made, and what may be changed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import UserId

Status = Literal["pending", "active", "disabled"]
Line = Annotated[str, Meta(max_length=200)]
Address = Annotated[str, Meta(max_length=320)]
Attributes = dict[str, object]


class View(StrEnum):
    """How much of a person an actor may see."""

    FULL = "full"
    BASIC = "basic"


class User(msgspec.Struct, frozen=True):
    """A person of a realm. In a BASIC view everything but id, number, username, version and times is empty.

    `attributes` are the realm's custom fields, `facets` what only one dialect knows, by dialect name.
    `access_version` grows when the person's roles change, `version` with every change of the person itself; signing in
    changes neither.
    """

    id: UserId
    number: int
    username: str
    email: str | None
    email_verified_at: datetime | None
    phone: str | None
    phone_verified_at: datetime | None
    display_name: str | None
    given_name: str | None
    family_name: str | None
    locale: str | None
    personal_number: str | None
    picture: str | None
    status: str
    attributes: Attributes
    facets: dict[str, dict[str, object]]
    tags: list[str]
    version: int
    access_version: int
    last_sign_in_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    created_from: UUID | None
    updated_at: datetime
    updated_by: UUID | None
    updated_from: UUID | None
    deleted_at: datetime | None
    deleted_by: UUID | None
    deleted_from: UUID | None
    view: View = View.FULL

    def basic(self) -> "User":
        """What may be known to those who may only know that the person exists."""
        return User(
            id=self.id,
            number=self.number,
            username=self.username,
            email=None,
            email_verified_at=None,
            phone=None,
            phone_verified_at=None,
            display_name=None,
            given_name=None,
            family_name=None,
            locale=None,
            personal_number=None,
            picture=None,
            status=self.status,
            attributes={},
            facets={},
            tags=[],
            version=self.version,
            access_version=0,
            last_sign_in_at=None,
            created_at=self.created_at,
            created_by=None,
            created_from=None,
            updated_at=self.updated_at,
            updated_by=None,
            updated_from=None,
            deleted_at=self.deleted_at,
            deleted_by=None,
            deleted_from=None,
            view=View.BASIC,
        )


class UserDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to be made. Only those who may change others decide about status, tags, facets and verification."""

    username: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Address | None = None
    phone: Annotated[str, Meta(max_length=64)] | None = None
    display_name: Line | None = None
    given_name: Line | None = None
    family_name: Line | None = None
    locale: Annotated[str, Meta(max_length=35)] | None = None
    personal_number: Annotated[str, Meta(max_length=64)] | None = None
    picture: Annotated[str, Meta(max_length=2000)] | None = None
    status: Status = "active"
    attributes: Attributes = {}
    facets: dict[str, dict[str, object]] = {}
    tags: list[Line] = []
    email_verified: bool = False
    phone_verified: bool = False


class UserChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a person: what is not named stays, None clears. Attributes and facets are merged key by key;
    a key with the value None is removed.
    """

    username: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    email: Address | UnsetType | None = UNSET
    phone: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    display_name: Line | UnsetType | None = UNSET
    given_name: Line | UnsetType | None = UNSET
    family_name: Line | UnsetType | None = UNSET
    locale: Annotated[str, Meta(max_length=35)] | UnsetType | None = UNSET
    personal_number: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    picture: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    facets: dict[str, dict[str, object]] | UnsetType = UNSET
    tags: list[Line] | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    phone_verified: bool | UnsetType = UNSET


OWN_FIELDS = frozenset(
    {"username", "email", "phone", "display_name", "given_name", "family_name", "locale", "picture", "attributes"}
)
"""What people may change about themselves; attributes only as far as their definitions allow."""
