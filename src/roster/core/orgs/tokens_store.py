"""SQL of the tokens of organisations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from roster.core.orgs.errors import OrgNotFound, OrgTokenNotFound
from roster.core.orgs.models import OrgToken
from roster.kit.ids import OrgId, RealmId
from roster.storage.tx import Tx

_COLUMNS = "id, number, org_id, name, created_at, created_by, last_used_at, expires_at"


async def of_org(tx: Tx, org_id: OrgId) -> list[OrgToken]:
    return await tx.all(
        OrgToken,
        "SELECT " + _COLUMNS + " FROM org_tokens WHERE realm_id = $1 AND org_id = $2 ORDER BY id",
        tx.realm_id,
        org_id,
    )


async def find_numbered(tx: Tx, number: int) -> OrgToken:
    return await tx.one(
        OrgToken,
        "SELECT " + _COLUMNS + " FROM org_tokens WHERE realm_id = $1 AND number = $2",
        tx.realm_id,
        number,
        missing=OrgTokenNotFound,
    )


async def insert(
    tx: Tx, token_id: UUID, org_id: OrgId, name: str, *, lookup: bytes, expires_at: datetime | None
) -> OrgToken:
    return await tx.one(
        OrgToken,
        "INSERT INTO org_tokens (realm_id, id, org_id, name, lookup, created_at, created_by, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING " + _COLUMNS,
        tx.realm_id,
        token_id,
        org_id,
        name,
        lookup,
        tx.now,
        tx.actor.user_id,
        expires_at,
        missing=OrgNotFound,
    )


async def delete(tx: Tx, org_id: OrgId, token_id: UUID) -> str | None:
    """The name of the token that was there."""
    return await tx.value(
        "DELETE FROM org_tokens WHERE realm_id = $1 AND org_id = $2 AND id = $3 RETURNING name",
        tx.realm_id,
        org_id,
        token_id,
    )


async def touch(tx: Tx, used: Sequence[tuple[RealmId, UUID, datetime]]) -> None:
    await tx.run(
        "UPDATE org_tokens o SET last_used_at = greatest(o.last_used_at, t.at)"
        " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS t (realm_id, id, at)"
        " WHERE o.realm_id = t.realm_id AND o.id = t.id",
        [realm_id for realm_id, _, _ in used],
        [token_id for _, token_id, _ in used],
        [at for _, _, at in used],
    )
