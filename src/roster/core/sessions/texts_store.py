"""SQL of texts that stand for sessions."""

from datetime import datetime

from roster.core.sessions.models import Adopted, SessionText
from roster.kit.ids import SessionId
from roster.storage.tx import Tx


async def insert(tx: Tx, digest: bytes, kind: str, session_id: SessionId, expires_at: datetime) -> None:
    await tx.run(
        "INSERT INTO session_texts (realm_id, digest, kind, session_id, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        tx.realm_id,
        digest,
        kind,
        session_id,
        tx.now,
        expires_at,
    )


async def lock(tx: Tx, digest: bytes, kind: str) -> SessionText | None:
    return await tx.maybe(
        SessionText,
        "SELECT t.digest, t.session_id, s.user_id, t.expires_at, t.spent_at FROM session_texts t"
        " JOIN sessions s ON s.realm_id = t.realm_id AND s.id = t.session_id"
        " WHERE t.realm_id = $1 AND t.digest = $2 AND t.kind = $3 FOR UPDATE OF t",
        tx.realm_id,
        digest,
        kind,
    )


async def session_of(tx: Tx, slug: str, digest: bytes, kind: str) -> SessionId | None:
    return await tx.value(
        "SELECT t.session_id FROM session_texts t JOIN realms r ON r.id = t.realm_id"
        " WHERE r.slug = $1 AND t.digest = $2 AND t.kind = $3 AND t.expires_at > $4",
        slug,
        digest,
        kind,
        tx.now,
    )


async def adopt(tx: Tx, known: Adopted, session_id: SessionId, digest: bytes, expires_at: datetime) -> bool:
    """False when the person may not sign in, or the session is here already."""
    return bool(
        await tx.run(
            "WITH s AS (INSERT INTO sessions (realm_id, id, user_id, dialect, label, user_agent, factors,"
            " authenticated_at, created_at, last_used_at, expires_at) SELECT $1, $2, u.id, $4, $5, $6, '{imported}',"
            " $7, $7, $8, $9 FROM users u WHERE u.realm_id = $1 AND u.id = $3 AND u.status = 'active'"
            " AND u.deleted_at IS NULL AND NOT EXISTS (SELECT FROM session_texts WHERE realm_id = $1 AND digest = $10)"
            " RETURNING id) INSERT INTO session_texts (realm_id, digest, kind, session_id, created_at, expires_at)"
            " SELECT $1, $10, 'imported', s.id, $11, $9 FROM s",
            tx.realm_id,
            session_id,
            known.user_id,
            known.dialect,
            known.label,
            known.user_agent,
            known.created_at,
            known.last_used_at,
            expires_at,
            digest,
            tx.now,
        )
    )


async def spend(tx: Tx, digest: bytes) -> None:
    await tx.run(
        "UPDATE session_texts SET spent_at = coalesce(spent_at, $3) WHERE realm_id = $1 AND digest = $2",
        tx.realm_id,
        digest,
        tx.now,
    )
