"""What is checked, and what is known about whoever signs."""

from datetime import datetime

import msgspec

from roster.kit.hawk import Header, Target
from roster.kit.ids import CredentialId, DeviceId, RealmId, UserId


class Signed(msgspec.Struct, frozen=True):
    """A request as it came: the header that was read, what it asks for, and the body with its type."""

    header: Header
    target: Target
    content_type: str = ""
    body: bytes = b""


class Holder(msgspec.Struct, frozen=True):
    """Whoever holds a key that may sign at this moment, read in one statement, with the key as stored."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    user_id: UserId
    username: str
    username_key: str
    access_version: int
    credential_id: CredentialId
    credential_version: int
    last_used_at: datetime | None
    kind: str
    sealed: bytes
    data: dict[str, object]
    has_second_factor: bool


class Known(msgspec.Struct, frozen=True):
    """A key as a worker remembers it under its identifier, good only while the store has it in this very version."""

    realm_slug: str
    credential_id: CredentialId
    credential_version: int
    username_key: str
    key: bytes
    permissions: frozenset[str] | None
    by_consent: bool
    device_id: DeviceId | None


class Current(msgspec.Struct, frozen=True):
    """What the store says about a remembered key, all in order at this moment, and whether the nonce was new."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    user_id: UserId
    username: str
    access_version: int
    last_used_at: datetime | None
    is_new: bool


class Person(msgspec.Struct, frozen=True):
    """In whose name somebody else signs."""

    id: UserId
    username: str
    access_version: int
