"""SQL of realms."""

from datetime import datetime
from uuid import UUID

import msgspec

from roster.core.realms.errors import RealmNotFound, SlugTaken
from roster.core.realms.models import Realm, RealmSettings
from roster.kit.ids import RealmId
from roster.storage.tx import Tx

_COLUMNS = "id, number, slug, display_name, status, settings, version, access_version, created_at, updated_at"


class _Row(msgspec.Struct, frozen=True):
    id: UUID
    number: int
    slug: str
    display_name: str
    status: str
    settings: dict[str, object]
    version: int
    access_version: int
    created_at: datetime
    updated_at: datetime

    def realm(self) -> Realm:
        return Realm(
            RealmId(self.id),
            self.number,
            self.slug,
            self.display_name,
            self.status,
            msgspec.convert(self.settings, RealmSettings),
            self.version,
            self.access_version,
            self.created_at,
            self.updated_at,
        )


async def by_slug(tx: Tx, slug: str) -> Realm:
    row = await tx.one(_Row, "SELECT " + _COLUMNS + " FROM realms WHERE slug = $1", slug, missing=RealmNotFound)
    return row.realm()


async def by_id(tx: Tx, realm_id: RealmId) -> Realm:
    row = await tx.one(_Row, "SELECT " + _COLUMNS + " FROM realms WHERE id = $1", realm_id, missing=RealmNotFound)
    return row.realm()


async def page(tx: Tx, after: str, limit: int) -> list[Realm]:
    rows = await tx.all(
        _Row, "SELECT " + _COLUMNS + " FROM realms WHERE slug > $1 ORDER BY slug LIMIT $2", after, limit
    )
    return [row.realm() for row in rows]


async def insert(tx: Tx, realm_id: RealmId, slug: str, display_name: str, settings: dict[str, object]) -> Realm:
    row = await tx.one(
        _Row,
        "INSERT INTO realms (id, slug, display_name, settings, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $5) RETURNING " + _COLUMNS,
        realm_id,
        slug,
        display_name,
        settings,
        tx.now,
        missing=RealmNotFound,
        conflicts={"realms_slug_key": SlugTaken},
    )
    return row.realm()


async def lock(tx: Tx, realm_id: RealmId) -> Realm:
    row = await tx.one(
        _Row, "SELECT " + _COLUMNS + " FROM realms WHERE id = $1 FOR UPDATE", realm_id, missing=RealmNotFound
    )
    return row.realm()


async def update(tx: Tx, realm_id: RealmId, *, display_name: str, status: str, settings: dict[str, object]) -> Realm:
    row = await tx.one(
        _Row,
        "UPDATE realms SET display_name = $2, status = $3, settings = $4, version = version + 1, updated_at = $5"
        " WHERE id = $1 RETURNING " + _COLUMNS,
        realm_id,
        display_name,
        status,
        settings,
        tx.now,
        missing=RealmNotFound,
    )
    return row.realm()
