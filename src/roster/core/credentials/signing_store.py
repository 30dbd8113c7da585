"""SQL of keys that sign requests."""

from collections.abc import Mapping
from datetime import datetime

from roster.core.credentials import store
from roster.core.credentials.errors import CredentialNotFound
from roster.core.credentials.models import Credential
from roster.kit import ids
from roster.kit.ids import CredentialId
from roster.kit.text import fold
from roster.storage.tx import Tx


async def update(
    tx: Tx, credential_id: CredentialId, *, label: str, data: Mapping[str, object], expires_at: datetime | None
) -> Credential:
    return await tx.one(
        Credential,
        "UPDATE credentials SET label = $3, data = $4, expires_at = $5, version = version + 1, updated_at = $6,"
        " updated_by = $7, updated_from = $8 WHERE realm_id = $1 AND id = $2 AND kind = 'hawk' RETURNING "
        + store.COLUMNS,
        tx.realm_id,
        credential_id,
        label,
        data,
        expires_at,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        missing=CredentialNotFound,
        conflicts=store.CONFLICTS,
    )


async def put_key(tx: Tx, credential_id: CredentialId, sealed: bytes) -> Credential:
    return await tx.one(
        Credential,
        "UPDATE credentials SET sealed = $3, version = version + 1, updated_at = $4, last_used_at = NULL,"
        " updated_by = $5, updated_from = $6 WHERE realm_id = $1 AND id = $2 AND kind = 'hawk' RETURNING "
        + store.COLUMNS,
        tx.realm_id,
        credential_id,
        sealed,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        missing=CredentialNotFound,
    )


async def look_up(tx: Tx, name: str, alias: str) -> Credential | None:
    """A key that signs, by the name or id of a person who is not deleted, and its alias."""
    user_id = ids.parse(name)
    return await tx.maybe(
        Credential,
        "SELECT " + store.COLUMNS + " FROM credentials WHERE realm_id = $1 AND kind = 'hawk' AND data ->> 'alias' = $4"
        " AND user_id = (SELECT id FROM users WHERE realm_id = $1 AND deleted_at IS NULL"
        " AND (id = $2 OR ($2::uuid IS NULL AND username_key = $3)))",
        tx.realm_id,
        user_id,
        fold(name),
        alias,
    )
