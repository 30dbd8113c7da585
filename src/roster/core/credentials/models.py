"""A credential as it may be shown, and the stored secrets, which never leave the core."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.kit.ids import CredentialId, DeviceId, UserId

Label = Annotated[str, Meta(max_length=200)]


class Kind(StrEnum):
    """What sort of credential. A person has at most one password, one PIN, one TOTP seed and one number for codes."""

    PASSWORD = "password"  # noqa: S105
    API_KEY = "api_key"
    PERSONAL = "personal"
    HAWK = "hawk"
    PIN = "pin"
    DEVICE = "device"
    TOTP = "totp"
    SMS = "sms"
    BACKUP = "backup"
    EXTERNAL = "external"
    BANKID = "bankid"


def asked_besides(kinds: Iterable[str]) -> tuple[str, ...]:
    """What people with credentials of these kinds are asked for besides the first one at sign-in."""
    held = set(kinds)
    codes = (Kind.TOTP.value, Kind.BACKUP.value) if Kind.TOTP in held else ()
    return (*codes, Kind.SMS.value) if Kind.SMS in held else codes


class Credential(msgspec.Struct, frozen=True):
    """What may be known of a credential. `data` holds plain facts, such as the provider of an external identity."""

    id: CredentialId
    number: int
    user_id: UserId
    kind: str
    state: str
    label: str
    data: dict[str, object]
    version: int
    created_at: datetime
    created_by: UUID | None
    updated_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    updated_by: UUID | None = None
    updated_from: UUID | None = None


Alias = Annotated[str, Meta(pattern=r"^[!#-*,-?A-\[\]-~]{1,64}$")]
"""Part of a key's identifier: printable ASCII without space, plus, at, quote and backslash."""
Permissions = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=1000)]
Facets = dict[str, dict[str, object]]


class SigningDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to sign requests with (Hawk). Without `alias` one is made up.

    With `permissions` the key may do no more than these; with `device_id` it acts from that device while it is trusted.
    """

    alias: Alias | None = None
    label: Label = ""
    permissions: Permissions | None = None
    device_id: DeviceId | None = None
    facets: Facets = {}
    expires_at: datetime | None = None


class SigningChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a key that signs; a dialect's facet is replaced as a whole."""

    alias: Alias | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    permissions: Permissions | UnsetType | None = UNSET
    device_id: DeviceId | UnsetType | None = UNSET
    facets: Facets | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET


class SigningKey(msgspec.Struct, frozen=True):
    """A key that was just made; `identifier` names it in requests, `key` is shown this once."""

    credential: Credential
    identifier: str
    key: bytes


class CredentialDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API key, a personal token or a device secret to be made.

    Without `secret` the server makes one. Only API keys may, and device secrets must, bring their own.
    """

    kind: Kind
    secret: str | None = None
    label: Label = ""
    expires_at: datetime | None = None


class CredentialChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a credential; never its secret."""

    label: Label | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET


class Issued(msgspec.Struct, frozen=True):
    """A credential that was just made; `secret` is shown this once, None when the caller chose it."""

    credential: Credential
    secret: str | None


class Stored(msgspec.Struct, frozen=True):
    """What a secret is checked against."""

    id: CredentialId
    kind: str
    hash: str | None
    lookup: bytes | None
    version: int
    sealed: bytes | None = None
    data: dict[str, object] = {}


class Candidates(msgspec.Struct, frozen=True):
    """What a presented secret may be, read in one statement."""

    hashed: list[Stored]
    """To be verified, in this order."""
    digested: Stored | None
    """An API key, personal token or backup code that fits already."""
    second_factors: tuple[str, ...]
    """Names of what may be asked for besides."""
    has_bankid: bool = False


class Identity(msgspec.Struct, frozen=True):
    """A person as an external provider vouches for them. The caller has checked the provider's word."""

    provider: Annotated[str, Meta(min_length=1, max_length=64)]
    subject: Annotated[str, Meta(min_length=1, max_length=255)]
    email: str | None = None
    email_verified: bool = False
    username: str | None = None
    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
