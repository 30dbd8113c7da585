"""An application, and what may be said when one is registered."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from roster.kit.ids import IntegrationId

Facets = dict[str, dict[str, object]]
Alias = Annotated[str, Meta(pattern=r"^[!#-*,-?A-\[\]-~]{1,60}$")]
"""Becomes part of the identifiers of keys: printable ASCII without space, plus, at, quote and backslash."""


class Integration(msgspec.Struct, frozen=True):
    """A registered application. `permissions` are the most that it asks for."""

    id: IntegrationId
    number: int
    alias: str
    name: str
    description: str
    permissions: list[str]
    redirect_uris: list[str]
    facets: Facets
    version: int
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    updated_by: UUID | None


class IntegrationDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application to be registered."""

    alias: Alias
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: Annotated[str, Meta(max_length=2000)] = ""
    permissions: Annotated[list[str], Meta(max_length=1000)] = []
    redirect_uris: Annotated[list[Annotated[str, Meta(max_length=2000)]], Meta(max_length=20)] = []
    facets: Facets = {}
