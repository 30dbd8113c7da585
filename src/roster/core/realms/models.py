"""A realm and its rules."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import RealmId

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
Seconds = Annotated[int, Meta(ge=1, le=400 * 86400)]


class RealmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator may decide for a realm; times are in seconds unless the name says days."""

    self_registration: bool = True
    """Whether people may make accounts for themselves."""
    organisations_by_anyone: bool = True
    """Whether everybody may found organisations, which are theirs; if not it takes `orgs.create`."""
    email_unique: bool = True
    """Whether an e-mail address belongs to one person only."""
    email_required: bool = False
    """Whether everybody must have an e-mail address."""
    default_locale: str = "en"
    """Language of messages to people who have set none; there are texts in `en`, `sv` and `de`."""
    default_region: str = "SE"
    """Country (ISO 3166-1) that phone numbers without a prefix belong to."""
    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 8
    """Characters that a password has at least."""
    access_token_for: Seconds = 3600
    """How long an access token lasts; every request asks besides whether its session still does."""
    session_for: Seconds = 30 * 86400
    """How long a sign-in lasts, however much it is used."""
    session_idle_for: Seconds = 14 * 86400
    """How long a sign-in lasts that is not refreshed."""
    recovery_for: Seconds = 900
    """How long the link for setting a new password works."""
    verification_for: Seconds = 86400
    """How long the link for verifying an address works."""
    invitation_for: Seconds = 14 * 86400
    """How long an invitation to an organisation works."""
    mfa_step_for: Seconds = 180
    """How long the second step of a sign-in may take."""
    recent_sign_in_for: Seconds = 600
    """How fresh a sign-in must be for changing credentials and the like."""
    mfa_skipped_by: tuple[str, ...] = ("device", "api_key", "backup", "pin")
    """Kinds of credential that need no second factor. A PIN is good on a trusted device only, so it has one already."""
    key_derivation: Literal["none", "roster-kdf-1"] = "none"
    """How clients that sign their requests (Hawk) make keys of passwords and PINs. With `none` a password that is set
    in one way does not work in the other; with another one the key is stored too, sealed."""
    possess: bool = False
    """Whether those who hold everything may sign requests in the name of other people (Hawk); the trail says both."""
    retention_days: Annotated[int, Meta(ge=0, le=3650)] = 30
    """Deleted people can be restored for this long, then they are erased."""
    audit_months: Annotated[int, Meta(ge=1, le=240)] = 24
    """How long entries of the audit trail are kept. Whole months are dropped, when no realm keeps them any more."""


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
