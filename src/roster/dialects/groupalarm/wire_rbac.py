"""The same for roles, access entries and tokens."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.dialects.groupalarm.wire import Id, Line, spelled


class Service(msgspec.Struct, frozen=True):
    """A service that access entries can name."""

    description: str
    methods: list[str]
    name: str


class Role(msgspec.Struct, frozen=True, rename=spelled, kw_only=True):
    """A role of an organisation; `type` is the name of a default role, else empty."""

    assign_users_in_child_organizations: bool
    description: str
    id: int
    inheritable: bool
    name: str
    organization_id: int
    type: str


class RoleWrite(msgspec.Struct, frozen=True, rename=spelled):
    """A role as sent; what is left out of a change stays."""

    name: Line | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    organization_id: Id = 0
    inheritable: bool | UnsetType = UNSET
    assign_users_in_child_organizations: bool | UnsetType = UNSET


class RoleAccess(msgspec.Struct, frozen=True, rename=spelled):
    """Which services a role may use with which methods."""

    endpoints: list[str]
    id: int
    methods: list[str]
    role_id: int


class RoleAccessWrite(msgspec.Struct, frozen=True, rename=spelled):
    """The same as sent."""

    endpoints: Annotated[list[Line], Meta(min_length=1, max_length=50)]
    methods: Annotated[list[Line], Meta(min_length=1, max_length=50)]


class RoleWithAccess(Role, frozen=True, rename=spelled, kw_only=True):
    """A role with its access entries."""

    role_access: list[RoleAccess] = msgspec.field(name="role_access")


class MergedUserRole(msgspec.Struct, frozen=True, rename=spelled):
    """The roles of a user."""

    roles: list[RoleWithAccess]
    user_id: int


class UserRole(msgspec.Struct, frozen=True, rename=spelled):
    """Who has a role."""

    role_id: int
    user_id: int


class UserRoleWrite(msgspec.Struct, frozen=True, rename=spelled):
    """Who shall have a role; the path says which."""

    user_id: Annotated[int, Meta(ge=1)]
    role_id: Id = 0


class OrganizationToken(msgspec.Struct, frozen=True, rename=spelled):
    """An API token of an organisation; the secret is in the answer that makes it and nowhere else."""

    id: int
    name: str
    organization_id: int
    token: str


class OrganizationTokenRequest(msgspec.Struct, frozen=True, rename=spelled):
    """A token to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    organization_id: Annotated[int, Meta(ge=1)]
