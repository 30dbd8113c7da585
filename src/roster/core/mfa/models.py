"""What a person sees while setting up a second factor, and how a seed is stored."""

import msgspec

from roster.core.credentials.models import Credential
from roster.kit.ids import CredentialId


class Enrolment(msgspec.Struct, frozen=True):
    """A seed that is not active yet; `secret` (Base32) and `otpauth_url` are shown this once."""

    credential: Credential
    secret: str
    otpauth_url: str


class Activated(msgspec.Struct, frozen=True):
    """MFA is on; the backup codes are shown this once."""

    credential: Credential
    codes: list[str]


class Seed(msgspec.Struct, frozen=True):
    """A stored seed, sealed."""

    id: CredentialId
    state: str
    sealed: bytes


class StoredNumber(msgspec.Struct, frozen=True):
    """Where codes are sent to, sealed."""

    id: CredentialId
    sealed: bytes


class SentCode(msgspec.Struct, frozen=True):
    """A code that was used; `sealed` is the number that it confirmed, if any."""

    purpose: str
    sealed: bytes | None
