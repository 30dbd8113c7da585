"""What is checked, and what is known about whoever signs."""

from datetime import datetime

import msgspec

from roster.kit.actor import Grants
from roster.kit.hawk import Header, Target
from roster.kit.ids import CredentialId, DeviceId, RealmId, UserId
from roster.storage.voids import Kept


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


class Current(msgspec.Struct, frozen=True):
    """What the store says about a remembered key, all in order at this moment, and whether the nonce was new."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    user_id: UserId
    username: str
    access_version: int
    last_used_at: datetime | None
    expires_at: datetime | None
    is_new: bool


class Standing(msgspec.Struct):
    """Whose key it is, with what they may do by it, as a worker remembers them; asked of the store after `until`."""

    found: Current
    grants: Grants
    until: datetime
    last_used_at: datetime | None


class Known(msgspec.Struct):
    """A key as a worker remembers it under its identifier, good only while the store has it in this very version.

    `kept` is what the store said about it, believed as long as it says nothing else.
    """

    realm_slug: str
    realm_id: RealmId
    user_id: UserId
    credential_id: CredentialId
    credential_version: int
    username_key: str
    key: bytes
    permissions: frozenset[str] | None
    by_consent: bool
    device_id: DeviceId | None
    kept: Kept[Standing] | None = None


class Person(msgspec.Struct, frozen=True):
    """In whose name somebody else signs."""

    id: UserId
    username: str
    access_version: int
