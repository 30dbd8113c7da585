"""SQL of files."""

from collections.abc import Sequence
from uuid import UUID

from roster.core.files.errors import FileNotFound
from roster.core.files.models import File
from roster.storage.tx import Tx

_FILE = "id, key, name, media_type, size, created_at, created_by"


async def insert(tx: Tx, file: File) -> File:
    return await tx.one(
        File,
        "INSERT INTO files (realm_id, id, key, name, media_type, size, created_at, created_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING " + _FILE,
        tx.realm_id,
        file.id,
        file.key,
        file.name,
        file.media_type,
        file.size,
        file.created_at,
        file.created_by,
        missing=FileNotFound,
    )


async def add_piece(tx: Tx, file_id: UUID, number: int, data: bytes) -> None:
    await tx.run(
        "INSERT INTO file_pieces (realm_id, file_id, number, data) VALUES ($1, $2, $3, $4)",
        tx.realm_id,
        file_id,
        number,
        data,
    )


async def find(tx: Tx, file_id: UUID) -> File:
    return await tx.one(
        File,
        "SELECT " + _FILE + " FROM files WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        file_id,
        missing=FileNotFound,
    )


async def piece(tx: Tx, file_id: UUID, number: int) -> bytes | None:
    """One piece of the content; None behind the last one."""
    return await tx.value(
        "SELECT data FROM file_pieces WHERE realm_id = $1 AND file_id = $2 AND number = $3",
        tx.realm_id,
        file_id,
        number,
    )


async def page(tx: Tx, after: UUID | None, limit: int) -> list[File]:
    """Files in the order in which they were stored."""
    return await tx.all(
        File,
        "SELECT " + _FILE + " FROM files WHERE realm_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        tx.realm_id,
        after,
        limit,
    )


async def remove(tx: Tx, file_ids: Sequence[UUID]) -> list[UUID]:
    """Remove files and their content; which of them there were."""
    rows = await tx.rows(
        "DELETE FROM files WHERE realm_id = $1 AND id = ANY($2) RETURNING id", tx.realm_id, list(file_ids)
    )
    return [row[0] for row in rows]
