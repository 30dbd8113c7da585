"""SQL of signing keys, proofs, and of the one statement that finds out who asks."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from roster.core.tokens.models import KeyPrincipal, OrgPrincipal, Principal, Proof, StoredKey
from roster.kit.ids import CredentialId, ProofId, RealmId, UserId
from roster.storage.trimming import trim
from roster.storage.tx import Tx

_PROOF = "id, purpose, user_id, data, created_at, expires_at"
_CONFIRMED = "(u.email IS NULL OR u.email_verified_at IS NOT NULL)"


async def session_principal(tx: Tx, slug: str, session_id: UUID, user_id: UUID) -> Principal | None:
    """Only when realm, person and session are all in order at this moment."""
    return await tx.maybe(
        Principal,
        "SELECT r.id, r.version, r.access_version, u.username, u.access_version, s.authenticated_at, s.factors,"
        " s.last_used_at, s.device_id, s.generation, u.locale, " + _CONFIRMED + ", s.expires_at FROM realms r"
        " JOIN sessions s ON s.realm_id = r.id AND s.id = $2"
        " JOIN users u ON u.realm_id = r.id AND u.id = s.user_id"
        " WHERE r.slug = $1 AND r.status = 'active' AND s.user_id = $3 AND s.ended_at IS NULL"
        " AND s.expires_at > greatest($4, statement_timestamp())"
        " AND u.status = 'active' AND u.deleted_at IS NULL",
        slug,
        session_id,
        user_id,
        tx.now,
    )


async def key_principal(tx: Tx, slug: str, realm_id: RealmId, credential_id: CredentialId) -> KeyPrincipal | None:
    """Only when realm, person and key are all in order at this moment; the caller compares the digest."""
    return await tx.maybe(
        KeyPrincipal,
        "SELECT r.id, r.version, r.access_version, u.id, u.username, u.access_version, c.id, c.kind, c.lookup,"
        " c.last_used_at, u.locale, " + _CONFIRMED + " FROM realms r"
        " JOIN credentials c ON c.realm_id = r.id AND c.id = $3"
        " JOIN users u ON u.realm_id = r.id AND u.id = c.user_id"
        " WHERE r.slug = $1 AND r.id = $2 AND r.status = 'active' AND c.kind IN ('api_key', 'personal')"
        " AND c.state = 'active' AND (c.expires_at IS NULL OR c.expires_at > $4)"
        " AND u.status = 'active' AND u.deleted_at IS NULL",
        slug,
        realm_id,
        credential_id,
        tx.now,
    )


async def org_principal(tx: Tx, slug: str, realm_id: RealmId, token_id: UUID) -> OrgPrincipal | None:
    """Only when realm and token are in order at this moment; the caller compares the digest."""
    return await tx.maybe(
        OrgPrincipal,
        "SELECT r.id, r.version, r.access_version, o.id, o.name, t.id, t.lookup, t.last_used_at FROM realms r"
        " JOIN org_tokens t ON t.realm_id = r.id AND t.id = $3"
        " JOIN orgs o ON o.realm_id = r.id AND o.id = t.org_id"
        " WHERE r.slug = $1 AND r.id = $2 AND r.status = 'active' AND (t.expires_at IS NULL OR t.expires_at > $4)",
        slug,
        realm_id,
        token_id,
        tx.now,
    )


async def keys_of(tx: Tx, slug: str) -> list[StoredKey]:
    """Newest first; one row without a key for a realm that has none yet, no row for a realm that is not there."""
    return await tx.all(
        StoredKey,
        "SELECT r.id, r.version, r.settings, k.kid, k.algorithm, k.sealed, k.retired_at"
        " FROM realms r LEFT JOIN signing_keys k ON k.realm_id = r.id WHERE r.slug = $1"
        " ORDER BY k.created_at DESC LIMIT 100",
        slug,
    )


async def insert_key(tx: Tx, kid: str, *, algorithm: str, public_jwk: Mapping[str, object], sealed: bytes) -> bool:
    """False when somebody else has made the realm's key at the same moment."""
    return bool(
        await tx.run(
            "INSERT INTO signing_keys (realm_id, kid, algorithm, public_jwk, sealed, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (realm_id) WHERE retired_at IS NULL DO NOTHING",
            tx.realm_id,
            kid,
            algorithm,
            public_jwk,
            sealed,
            tx.now,
        )
    )


async def retire_keys(tx: Tx) -> None:
    """The realm's version grows with it, so that every worker reads the keys anew on its next request."""
    await tx.run(
        "UPDATE signing_keys SET retired_at = $2 WHERE realm_id = $1 AND retired_at IS NULL", tx.realm_id, tx.now
    )
    await _grow_realm(tx)


async def delete_keys(tx: Tx) -> None:
    await tx.run("DELETE FROM signing_keys WHERE realm_id = $1", tx.realm_id)
    await _grow_realm(tx)


async def _grow_realm(tx: Tx) -> None:
    await tx.run("UPDATE realms SET version = version + 1, updated_at = $2 WHERE id = $1", tx.realm_id, tx.now)


async def insert_proof(
    tx: Tx, proof_id: ProofId, purpose: str, user_id: UserId, *, data: Mapping[str, object], expires_at: datetime
) -> None:
    """Nothing is stored for somebody who does not exist, at the same cost."""
    await tx.run(
        "INSERT INTO proofs (realm_id, id, purpose, user_id, data, created_at, expires_at)"
        " SELECT $1, $2, $3, u.id, $5, $6, $7 FROM users u"
        " WHERE u.realm_id = $1 AND u.id = $4 AND u.deleted_at IS NULL",
        tx.realm_id,
        proof_id,
        purpose,
        user_id,
        data,
        tx.now,
        expires_at,
    )


async def look_up_proof(tx: Tx, proof_id: UUID, purpose: str, user_id: UUID | None) -> Proof | None:
    return await tx.maybe(
        Proof,
        "SELECT "
        + _PROOF
        + " FROM proofs WHERE realm_id = $1 AND id = $2 AND purpose = $3 AND user_id = coalesce($4::uuid, user_id)"
        " AND used_at IS NULL AND expires_at > greatest($5, statement_timestamp())",
        tx.realm_id,
        proof_id,
        purpose,
        user_id,
        tx.now,
    )


async def spend_proof(tx: Tx, proof_id: UUID, purpose: str) -> bool:
    return bool(
        await tx.run(
            "UPDATE proofs SET used_at = $4 WHERE realm_id = $1 AND id = $2 AND purpose = $3 AND used_at IS NULL"
            " AND expires_at > $4",
            tx.realm_id,
            proof_id,
            purpose,
            tx.now,
        )
    )


async def void_proofs(tx: Tx, user_id: UserId) -> None:
    await tx.run(
        "UPDATE proofs SET used_at = $3 WHERE realm_id = $1 AND user_id = $2 AND used_at IS NULL",
        tx.realm_id,
        user_id,
        tx.now,
    )


async def newest_proof(tx: Tx, user_id: UserId, purpose: str) -> Proof | None:
    return await tx.maybe(
        Proof,
        "SELECT " + _PROOF + " FROM proofs WHERE realm_id = $1 AND user_id = $2 AND purpose = $3"
        " AND used_at IS NULL AND expires_at > $4 ORDER BY id DESC LIMIT 1",
        tx.realm_id,
        user_id,
        purpose,
        tx.now,
    )


async def void_proofs_for(tx: Tx, user_id: UserId, purpose: str) -> int:
    return await tx.run(
        "UPDATE proofs SET used_at = $4 WHERE realm_id = $1 AND user_id = $2 AND purpose = $3 AND used_at IS NULL"
        " AND expires_at > $4",
        tx.realm_id,
        user_id,
        purpose,
        tx.now,
    )


async def sweep_proofs(tx: Tx) -> int:
    return await trim(tx, "proofs", "expires_at < $2", tx.now)
