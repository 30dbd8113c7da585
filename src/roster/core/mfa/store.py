"""SQL of TOTP seeds, which are rows of the table of credentials."""

from roster.core.credentials.errors import CredentialNotFound
from roster.core.credentials.models import Credential
from roster.core.mfa.errors import AlreadyActive
from roster.core.mfa.models import Seed
from roster.core.users.errors import UserNotFound
from roster.kit.ids import CredentialId, UserId
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, user_id, kind, state, label, data, version, created_at, created_by, updated_at, last_used_at,"
    " expires_at"
)


async def delete_pending(tx: Tx, user_id: UserId) -> None:
    await tx.run(
        "DELETE FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'totp' AND state = 'pending'",
        tx.realm_id,
        user_id,
    )


async def insert_pending(
    tx: Tx, user_id: UserId, credential_id: CredentialId, *, label: str, sealed: bytes
) -> Credential:
    return await tx.one(
        Credential,
        "INSERT INTO credentials (realm_id, id, user_id, kind, state, label, sealed, created_at, created_by,"
        " updated_at) SELECT $1, $2, u.id, 'totp', 'pending', $4, $5, $6, $7, $6 FROM users u"
        " WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL RETURNING " + _COLUMNS,
        tx.realm_id,
        credential_id,
        user_id,
        label,
        sealed,
        tx.now,
        tx.actor.user_id,
        missing=UserNotFound,
        conflicts={"credentials_single": AlreadyActive},
    )


async def look_up(tx: Tx, user_id: UserId) -> Seed | None:
    return await tx.maybe(
        Seed,
        "SELECT id, state, sealed FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'totp'",
        tx.realm_id,
        user_id,
    )


async def spend_step(tx: Tx, credential_id: CredentialId, step: int) -> bool:
    """Take a time step; false when it or a later one was taken before, also by a request at the same moment."""
    return bool(
        await tx.run(
            "UPDATE credentials SET data = data || jsonb_build_object('last_step', $3::bigint), last_used_at = $4"
            " WHERE realm_id = $1 AND id = $2 AND coalesce((data->>'last_step')::bigint, -1) < $3::bigint",
            tx.realm_id,
            credential_id,
            step,
            tx.now,
        )
    )


async def activate(tx: Tx, credential_id: CredentialId) -> Credential:
    return await tx.one(
        Credential,
        "UPDATE credentials SET state = 'active', version = version + 1, updated_at = $3"
        " WHERE realm_id = $1 AND id = $2 AND state = 'pending' RETURNING " + _COLUMNS,
        tx.realm_id,
        credential_id,
        tx.now,
        missing=CredentialNotFound,
    )
