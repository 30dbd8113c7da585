"""SQL of credentials."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from roster.core.credentials.errors import AliasTaken, CredentialExists, CredentialNotFound
from roster.core.credentials.models import Credential, Stored
from roster.core.users.errors import UserNotFound
from roster.kit.errors import StepUpRequired
from roster.kit.ids import CredentialId, RealmId, UserId, uuid7
from roster.storage.joint import Part
from roster.storage.sql import Listing
from roster.storage.tx import Tx

COLUMNS = (
    "id, number, user_id, kind, state, label, data, version, created_at, created_by, updated_at, last_used_at,"
    " expires_at, updated_by, updated_from"
)
OF_PERSON = Listing(
    columns=COLUMNS, tables="credentials", condition="realm_id = $1 AND user_id = $2 AND kind = ANY($3)"
)
ALIAS = "(data->>'alias')"
_STORED = "id, kind, hash, lookup, version, sealed, data"
CONFLICTS = {
    "credentials_single": CredentialExists,
    "credentials_external": CredentialExists,
    "credentials_alias": AliasTaken,
}


async def list_of(tx: Tx, user_id: UserId) -> list[Credential]:
    """Backup codes are left out: they are counted, not listed."""
    return await tx.all(
        Credential,
        "SELECT " + COLUMNS + " FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind <> 'backup' ORDER BY id",
        tx.realm_id,
        user_id,
    )


async def find(tx: Tx, user_id: UserId, credential_id: CredentialId) -> Credential:
    return await tx.one(
        Credential,
        "SELECT " + COLUMNS + " FROM credentials WHERE realm_id = $1 AND id = $2 AND user_id = $3",
        tx.realm_id,
        credential_id,
        user_id,
        missing=CredentialNotFound,
    )


async def lock(tx: Tx, user_id: UserId, credential_id: CredentialId) -> Credential:
    return await tx.one(
        Credential,
        "SELECT " + COLUMNS + " FROM credentials WHERE realm_id = $1 AND id = $2 AND user_id = $3 FOR UPDATE",
        tx.realm_id,
        credential_id,
        user_id,
        missing=CredentialNotFound,
    )


async def owner_of(tx: Tx, credential_id: CredentialId) -> UserId | None:
    return await tx.value("SELECT user_id FROM credentials WHERE realm_id = $1 AND id = $2", tx.realm_id, credential_id)


async def keys(tx: Tx, user_id: UserId | None, after: UUID | None, limit: int) -> list[Credential]:
    return await tx.all(
        Credential,
        "SELECT " + COLUMNS + " FROM credentials WHERE realm_id = $1 AND kind IN ('api_key', 'personal', 'hawk')"
        " AND ($2::uuid IS NULL OR user_id = $2) AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4",
        tx.realm_id,
        user_id,
        after,
        limit,
    )


async def count(tx: Tx, user_id: UserId) -> int:
    """The row of the person is locked, so that parallel additions are counted too. Raises UserNotFound."""
    found = await tx.value(
        "SELECT id FROM users WHERE realm_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        tx.realm_id,
        user_id,
    )
    if found is None:
        raise UserNotFound
    return await tx.value("SELECT count(*) FROM credentials WHERE realm_id = $1 AND user_id = $2", tx.realm_id, user_id)


async def insert(
    tx: Tx,
    user_id: UserId,
    kind: str,
    *,
    credential_id: CredentialId | None = None,
    label: str = "",
    hash: str | None = None,
    lookup: bytes | None = None,
    sealed: bytes | None = None,
    data: Mapping[str, object] | None = None,
    expires_at: datetime | None = None,
) -> Credential:
    """Only for people who exist and are not deleted. Raises UserNotFound, CredentialExists."""
    return await tx.one(
        Credential,
        "INSERT INTO credentials (realm_id, id, user_id, kind, label, hash, lookup, data, created_at, created_by,"
        " updated_at, expires_at, sealed, updated_by, updated_from)"
        " SELECT $1, $2, u.id, $4, $5, $6, $7, $8, $9, $10, $9, $11, $12, $10, $13"
        " FROM users u WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL RETURNING " + COLUMNS,
        tx.realm_id,
        credential_id or uuid7(),
        user_id,
        kind,
        label,
        hash,
        lookup,
        data or {},
        tx.now,
        tx.actor.user_id,
        expires_at,
        sealed,
        tx.actor.origin.device_id,
        missing=UserNotFound,
        conflicts=CONFLICTS,
    )


async def update(tx: Tx, credential_id: CredentialId, *, label: str, expires_at: datetime | None) -> Credential:
    return await tx.one(
        Credential,
        "UPDATE credentials SET label = $3, expires_at = $4, version = version + 1, updated_at = $5,"
        " updated_by = $6, updated_from = $7 WHERE realm_id = $1 AND id = $2 RETURNING " + COLUMNS,
        tx.realm_id,
        credential_id,
        label,
        expires_at,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        missing=CredentialNotFound,
    )


async def renew(tx: Tx, credential_id: CredentialId, lookup: bytes) -> Credential:
    return await tx.one(
        Credential,
        "UPDATE credentials SET lookup = $3, last_used_at = NULL, version = version + 1, updated_at = $4,"
        " updated_by = $5, updated_from = $6 WHERE realm_id = $1 AND id = $2 RETURNING " + COLUMNS,
        tx.realm_id,
        credential_id,
        lookup,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        missing=CredentialNotFound,
    )


async def usernames_of(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, str]:
    rows = await tx.rows(
        "SELECT id, username FROM users WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(user_ids)
    )
    return {UserId(user_id): username for user_id, username in rows}


async def username_of(tx: Tx, user_id: UserId) -> str:
    """Raises UserNotFound, for deleted people too."""
    found = await tx.value(
        "SELECT username FROM users WHERE realm_id = $1 AND id = $2 AND deleted_at IS NULL", tx.realm_id, user_id
    )
    if found is None:
        raise UserNotFound
    return found


async def shorten_sessions(tx: Tx, credential_id: CredentialId, expires_at: datetime) -> None:
    """Sessions last no longer than the credential that opened them."""
    await tx.run(
        "UPDATE sessions SET expires_at = $3 WHERE realm_id = $1 AND credential_id = $2 AND expires_at > $3",
        tx.realm_id,
        credential_id,
        expires_at,
    )


async def delete(tx: Tx, credential_id: CredentialId) -> None:
    await tx.run("DELETE FROM credentials WHERE realm_id = $1 AND id = $2", tx.realm_id, credential_id)


async def delete_kinds(tx: Tx, user_id: UserId, kinds: Sequence[str]) -> int:
    return await tx.run(
        "DELETE FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = ANY($3)",
        tx.realm_id,
        user_id,
        list(kinds),
    )


async def chosen_of(tx: Tx, user_id: UserId, kind: str) -> Stored | None:
    """The person's password or PIN."""
    return await tx.maybe(
        Stored,
        "SELECT " + _STORED + " FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = $3",
        tx.realm_id,
        user_id,
        kind,
    )


def candidates(tx: Tx) -> Part:
    """Whatever a secret of who is `meant` might be: the password and secrets found by their tag, digest or keyed mac.

    What is asked for besides (TOTP, texted codes, BankID) comes in passing.

    Secrets found by their tag come first: the tag makes them likely.
    """
    return Part(
        "candidates AS (SELECT " + _STORED + " FROM credentials WHERE realm_id = $1"
        " AND user_id = (SELECT id FROM meant) AND state = 'active' AND (expires_at IS NULL OR expires_at > $2)"
        " AND kind IN ('password', 'totp', 'sms', 'bankid', 'device', 'api_key', 'personal', 'backup')"
        " ORDER BY kind = 'password', id)",
        (tx.realm_id, tx.now),
    )


async def put_chosen(
    tx: Tx,
    user_id: UserId,
    kind: str,
    *,
    hash: str | None,
    sealed: bytes | None,
    data: Mapping[str, object],
    over: int | None = None,
) -> Credential:
    """Set or replace. The version grows, so that a sign-in with the old one that is under way opens no session.

    With `over` only what has this version is replaced: raises StepUpRequired, as whoever asked knew that one only.
    """
    return await tx.one(
        Credential,
        "INSERT INTO credentials AS c (realm_id, id, user_id, kind, hash, sealed, data, created_at, created_by,"
        " updated_at, updated_by, updated_from) SELECT $1, $2, u.id, $4, $5, $6, $7, $8, $9, $8, $9, $10 FROM users u"
        " WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL"
        " ON CONFLICT (realm_id, user_id, kind) WHERE kind IN ('password', 'pin', 'totp') DO UPDATE"
        " SET hash = excluded.hash, sealed = excluded.sealed, data = excluded.data, version = c.version + 1,"
        " updated_at = excluded.updated_at, updated_by = excluded.updated_by, updated_from = excluded.updated_from,"
        " last_used_at = NULL WHERE c.version = coalesce($11, c.version) RETURNING " + COLUMNS,
        tx.realm_id,
        uuid7(),
        user_id,
        kind,
        hash,
        sealed,
        data,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        over,
        missing=UserNotFound if over is None else StepUpRequired,
    )


async def keep_key(
    tx: Tx, credential_id: CredentialId, version: int, sealed: bytes, data: Mapping[str, object]
) -> None:
    """Another form of the same secret; nothing happens when that was changed meanwhile."""
    await tx.run(
        "UPDATE credentials SET sealed = $4, data = $5 WHERE realm_id = $1 AND id = $2 AND version = $3",
        tx.realm_id,
        credential_id,
        version,
        sealed,
        data,
    )


async def rehash(tx: Tx, credential_id: CredentialId, old: str | None, new: str) -> None:
    """The same secret in a better form; nothing happens when it was changed meanwhile."""
    await tx.run(
        "UPDATE credentials SET hash = $4 WHERE realm_id = $1 AND id = $2 AND hash IS NOT DISTINCT FROM $3",
        tx.realm_id,
        credential_id,
        old,
        new,
    )


async def spend_backup(tx: Tx, user_id: UserId, mac: bytes) -> bool:
    """Use a backup code up; false when it is wrong or was used before."""
    return bool(
        await tx.run(
            "UPDATE credentials SET state = 'used', last_used_at = $4, updated_at = $4 WHERE realm_id = $1"
            " AND user_id = $2 AND kind = 'backup' AND lookup = $3 AND state = 'active'",
            tx.realm_id,
            user_id,
            mac,
            tx.now,
        )
    )


async def insert_backups(tx: Tx, user_id: UserId, macs: Sequence[bytes]) -> None:
    await tx.run(
        "INSERT INTO credentials (realm_id, id, user_id, kind, lookup, created_at, created_by, updated_at)"
        " SELECT $1, t.id, $2, 'backup', t.mac, $5, $6, $5 FROM unnest($3::uuid[], $4::bytea[]) AS t (id, mac)",
        tx.realm_id,
        user_id,
        [uuid7() for _ in macs],
        list(macs),
        tx.now,
        tx.actor.user_id,
    )


async def count_backups(tx: Tx, user_id: UserId) -> int:
    return await tx.value(
        "SELECT count(*) FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'backup'"
        " AND state = 'active'",
        tx.realm_id,
        user_id,
    )


async def external(tx: Tx, lookup: bytes) -> tuple[CredentialId, UserId, int] | None:
    rows = await tx.rows(
        "SELECT id, user_id, version FROM credentials WHERE realm_id = $1 AND lookup = $2 AND kind = 'external'",
        tx.realm_id,
        lookup,
    )
    return None if not rows else (rows[0][0], rows[0][1], rows[0][2])


async def external_ids(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[tuple[str, str]]]:
    rows = await tx.rows(
        "SELECT user_id, data->>'provider', data->>'subject' FROM credentials WHERE realm_id = $1"
        " AND user_id = ANY($2) AND kind = 'external' ORDER BY id",
        tx.realm_id,
        list(user_ids),
    )
    found: dict[UserId, list[tuple[str, str]]] = {}
    for user_id, provider, subject in rows:
        found.setdefault(UserId(user_id), []).append((provider, subject))
    return found


async def external_marks(tx: Tx, user_id: UserId) -> dict[bytes, CredentialId]:
    """The person's external identities by what they are found by."""
    rows = await tx.rows(
        "SELECT lookup, id FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'external'",
        tx.realm_id,
        user_id,
    )
    return {mark: CredentialId(credential_id) for mark, credential_id in rows}


async def touch(tx: Tx, used: Sequence[tuple[RealmId, CredentialId, datetime]]) -> None:
    await tx.run(
        "UPDATE credentials c SET last_used_at = greatest(c.last_used_at, t.at)"
        " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS t (realm_id, id, at)"
        " WHERE c.realm_id = t.realm_id AND c.id = t.id",
        [realm_id for realm_id, _, _ in used],
        [credential_id for _, credential_id, _ in used],
        [at for _, _, at in used],
    )
