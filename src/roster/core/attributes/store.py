"""SQL of definitions. Every change raises the realm's version, under which they are remembered."""

import msgspec

from roster.core.attributes.errors import DefinitionNotFound
from roster.core.attributes.models import Definition, DefinitionDraft
from roster.storage.tx import Tx

_COLUMNS = "name, kind, label, required, choices, visibility, writable_by, created_at, updated_at"


async def all_of(tx: Tx) -> list[Definition]:
    return await tx.all(
        Definition,
        "SELECT " + _COLUMNS + " FROM attribute_definitions WHERE realm_id = $1 ORDER BY name LIMIT 500",
        tx.realm_id,
    )


async def put(tx: Tx, name: str, draft: DefinitionDraft) -> Definition:
    return await tx.one(
        Definition,
        "INSERT INTO attribute_definitions (realm_id, name, kind, label, required, choices, visibility, writable_by,"
        " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"
        " ON CONFLICT (realm_id, name) DO UPDATE SET kind = excluded.kind, label = excluded.label,"
        " required = excluded.required, choices = excluded.choices, visibility = excluded.visibility,"
        " writable_by = excluded.writable_by, updated_at = excluded.updated_at RETURNING " + _COLUMNS,
        tx.realm_id,
        name,
        *msgspec.structs.astuple(draft),
        tx.now,
        missing=DefinitionNotFound,
    )


async def delete(tx: Tx, name: str) -> bool:
    return bool(await tx.run("DELETE FROM attribute_definitions WHERE realm_id = $1 AND name = $2", tx.realm_id, name))


async def raise_realm_version(tx: Tx) -> None:
    await tx.run("UPDATE realms SET version = version + 1, updated_at = $2 WHERE id = $1", tx.realm_id, tx.now)
