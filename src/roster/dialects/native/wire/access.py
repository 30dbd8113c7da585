"""Roles, assignments, permissions."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.dialects.native.wire.base import Input, Instant, Output, RoleName

_KEYS = "A permission of `GET /permissions`."


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place to which an assignment is limited: its kind (facility, zone …) and its identifier there.

    Without value it says "nothing of this kind".
    """

    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, Meta(min_length=1, max_length=200)] | None


class Assignment(Output, frozen=True, kw_only=True):
    """A role that a person has, everywhere or in the places named."""

    id: UUID
    role_id: UUID
    role: str
    user_id: UUID
    is_owner: bool
    contexts: list[Context]
    created_at: Instant
    created_by: UUID | None


class Assign(Input, frozen=True, kw_only=True):
    """`role` is an id or a name; owners may change the role and who has it."""

    role: RoleName
    contexts: Annotated[list[Context], Meta(max_length=1000)] = []
    is_owner: bool = False


class Role(Output, frozen=True, kw_only=True):
    """A named set of permissions.

    `ceiling` lists, per kind of context, all that an assignment may name; `requires` are the kinds that it must name.
    """

    id: UUID
    number: int
    name: str
    description: str
    permissions: list[str]
    ceiling: dict[str, list[str]]
    requires: list[str]
    built_in: bool
    version: int
    created_at: Instant
    created_by: UUID | None
    updated_at: Instant
    updated_by: UUID | None


Ceiling = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=64)],
        Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=1000)],
    ],
    Meta(max_length=50),
]
Permissions = Annotated[list[Annotated[str, Meta(max_length=200, description=_KEYS)]], Meta(max_length=1000)]
Requires = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=50)]
Description = Annotated[str, Meta(max_length=2000)]


class RoleCreate(Input, frozen=True, kw_only=True):
    """A role to be made; nobody puts permissions into it that they do not hold."""

    name: RoleName
    description: Description = ""
    permissions: Permissions = []
    ceiling: Ceiling = {}
    requires: Requires = []


class RolePatch(Input, frozen=True, kw_only=True):
    """A merge patch of a role."""

    name: RoleName | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    ceiling: Ceiling | UnsetType = UNSET
    requires: Requires | UnsetType = UNSET


class Members(Output, frozen=True, kw_only=True):
    """Everybody who has a role without limits; owners among them apart."""

    members: list[UUID]
    owners: list[UUID]


class SetMembers(Input, frozen=True, kw_only=True):
    """All who shall have the role without limits; owners count as members too."""

    members: Annotated[list[UUID], Meta(max_length=10_000)]
    owners: Annotated[list[UUID], Meta(max_length=1000)] = []


class Permission(Output, frozen=True, kw_only=True):
    """A permission and what it allows.

    Keys of other front doors are `dialect:KEY`; they have the group in which that API shows them, and what they mean
    here, which is nothing for what Roster does not do itself.
    """

    key: str
    description: str
    group: str | UnsetType = UNSET
    subgroup: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    means: list[str] | UnsetType = UNSET


class Limited(Output, frozen=True, kw_only=True):
    """Permissions that hold only in these places."""

    permissions: list[str]
    contexts: list[Context]


class Reason(Assignment, frozen=True, kw_only=True):
    """An assignment whose role has the permission in question, and what becomes of it there.

    It `gives` the permission within `limits`, null being everywhere; or it does not, as `limits` has a kind for which
    nothing is left. `withheld` is what the assignment names and its role's ceiling does not reach.
    """

    gives: bool
    limits: list[Context] | None
    withheld: list[Context]


class Effective(Output, frozen=True, kw_only=True):
    """What a person may do now. `explained_by` answers `explain=<permission>`, assignment by assignment."""

    everywhere: list[str]
    within: list[Limited]
    roles: list[str]
    explained_by: list[Reason] | UnsetType = UNSET


class EffectiveQuery(Input, frozen=True, kw_only=True):
    """Which permission to explain."""

    explain: Annotated[str, Meta(max_length=200, description="A permission: who asks why.")] | None = None
