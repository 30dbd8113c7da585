"""A realm and its rules."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import RealmId

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
Seconds = Annotated[int, Meta(ge=1, le=400 * 86400)]


class RealmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator may decide for a realm; times are in seconds unless the name says days."""

    self_registration: bool = True
    email_unique: bool = True
    email_required: bool = False
    default_locale: str = "en"
    default_region: str = "SE"
    """Country (ISO 3166-1) that phone numbers without a prefix belong to."""
    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 8
    access_token_for: Seconds = 3600
    session_for: Seconds = 30 * 86400
    session_idle_for: Seconds = 14 * 86400
    recovery_for: Seconds = 900
    verification_for: Seconds = 86400
    mfa_step_for: Seconds = 180
    recent_sign_in_for: Seconds = 600
    """How fresh a sign-in must be for changing credentials and the like."""
    mfa_skipped_by: tuple[str, ...] = ("device", "backup")
    """Kinds of credential that need no second factor."""
    retention_days: Annotated[int, Meta(ge=0, le=3650)] = 30
    """Deleted people can be restored for this long, then they are erased."""
    audit_months: Annotated[int, Meta(ge=1, le=240)] = 24


class Realm(msgspec.Struct, frozen=True):
    """A tenant. Deactivated realms refuse every sign-in and every token."""

    id: RealmId
    number: int
    slug: str
    display_name: str
    status: str
    settings: RealmSettings
    version: int
    access_version: int
    created_at: datetime
    updated_at: datetime


class RealmChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator may change; settings named here replace those of the same name."""

    display_name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    settings: dict[str, object] | UnsetType = UNSET
