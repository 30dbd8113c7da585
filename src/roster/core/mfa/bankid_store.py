"""SQL of ties to BankID, which are rows of the table of credentials."""

from roster.core.mfa.errors import PersonalNumberTaken
from roster.kit.ids import UserId, uuid7
from roster.storage.tx import Tx


async def put(tx: Tx, user_id: UserId, mark: bytes) -> bool:
    """Whether anything changed. Raises PersonalNumberTaken."""
    return bool(
        await tx.run(
            "INSERT INTO credentials AS c (realm_id, id, user_id, kind, label, lookup, created_at, created_by,"
            " updated_at)"
            " VALUES ($1, $2, $3, 'bankid', 'BankID', $4, $5, $6, $5)"
            " ON CONFLICT (realm_id, user_id) WHERE kind = 'bankid'"
            " DO UPDATE SET lookup = excluded.lookup, version = c.version + 1, updated_at = excluded.updated_at"
            " WHERE c.lookup <> excluded.lookup",
            tx.realm_id,
            uuid7(),
            user_id,
            mark,
            tx.now,
            tx.actor.user_id,
            conflicts={"credentials_bankid": PersonalNumberTaken},
        )
    )


async def kinds(tx: Tx, user_id: UserId) -> set[str]:
    """Kinds of the person's credentials that are in use."""
    rows = await tx.rows(
        "SELECT DISTINCT kind FROM credentials WHERE realm_id = $1 AND user_id = $2 AND state = 'active'"
        " AND (expires_at IS NULL OR expires_at > $3)",
        tx.realm_id,
        user_id,
        tx.now,
    )
    return {kind for (kind,) in rows}


async def delete(tx: Tx, user_id: UserId) -> None:
    await tx.run(
        "DELETE FROM credentials WHERE realm_id = $1 AND user_id = $2 AND kind = 'bankid'", tx.realm_id, user_id
    )
