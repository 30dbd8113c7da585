"""SQL of signed requests: whose key it is, and which nonces were seen."""

from datetime import datetime
from typing import LiteralString

from roster.core.signed.models import Current, Holder, Known, Person
from roster.kit import ids
from roster.kit.ids import RealmId
from roster.kit.text import fold
from roster.storage.tx import Tx

_TRUSTED: LiteralString = (
    "EXISTS (SELECT FROM devices d WHERE d.realm_id = r.id AND d.status = 'enabled' AND d.deleted_at IS NULL"
    " AND d.id = "
)
# What was in order when the key was remembered is asked again, and the nonce is written, in one round trip. A nonce is
# written for good signatures only: the caller has checked the MAC with the remembered key. Keys that are tied to a
# device have a statement of their own, so that the planner has one plan for each and need not think again.
_IN_ORDER: LiteralString = (
    "WITH holder AS (SELECT r.id AS realm_id, r.version AS realm_version, r.access_version AS realm_access_version,"
    " u.id AS user_id, u.username, u.access_version, c.last_used_at, c.expires_at FROM realms r"
    " JOIN credentials c ON c.realm_id = r.id AND c.id = $2"
    " JOIN users u ON u.realm_id = r.id AND u.id = c.user_id"
    " WHERE r.slug = $1 AND r.status = 'active' AND c.version = $3 AND c.kind = 'hawk' AND c.state = 'active'"
    " AND (c.expires_at IS NULL OR c.expires_at > $4) AND u.username_key = $5 AND u.status = 'active'"
    " AND u.deleted_at IS NULL"
)
_AND_NEW: LiteralString = (
    "), fresh AS (INSERT INTO request_nonces (realm_id, mark, expires_at) SELECT realm_id, $6, $7 FROM holder"
    " ON CONFLICT DO NOTHING RETURNING true)"
    " SELECT holder.*, EXISTS (SELECT FROM fresh) FROM holder"
)
_CURRENT = _IN_ORDER + _AND_NEW
_CURRENT_TIED = _IN_ORDER + " AND " + _TRUSTED + "$8)" + _AND_NEW
_HOLDER = (
    "SELECT r.id, r.version, r.access_version, u.id, u.username, u.username_key, u.access_version, c.id, c.version,"
    " c.last_used_at, c.kind, c.sealed, c.data, EXISTS (SELECT FROM credentials t WHERE t.realm_id = r.id"
    " AND t.user_id = u.id AND t.kind IN ('totp', 'sms', 'bankid') AND t.state = 'active') FROM realms r"
    " JOIN users u ON u.realm_id = r.id AND (u.id = $2 OR ($2::uuid IS NULL AND u.username_key = $3))"
    " JOIN credentials c ON c.realm_id = r.id AND c.user_id = u.id AND c.kind = $4 AND c.sealed IS NOT NULL"
    " WHERE r.slug = $1 AND r.status = 'active' AND c.state = 'active' AND (c.expires_at IS NULL OR c.expires_at > $6)"
    " AND (c.kind <> 'hawk' OR c.data ->> 'alias' = $5) AND u.status = 'active' AND u.deleted_at IS NULL"
    " AND (c.data ->> 'device' IS NULL OR " + _TRUSTED + "(c.data ->> 'device')::uuid))"
)


async def current(tx: Tx, known: Known, mark: bytes, expires_at: datetime) -> Current | None:
    """None when anything about the key, its person or its realm is not what was remembered, or not in order."""
    named = (known.realm_slug, known.credential_id, known.credential_version, tx.now, known.username_key)
    if known.device_id is None:
        return await tx.maybe(Current, _CURRENT, *named, mark, expires_at)
    return await tx.maybe(Current, _CURRENT_TIED, *named, mark, expires_at, known.device_id)


async def holder(tx: Tx, slug: str, name: str, *, kind: str, alias: str = "") -> Holder | None:
    """Whoever of any realm, by name or id, has a key of this kind, if everything is in order at this moment."""
    return await tx.maybe(Holder, _HOLDER, slug, ids.parse(name), fold(name), kind, alias, tx.now)


async def person(tx: Tx, name: str) -> Person | None:
    """Somebody active in the realm acted in, by name or id."""
    return await tx.maybe(
        Person,
        "SELECT id, username, access_version FROM users WHERE realm_id = $1"
        " AND (id = $2 OR ($2::uuid IS NULL AND username_key = $3)) AND status = 'active' AND deleted_at IS NULL",
        tx.realm_id,
        ids.parse(name),
        fold(name),
    )


async def spend_nonce(tx: Tx, realm_id: RealmId, mark: bytes, expires_at: datetime) -> bool:
    """False when it was seen before, also by a request at the same moment."""
    return bool(
        await tx.run(
            "INSERT INTO request_nonces (realm_id, mark, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            realm_id,
            mark,
            expires_at,
        )
    )


async def sweep(tx: Tx, limit: int) -> int:
    """Of all realms at once: the table is short and has no order but its key."""
    return await tx.run(
        "DELETE FROM request_nonces WHERE (realm_id, mark) IN"
        " (SELECT realm_id, mark FROM request_nonces WHERE expires_at <= $1 LIMIT $2)",
        tx.now,
        limit,
    )
