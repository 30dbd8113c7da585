"""What tokens say."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from roster.kit.actor import Actor
from roster.kit.ids import CredentialId, DeviceId, OrgId, ProofId, RealmId, UserId


class Purpose(StrEnum):
    """What a proof is good for; it is good for nothing else."""

    VERIFY_EMAIL = "verify_email"
    RECOVER_PASSWORD = "recover_password"  # noqa: S105
    MFA_STEP = "mfa_step"
    CONSENT = "consent"
    CHANGE_EMAIL = "change_email"


class AccessClaims(msgspec.Struct, frozen=True):
    """The claims of an access token that we rely on (RFC 9068); others are for whoever reads them.

    `seq` is the generation of the session when the token was made, in tokens of front doors that number them: these
    end with the second refresh after it.
    """

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    realm: str
    iat: int
    exp: int
    jti: str
    nbf: int = 0
    seq: int | None = None


class ProofClaims(msgspec.Struct, frozen=True):
    """The claims of a proof; `jti` is its row."""

    iss: str
    aud: str
    sub: UUID
    purpose: str
    iat: int
    exp: int
    jti: UUID
    nbf: int = 0


class AccessToken(msgspec.Struct, frozen=True):
    """A token for the header, and the seconds it lasts."""

    text: str
    expires_in: int


class Principal(msgspec.Struct, frozen=True):
    """Whoever a live session belongs to, read in one statement."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    username: str
    access_version: int
    authenticated_at: datetime
    factors: list[str]
    last_used_at: datetime
    device_id: DeviceId | None
    generation: int
    locale: str | None
    confirmed: bool
    expires_at: datetime


class Standing(msgspec.Struct):
    """Somebody with what they may do, as a worker remembers them; after `until` the store is asked again.

    Of their origin only the device is known: the rest comes with each request. From `touch_at` on it is noted that
    their session is used.
    """

    actor: Actor
    until: datetime
    touch_at: datetime


class KeyPrincipal(msgspec.Struct, frozen=True):
    """Whoever a live API key belongs to, read in one statement."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    user_id: UserId
    username: str
    access_version: int
    credential_id: CredentialId
    kind: str
    lookup: bytes | None
    last_used_at: datetime | None
    locale: str | None
    confirmed: bool


class OrgPrincipal(msgspec.Struct, frozen=True):
    """The organisation to which a live token belongs, read in one statement."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    org_id: OrgId
    name: str
    token_id: UUID
    lookup: bytes
    last_used_at: datetime | None


class Proof(msgspec.Struct, frozen=True):
    """A one-time token as stored."""

    id: ProofId
    purpose: str
    user_id: UserId
    data: dict[str, object]
    created_at: datetime
    expires_at: datetime


class StoredKey(msgspec.Struct, frozen=True):
    """A realm and one of its signing keys, if it has any."""

    realm_id: RealmId
    realm_version: int
    settings: dict[str, object]
    kid: str | None
    algorithm: str | None
    sealed: bytes | None
    retired_at: datetime | None
