"""SQL of places. Every change raises the realm's access version, under which groups and grants are remembered."""

from roster.core.places.errors import PlaceNotFound
from roster.core.places.models import GROUP, Place, PlaceDraft
from roster.kit.ids import uuid7
from roster.kit.text import fold
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = "id, kind, key, name, members, version, created_at, updated_at"
PLACES = Listing(columns=_COLUMNS, tables="places", condition="realm_id = $1")


async def find(tx: Tx, kind: str, key: str) -> Place:
    return await tx.one(
        Place,
        "SELECT " + _COLUMNS + " FROM places WHERE realm_id = $1 AND kind = $2 AND key = $3",
        tx.realm_id,
        kind,
        key,
        missing=PlaceNotFound,
    )


async def look_up(tx: Tx, kind: str, key: str) -> Place | None:
    return await tx.maybe(
        Place,
        "SELECT " + _COLUMNS + " FROM places WHERE realm_id = $1 AND kind = $2 AND key = $3",
        tx.realm_id,
        kind,
        key,
    )


async def lock_all(tx: Tx) -> None:
    """One change of a realm's places at a time; sign-ins and people do not wait for it."""
    await tx.run("SELECT FROM realms WHERE id = $1 FOR NO KEY UPDATE", tx.realm_id)


async def put(tx: Tx, kind: str, key: str, draft: PlaceDraft) -> Place:
    return await tx.one(
        Place,
        "INSERT INTO places AS p (realm_id, id, kind, key, name, name_key, members, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (realm_id, kind, key) DO UPDATE"
        " SET name = excluded.name, name_key = excluded.name_key, members = excluded.members,"
        " version = p.version + 1, updated_at = excluded.updated_at RETURNING " + _COLUMNS,
        tx.realm_id,
        uuid7(),
        kind,
        key,
        draft.name,
        fold(draft.name),
        draft.members,
        tx.now,
        missing=PlaceNotFound,
    )


async def delete(tx: Tx, kind: str, key: str) -> None:
    await tx.run("DELETE FROM places WHERE realm_id = $1 AND kind = $2 AND key = $3", tx.realm_id, kind, key)


async def raise_access_version(tx: Tx) -> None:
    await tx.run("UPDATE realms SET access_version = access_version + 1 WHERE id = $1", tx.realm_id)


async def groups(tx: Tx) -> list[tuple[str, list[str]]]:
    rows = await tx.rows(
        "SELECT key, members FROM places WHERE realm_id = $1 AND kind = $2 AND members <> '{}'", tx.realm_id, GROUP
    )
    return [(key, members) for key, members in rows]


async def members_elsewhere(tx: Tx, key: str) -> int:
    """How many members the realm's other groups have, together."""
    return await tx.value(
        "SELECT coalesce(sum(cardinality(members)), 0)::bigint FROM places"
        " WHERE realm_id = $1 AND kind = $2 AND key <> $3",
        tx.realm_id,
        GROUP,
        key,
    )


async def permissions_within(tx: Tx, key: str) -> list[str]:
    """What roles give to anybody whom the group limits, be it through an assignment or through the role's ceiling."""
    rows = await tx.rows(
        "SELECT DISTINCT unnest(r.permissions) FROM roles r WHERE r.realm_id = $1 AND (r.ceiling -> $2 ? $3"
        " OR EXISTS (SELECT FROM assignments a WHERE a.realm_id = $1 AND a.role_id = r.id"
        " AND a.contexts -> $2 ? $3))",
        tx.realm_id,
        GROUP,
        key,
    )
    return [permission for (permission,) in rows]
