"""Permissions and roles (contract: Permission, Role, RoleForCreation, RoleForUpdate, RoleForPatch)."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from roster.dialects.fulfillmenttools.wire.base import ContextLimitation, Instant, PageInfo, Wire

RoleName = Annotated[str, Meta(min_length=3, max_length=20)]
Label = Annotated[str, Meta(max_length=50)]
PatchedLabel = Annotated[str, Meta(max_length=100)]
Description = Annotated[str, Meta(max_length=100)]
Keys = Annotated[list[str], Meta(max_length=500)]
Ceiling = Annotated[list[ContextLimitation], Meta(max_length=100)]
Size = Annotated[int, Meta(ge=1, le=100, description="Page length.")]


class Permission(Wire, frozen=True, kw_only=True):
    """One entry of the catalogue."""

    key: str
    group: str
    sub_group: str
    operation: str


class PermissionsQuery(Wire, frozen=True, kw_only=True):
    """Which part of the catalogue; the key of the last entry seen continues it."""

    size: Size = 25
    start_after_id: str | None = None
    key: str | None = None
    group: str | None = None


class PermissionsResponse(Wire, frozen=True, kw_only=True):
    """A page of the catalogue; `total` counts all that pass the filters."""

    permissions: list[Permission]
    total: int


class Role(Wire, frozen=True, kw_only=True):
    """A role. The ceiling stands in three spellings, the newest first."""

    name: str
    display_name: str
    description: str | UnsetType = UNSET
    permissions: list[str]
    context: list[ContextLimitation]
    contexts: list[ContextLimitation]
    context_limitations: list[ContextLimitation]
    custom_attributes: dict[str, Any] | UnsetType = UNSET
    version: int
    created: Instant
    last_modified: Instant


class _Spelled(Wire, frozen=True, kw_only=True):
    context: Ceiling | UnsetType = UNSET
    contexts: Ceiling | UnsetType = UNSET
    context_limitations: Ceiling | UnsetType = UNSET

    @property
    def ceiling(self) -> list[ContextLimitation] | UnsetType:
        """The newest spelling that was sent."""
        given = (self.context, self.contexts, self.context_limitations)
        return next((each for each in given if not isinstance(each, UnsetType)), UNSET)


class RoleForCreation(_Spelled, frozen=True, kw_only=True):
    """A role to be made."""

    name: RoleName
    display_name: Label | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    permissions: Keys
    custom_attributes: dict[str, Any] | UnsetType = UNSET


class RoleForUpdate(RoleForCreation, frozen=True, kw_only=True):
    """A role as it should be; optional members left out are cleared."""

    version: int


class RoleForPatch(_Spelled, frozen=True, kw_only=True):
    """Members of a role to change; the name has no length here, and the label may be longer, as documented."""

    name: str
    version: int
    display_name: PatchedLabel | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    permissions: Keys | UnsetType = UNSET
    custom_attributes: dict[str, Any] | UnsetType = UNSET


class RolePaginatedResult(Wire, frozen=True, kw_only=True):
    """A page of roles; `total` only when it was asked for."""

    roles: list[Role]
    page_info: PageInfo
    total: int | UnsetType = UNSET
