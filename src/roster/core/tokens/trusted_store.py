"""SQL of finding a person who shows no credential."""

from uuid import UUID

import msgspec

from roster.kit.ids import RealmId
from roster.storage.tx import Tx


class Person(msgspec.Struct, frozen=True):
    """Whoever it is, read in one statement."""

    realm_id: RealmId
    realm_version: int
    realm_access_version: int
    username: str
    access_version: int
    locale: str | None
    confirmed: bool


async def person(tx: Tx, slug: str, user_id: UUID) -> Person | None:
    """Only when realm and person are both in order at this moment."""
    return await tx.maybe(
        Person,
        "SELECT r.id, r.version, r.access_version, u.username, u.access_version, u.locale,"
        " (u.email IS NULL OR u.email_verified_at IS NOT NULL) FROM realms r"
        " JOIN users u ON u.realm_id = r.id AND u.id = $2"
        " WHERE r.slug = $1 AND r.status = 'active' AND u.status = 'active' AND u.deleted_at IS NULL",
        slug,
        user_id,
    )
