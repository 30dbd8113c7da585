"""SQL of sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

from roster.core.sessions.errors import SessionNotFound
from roster.core.sessions.models import Opening, Session
from roster.kit.ids import RealmId, SessionId, UserId, uuid7
from roster.storage import joint
from roster.storage.joint import Part
from roster.storage.sql import Listing
from roster.storage.trimming import trim
from roster.storage.tx import Tx

_NAMES = (
    "id, number, user_id, credential_id, dialect, label, user_agent, address, factors, authenticated_at, created_at,"
    " last_used_at, expires_at, ended_at, end_reason, generation, refreshed_at"
)
_S_NAMES = (
    "s.id, s.number, s.user_id, s.credential_id, s.dialect, s.label, s.user_agent, s.address, s.factors,"
    " s.authenticated_at, s.created_at, s.last_used_at, s.expires_at, s.ended_at, s.end_reason, s.generation,"
    " s.refreshed_at"
)
_INSERT = (
    "INSERT INTO sessions (realm_id, id, user_id, credential_id, dialect, label, user_agent, address, factors,"
    " authenticated_at, created_at, last_used_at, expires_at, device_id)"
)
# The rows that allow the session are locked against change until it is there: a password change or a deletion at the
# same moment either sees the session and ends it, or is seen here. When the person signed in is noted on the way.
_SEEN = (
    "u AS (UPDATE users SET last_sign_in_at = $9 WHERE realm_id = $1 AND id = $3 AND status = 'active'"
    " AND deleted_at IS NULL RETURNING id), done AS ("
)
# Of the clocks of the server and of the database the one that lets it end earlier counts, should one of them be wrong.
_BEGUN = "least($9::timestamptz, statement_timestamp())"
_OPEN = (
    _SEEN + _INSERT + " SELECT $1, $2, u.id, NULL, $4, $5, $6, $7, $8, $9, " + _BEGUN + ", $9,"
    " " + _BEGUN + " + ($10::timestamptz - $9), $11::uuid FROM realms r, u"
    " WHERE r.id = $1 AND r.status = 'active' RETURNING " + _NAMES + ")"
)
_OPEN_WITH = (
    _SEEN + _INSERT + " SELECT $1, $2, u.id, c.id, $4, $5, $6, $7, $8, $9, " + _BEGUN + ", $9,"
    " least(" + _BEGUN + " + ($10::timestamptz - $9), c.expires_at), $11::uuid"
    " FROM realms r, u, credentials c"
    " WHERE r.id = $1 AND r.status = 'active'"
    " AND c.realm_id = $1 AND c.id = $12 AND c.user_id = u.id AND c.version = $13"
    " AND (c.expires_at IS NULL OR c.expires_at > $9)"
    " FOR SHARE OF c RETURNING " + _NAMES + ")"
)
_LASTING = (
    "last_used_at = $3, expires_at = least(s.created_at + $4::interval,"
    " least($3::timestamptz, statement_timestamp()) + $5::interval,"
    " (SELECT c.expires_at FROM credentials c WHERE c.realm_id = s.realm_id AND c.id = s.credential_id))"
)
_ALIVE = (
    " AND s.ended_at IS NULL AND s.expires_at > greatest($3, statement_timestamp())"
    " AND u.realm_id = s.realm_id AND u.id = s.user_id"
    " AND u.status = 'active' AND u.deleted_at IS NULL AND r.id = s.realm_id AND r.status = 'active'"
)


LIVE = Listing(columns=_NAMES, tables="sessions", condition="realm_id = $1 AND ended_at IS NULL AND expires_at > $2")


def live_of_those(condition: LiteralString) -> Listing:
    """Live sessions of people for whom the condition over `users` holds."""
    people = " AND user_id IN (SELECT users.id FROM users WHERE users.realm_id = $1 AND " + condition + ")"
    return Listing(columns=LIVE.columns, tables=LIVE.tables, condition=LIVE.condition + people)


def session_of(*row: Any) -> Session:
    """A row of `_NAMES`."""
    return _session(row)


def _line(text: str) -> str:
    """Whatever a caller says about itself is kept as far as it can be stored and shown."""
    cut = text[:500]
    return cut if cut.isprintable() else "".join(sign for sign in cut if sign.isprintable())


def _session(row: tuple[Any, ...]) -> Session:
    values = list(row)
    values[8] = tuple(values[8])
    return Session(*values)


async def insert(tx: Tx, opening: Opening, expires_at: datetime, along: Sequence[Part]) -> Session | None:
    """None when the person may not sign in (any more), or the credential was changed or removed meanwhile."""
    origin = tx.actor.origin
    values = (
        tx.realm_id,
        SessionId(uuid7()),
        opening.user_id,
        origin.dialect,
        _line(opening.label),
        _line(origin.user_agent),
        origin.address,
        list(opening.factors),
        tx.now,
        expires_at,
        origin.device_id,
    )
    if opening.credential_id is None:
        opened = Part(_OPEN, values)
    else:
        opened = Part(_OPEN_WITH, (*values, opening.credential_id, opening.credential_version))
    statement, args = joint.done(opened, *along)
    rows = await tx.rows(statement, *args)
    return _session(rows[0]) if rows else None


async def live_of(tx: Tx, user_id: UserId) -> list[Session]:
    rows = await tx.rows(
        "SELECT " + _NAMES + " FROM sessions WHERE realm_id = $1 AND user_id = $2 AND ended_at IS NULL"
        " AND expires_at > $3 ORDER BY created_at DESC, id DESC LIMIT 1000",
        tx.realm_id,
        user_id,
        tx.now,
    )
    return [_session(row) for row in rows]


async def all_of(tx: Tx, user_id: UserId, limit: int, offset: int) -> tuple[list[Session], int]:
    rows = await tx.rows(
        "SELECT " + _NAMES + " FROM sessions WHERE realm_id = $1 AND user_id = $2"
        " ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4",
        tx.realm_id,
        user_id,
        limit,
        offset,
    )
    total = await tx.value("SELECT count(*) FROM sessions WHERE realm_id = $1 AND user_id = $2", tx.realm_id, user_id)
    return [_session(row) for row in rows], total


async def id_of(tx: Tx, number: int) -> SessionId:
    found = await tx.value("SELECT id FROM sessions WHERE realm_id = $1 AND number = $2", tx.realm_id, number)
    if found is None:
        raise SessionNotFound
    return SessionId(found)


async def find(tx: Tx, session_id: SessionId) -> Session:
    rows = await tx.rows("SELECT " + _NAMES + " FROM sessions WHERE realm_id = $1 AND id = $2", tx.realm_id, session_id)
    if not rows:
        raise SessionNotFound
    return _session(rows[0])


async def rotate(tx: Tx, session_id: SessionId, generation: int, longest: timedelta, idle: timedelta) -> Session | None:
    """Move on to the next generation; None when the session is not alive or not at this generation."""
    rows = await tx.rows(
        "UPDATE sessions s SET generation = s.generation + 1, refreshed_at = $3, "
        + _LASTING
        + " FROM users u, realms r WHERE s.realm_id = $1 AND s.id = $2 AND s.generation = $6"
        + _ALIVE
        + " RETURNING "
        + _S_NAMES,
        tx.realm_id,
        session_id,
        tx.now,
        longest,
        idle,
        generation,
    )
    return _session(rows[0]) if rows else None


async def extend(tx: Tx, session_id: SessionId, longest: timedelta, idle: timedelta) -> Session | None:
    """None when the session is not alive."""
    rows = await tx.rows(
        "UPDATE sessions s SET "
        + _LASTING
        + " FROM users u, realms r WHERE s.realm_id = $1 AND s.id = $2"
        + _ALIVE
        + " RETURNING "
        + _S_NAMES,
        tx.realm_id,
        session_id,
        tx.now,
        longest,
        idle,
    )
    return _session(rows[0]) if rows else None


async def just_rotated(tx: Tx, session_id: SessionId, generation: int, since: datetime) -> Session | None:
    """The live session when it is at this generation and came there not before `since`.

    Nor as much later than now: that was noted while a clock was ahead.
    """
    rows = await tx.rows(
        "SELECT " + _S_NAMES + " FROM sessions s, users u, realms r WHERE s.realm_id = $1 AND s.id = $2"
        " AND s.generation = $4 AND s.refreshed_at BETWEEN $5 AND $3::timestamptz + ($3 - $5)" + _ALIVE,
        tx.realm_id,
        session_id,
        tx.now,
        generation,
        since,
    )
    return _session(rows[0]) if rows else None


async def skip_generation(tx: Tx, session_id: SessionId) -> None:
    """Two steps at once, so that the token of the last step does not count as one just spent either."""
    await tx.run(
        "UPDATE sessions SET generation = generation + 2 WHERE realm_id = $1 AND id = $2", tx.realm_id, session_id
    )


async def end_reused(tx: Tx, session_id: SessionId, generation: int) -> UserId | None:
    """End the session when it has left this generation behind; whose it was, None when nothing was ended."""
    return await tx.value(
        "UPDATE sessions SET ended_at = $3, end_reason = 'reused' WHERE realm_id = $1 AND id = $2"
        " AND generation > $4 AND ended_at IS NULL RETURNING user_id",
        tx.realm_id,
        session_id,
        tx.now,
        generation,
    )


async def end(tx: Tx, session_id: SessionId, reason: str) -> bool:
    return bool(
        await tx.run(
            "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE realm_id = $1 AND id = $2 AND ended_at IS NULL",
            tx.realm_id,
            session_id,
            tx.now,
            reason,
        )
    )


async def end_all(tx: Tx, user_id: UserId, reason: str, keep: SessionId | None) -> int:
    return await tx.run(
        "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE realm_id = $1 AND user_id = $2"
        " AND ended_at IS NULL AND id IS DISTINCT FROM $5",
        tx.realm_id,
        user_id,
        tx.now,
        reason,
        keep,
    )


async def touch(tx: Tx, used: Sequence[tuple[RealmId, SessionId, datetime]]) -> None:
    await tx.run(
        "UPDATE sessions s SET last_used_at = greatest(s.last_used_at, t.at)"
        " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS t (realm_id, id, at)"
        " WHERE s.realm_id = t.realm_id AND s.id = t.id",
        [realm_id for realm_id, _, _ in used],
        [session_id for _, session_id, _ in used],
        [at for _, _, at in used],
    )


async def sweep(tx: Tx, before: datetime) -> int:
    """Rows that nobody can use since `before`."""
    return await trim(tx, "sessions", "least(expires_at, ended_at) < $2", before)
