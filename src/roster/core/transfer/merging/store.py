"""SQL of the merge. It alone writes to the tables of several features, because a set has to be written as a set."""

from collections.abc import AsyncIterable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from roster.core.access import contexts
from roster.core.users.errors import EmailTaken, UsernameTaken
from roster.core.users.models import User
from roster.kit.ids import TransferId, UserId
from roster.storage.tx import Tx

_USER = (
    "id, number, username, email, email_verified_at, phone, phone_verified_at, display_name, given_name, family_name,"
    " locale, personal_number, picture, status, attributes, facets, tags, version, access_version,"
    " last_sign_in_at, created_at, created_by, created_from, updated_at, updated_by, updated_from,"
    " deleted_at, deleted_by, deleted_from"
)
_ROW = (
    "username, username_key, email, email_key, email_unique, email_verified_at, phone, phone_key, phone_verified_at,"
    " display_name, display_key, given_name, given_key, family_name, family_key, locale, personal_number, picture,"
    " status, attributes, facets, tags, grams"
)
_TYPED_ROW = (
    'username text, username_key text COLLATE "C", email text, email_key text COLLATE "C", email_unique boolean,'
    " email_verified_at timestamptz, phone text, phone_key text, phone_verified_at timestamptz, display_name text,"
    " display_key text, given_name text, given_key text, family_name text, family_key text, locale text,"
    " personal_number text, picture text, status text, attributes jsonb, facets jsonb, tags text[], grams text"
)
_UNPACKED = _ROW.removesuffix("grams") + "grams::integer[]"
"""Trigrams travel as text: the driver looks so closely at each number of an array that this is a third cheaper."""
_STAGED = "line, id, is_given, external, " + _ROW + ", created_at, hash, credential_id"
UNIQUE = {"users_username_key": UsernameTaken, "users_email_key": EmailTaken, "users_pkey": UsernameTaken}
"""Somebody was made by another hand between matching and writing; matching again finds them."""


class Match(msgspec.Struct, frozen=True):
    """A row of the source and a person who has its id, name or address."""

    line: int
    user_id: UserId
    is_deleted: bool


async def open_staging(tx: Tx) -> None:
    await tx.run(
        "CREATE TEMP TABLE staged (line bigint, id uuid, is_given boolean, external text, "
        + _TYPED_ROW
        + ", created_at timestamptz, hash text, credential_id uuid) ON COMMIT DROP"
    )


async def stage(tx: Tx, rows: AsyncIterable[Sequence[object]]) -> None:
    await tx.copy("staged", _STAGED.split(", "), rows)


async def alone(tx: Tx) -> None:
    """One merge at a time in a realm; until the end of the transaction."""
    await tx.value("SELECT pg_advisory_xact_lock(hashtextextended('merge' || $1::uuid::text, 0))", tx.realm_id)
    # A batch finds its people by index; what the planner guesses about a table that was just filled would mislead it.
    await tx.value(
        "SELECT set_config('enable_hashjoin', 'off', true) || set_config('enable_mergejoin', 'off', true)"
        " || set_config('enable_seqscan', 'off', true)"
    )


async def hold_others(tx: Tx) -> None:
    """Nobody else makes or changes people until this is over."""
    await tx.run("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")


async def matches(tx: Tx) -> list[Match]:
    """By username, by e-mail address where these are unique, by given id, and by the id in Keycloak.

    LATERAL with LIMIT has each row looked up by index, whatever the planner thinks of the sizes of both tables.
    """
    return await tx.all(
        Match,
        "SELECT s.line, u.id, u.deleted_at IS NOT NULL FROM staged s, LATERAL (SELECT id, deleted_at FROM users"
        " WHERE realm_id = $1 AND username_key = s.username_key LIMIT 1) u"
        " UNION SELECT s.line, u.id, u.deleted_at IS NOT NULL FROM staged s, LATERAL (SELECT id, deleted_at FROM users"
        " WHERE realm_id = $1 AND email_key = s.email_key AND email_unique LIMIT 1) u WHERE s.email_unique"
        " UNION SELECT s.line, u.id, u.deleted_at IS NOT NULL FROM staged s, LATERAL (SELECT id, deleted_at FROM users"
        " WHERE realm_id = $1 AND id = s.id LIMIT 1) u WHERE s.is_given"
        " UNION SELECT s.line, u.id, u.deleted_at IS NOT NULL FROM staged s, LATERAL (SELECT id, deleted_at FROM users"
        " WHERE realm_id = $1 AND facets #>> '{keycloak,id}' = s.external AND facets ? 'keycloak' LIMIT 2) u"
        " WHERE s.external IS NOT NULL",
        tx.realm_id,
    )


async def lock_people(tx: Tx, user_ids: Collection[UserId]) -> list[User]:
    """In order of their ids, so that two who lock several cannot wait for each other."""
    return await tx.all(
        User,
        "SELECT " + _USER + " FROM users WHERE realm_id = $1 AND id = ANY($2) AND deleted_at IS NULL ORDER BY id"
        " FOR UPDATE",
        tx.realm_id,
        list(user_ids),
    )


async def seen(tx: Tx, transfer_id: TransferId, keys: Collection[UUID]) -> dict[UUID, int]:
    """Which of these the import has met before, and in which row."""
    rows = await tx.rows(
        "SELECT key, line FROM transfer_seen WHERE realm_id = $1 AND transfer_id = $2 AND key = ANY($3)",
        tx.realm_id,
        transfer_id,
        list(keys),
    )
    return dict(rows)


async def remember(tx: Tx, transfer_id: TransferId, met: dict[UUID, int]) -> None:
    await tx.run(
        "INSERT INTO transfer_seen (realm_id, transfer_id, key, line)"
        " SELECT $1, $2, t.key, t.line FROM unnest($3::uuid[], $4::bigint[]) AS t (key, line) ON CONFLICT DO NOTHING",
        tx.realm_id,
        transfer_id,
        list(met),
        list(met.values()),
    )


async def remember_staged(tx: Tx, transfer_id: TransferId) -> None:
    """New people."""
    await tx.run(
        "INSERT INTO transfer_seen (realm_id, transfer_id, key, line) SELECT $1, $2, id, line FROM staged",
        tx.realm_id,
        transfer_id,
    )


async def drop_lines(tx: Tx, lines: Collection[int]) -> None:
    """What stays in the staging table are new people."""
    if lines:
        await tx.run("DELETE FROM staged WHERE line = ANY($1)", list(lines))


async def insert_people(tx: Tx) -> int:
    return await tx.run(
        "INSERT INTO users (realm_id, id, created_at, updated_at, created_by, updated_by, created_from, updated_from, "
        + _ROW
        + ") SELECT $1, id, coalesce(created_at, $2), $2, $3, $3, $4, $4, "
        + _UNPACKED
        + " FROM staged",
        tx.realm_id,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        conflicts=UNIQUE,
    )


async def insert_passwords(tx: Tx) -> int:
    """Of new people."""
    return await tx.run(
        "INSERT INTO credentials (realm_id, id, user_id, kind, hash, created_at, created_by, updated_at)"
        " SELECT $1, credential_id, id, 'password', hash, $2, $3, $2 FROM staged WHERE hash IS NOT NULL",
        tx.realm_id,
        tx.now,
        tx.actor.user_id,
    )


async def update_people(tx: Tx, rows: Sequence[Sequence[object]]) -> None:
    """Each row is an id and the values of a `Row`."""
    await tx.run("CREATE TEMP TABLE IF NOT EXISTS changed (id uuid, " + _TYPED_ROW + ") ON COMMIT DROP")
    await tx.run("TRUNCATE changed")
    await tx.copy("changed", ("id, " + _ROW).split(", "), rows)
    await tx.run(
        "UPDATE users u SET version = u.version + 1, updated_at = $2, updated_by = $3, updated_from = $4, ("
        + _ROW
        + ") = (SELECT "
        + _UNPACKED
        + " FROM changed WHERE id = u.id) WHERE u.realm_id = $1 AND u.id = ANY($5)",
        tx.realm_id,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        [row[0] for row in rows],
        conflicts=UNIQUE,
    )


async def end_sessions(tx: Tx, user_ids: Collection[UserId], reason: str) -> None:
    await tx.run(
        "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE realm_id = $1 AND user_id = ANY($2)"
        " AND ended_at IS NULL",
        tx.realm_id,
        list(user_ids),
        tx.now,
        reason,
    )


async def kinds_of(tx: Tx, user_ids: Collection[UserId]) -> set[tuple[UserId, str]]:
    """Who has a password, and who a second factor."""
    rows = await tx.rows(
        "SELECT user_id, kind FROM credentials WHERE realm_id = $1 AND user_id = ANY($2)"
        " AND kind IN ('password', 'totp')",
        tx.realm_id,
        list(user_ids),
    )
    return {(UserId(user_id), kind) for user_id, kind in rows}


async def put_credentials(tx: Tx, kind: str, rows: Sequence[tuple[UUID, UserId, str | None, bytes | None]]) -> None:
    """Credential id, person, hash, sealed seed. A hash that there is already is replaced, as the caller has decided."""
    await tx.run(
        "INSERT INTO credentials AS c (realm_id, id, user_id, kind, hash, sealed, created_at, created_by, updated_at)"
        " SELECT $1, t.id, t.user_id, $2, t.hash, t.sealed, $3, $4, $3"
        " FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bytea[]) AS t (id, user_id, hash, sealed)"
        " ON CONFLICT (realm_id, user_id, kind) WHERE kind IN ('password', 'pin', 'totp') DO UPDATE"
        " SET hash = excluded.hash, version = c.version + 1, updated_at = excluded.updated_at, last_used_at = NULL,"
        " sealed = CASE WHEN c.kind = 'totp' THEN c.sealed END,"
        " data = CASE WHEN c.kind = 'totp' THEN c.data ELSE '{}' END",
        tx.realm_id,
        kind,
        tx.now,
        tx.actor.user_id,
        *_columns(rows, 4),
    )


async def drop_second_factors(tx: Tx, user_ids: Collection[UserId]) -> None:
    """Backup codes go with the seed."""
    await tx.run(
        "DELETE FROM credentials WHERE realm_id = $1 AND user_id = ANY($2) AND kind IN ('totp', 'backup')",
        tx.realm_id,
        list(user_ids),
    )


async def roles_held(tx: Tx, user_ids: Collection[UserId]) -> set[tuple[UserId, UUID, str]]:
    """Person, role, and places as JSON text."""
    rows = await tx.rows(
        "SELECT user_id, role_id, contexts FROM assignments WHERE realm_id = $1 AND user_id = ANY($2)"
        " AND org_id IS NULL",
        tx.realm_id,
        list(user_ids),
    )
    return {
        (UserId(user_id), role_id, msgspec.json.encode(contexts.normal(places)).decode())
        for user_id, role_id, places in rows
    }


async def give_roles(tx: Tx, rows: Sequence[tuple[UUID, UserId, UUID, str, bool]]) -> None:
    """Assignment id, person, role, places as JSON text, owner or not."""
    await tx.run(
        "INSERT INTO assignments (realm_id, id, user_id, role_id, contexts, is_owner, created_at, created_by)"
        " SELECT $1, t.id, t.user_id, t.role_id, t.contexts::jsonb, t.is_owner, $2, $3"
        " FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::boolean[])"
        " AS t (id, user_id, role_id, contexts, is_owner) ON CONFLICT DO NOTHING",
        tx.realm_id,
        tx.now,
        tx.actor.user_id,
        *_columns(rows, 5),
    )


async def permissions_of(tx: Tx, user_ids: Collection[UserId]) -> list[tuple[UserId, list[str]]]:
    """All that these people may do anywhere; those who may do nothing are left out."""
    rows = await tx.rows(
        "SELECT a.user_id, array_agg(DISTINCT p) FROM assignments a"
        " JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id CROSS JOIN unnest(r.permissions) AS p"
        " WHERE a.realm_id = $1 AND a.user_id = ANY($2) GROUP BY a.user_id",
        tx.realm_id,
        list(user_ids),
    )
    return [(UserId(user_id), permissions) for user_id, permissions in rows]


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    listed = list(rows)
    return [[row[at] for row in listed] for at in range(width)]
