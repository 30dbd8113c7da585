"""Requests and answers exactly as documented. Times are texts, because clients compare them as such.

Members that a request may leave out are UNSET where that differs from the default; unknown members are passed over,
as the contract says (`additionalProperties: true`).
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Uid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Version = Annotated[int, Meta(ge=0)]
Given = Annotated[str, Meta(min_length=1)]
SecretType = Literal["password", "apikey", "device", "mfa"]


class User(msgspec.Struct, frozen=True, rename="camel"):
    """A user. Readers who are neither the user nor trusted get the first five members only."""

    uid: Uid
    date_created: Time
    date_modified: Time
    version: Version
    name: str
    email: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    external_ids: list[str] | UnsetType = UNSET
    verified: bool | UnsetType = UNSET


class UserWrite(msgspec.Struct, frozen=True, rename="camel"):
    """A user as sent. Roles, externalIds and verified count for trusted callers only."""

    name: Given
    email: Given
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    roles: list[str] | UnsetType = UNSET
    external_ids: list[str] | UnsetType = UNSET
    uid: Uid | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    date_created: datetime | UnsetType = UNSET
    date_modified: datetime | UnsetType = UNSET
    verified: bool | UnsetType = UNSET


class NewUser(msgspec.Struct, frozen=True):
    """The answer to a registration; `token` is empty when the caller was signed in already."""

    token: str
    user: User


class AuthToken(msgspec.Struct, frozen=True):
    """An access token."""

    token: str


class Count(msgspec.Struct, frozen=True):
    """How many match."""

    count: Version


class TotpCode(msgspec.Struct, frozen=True):
    """Six digits; a bare number has lost its leading zeros."""

    token: str | Version


class Role(msgspec.Struct, frozen=True, rename="camel"):
    """A role and who has it; owners are members too."""

    uid: Uid
    date_created: Time
    date_modified: Time
    version: Version
    name: str
    description: str
    members: list[Uid]
    owners: list[Uid]


class RoleWrite(msgspec.Struct, frozen=True, rename="camel"):
    """A role as sent; on a change, what is left out stays as it is."""

    name: str
    description: str | UnsetType = UNSET
    members: list[Uid] | UnsetType = UNSET
    owners: list[Uid] | UnsetType = UNSET
    uid: Uid | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    date_created: datetime | UnsetType = UNSET
    date_modified: datetime | UnsetType = UNSET


class TotpSeed(msgspec.Struct, frozen=True):
    """What an authenticator needs; shown once."""

    otpauth_url: str
    secret: str


class UserSecret(msgspec.Struct, frozen=True, rename="camel"):
    """One way to sign in. `secret` and `codes` are shown once, in the answer that makes them."""

    uid: Uid
    date_created: Time
    date_modified: Time
    version: Version
    user_id: Uid
    type: SecretType
    secret: str | TotpSeed | UnsetType = UNSET
    description: str | UnsetType = UNSET
    codes: list[str] | UnsetType = UNSET


class UserSecretWrite(msgspec.Struct, frozen=True, rename="camel"):
    """A secret as sent."""

    type: SecretType
    user_id: Uid | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    uid: Uid | UnsetType = UNSET


class PasswordWrite(msgspec.Struct, frozen=True, rename="camel"):
    """A new password."""

    secret: str
    type: Literal["password"] | UnsetType = UNSET
    user_id: Uid | UnsetType = UNSET


class AclRecord(msgspec.Struct, frozen=True, rename="camel"):
    """Rights of one user, role, `anonymous`, or everybody whom a regular expression matches; null is inherited."""

    user_or_role_id: str
    create: bool | None = None
    read: bool | None = None
    update: bool | None = None
    delete: bool | None = None
    special: bool | None = None
    full: bool | None = None


class AccessControlList(msgspec.Struct, frozen=True, rename="camel"):
    """The permission list of one object or class; the first record that matches decides."""

    uid: str
    records: list[AclRecord]
    parent_uid: str | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    date_created: Time | UnsetType = UNSET
    date_modified: Time | UnsetType = UNSET


class Failure(msgspec.Struct, frozen=True):
    """What every error looks like."""

    code: str
    status: int
    message: str
