"""SQL of people."""

from collections.abc import Awaitable, Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.core.users.errors import EmailTaken, IdTaken, UsernameTaken, UserNotFound
from roster.core.users.models import User
from roster.kit.filters import Fields, Filter
from roster.kit.ids import UserId
from roster.storage import joint, sql
from roster.storage.joint import Part
from roster.storage.sql.parameters import numbered
from roster.storage.tx import Tx

COLUMNS = (
    "id, number, username, email, email_verified_at, phone, phone_verified_at, display_name, given_name, family_name,"
    " locale, personal_number, picture, status, attributes, facets, tags, version, access_version,"
    " last_sign_in_at, created_at, created_by, created_from, updated_at, updated_by, updated_from,"
    " deleted_at, deleted_by, deleted_from"
)
ROLE_NAMES = (
    "(SELECT coalesce(array_agg(r.name), '{}') FROM assignments a"
    " JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
    " WHERE a.realm_id = users.realm_id AND a.user_id = users.id AND a.contexts = '{}' AND a.org_id IS NULL)"
)
EXTERNAL_IDS = (
    "(SELECT coalesce(array_agg(concat(c.data->>'provider', ':', c.data->>'subject')), '{}') FROM credentials c"
    " WHERE c.realm_id = users.realm_id AND c.user_id = users.id AND c.kind = 'external')"
)
"""What belongs to a person by other tables, as lists that can be searched by."""
_UNIQUE = {"users_username_key": UsernameTaken, "users_email_key": EmailTaken, "users_pkey": IdTaken}


class Row(msgspec.Struct, frozen=True, gc=False):
    """What is written about a person; keys and grams are derived from the rest by `records`."""

    username: str
    username_key: str
    email: str | None
    email_key: str | None
    email_unique: bool
    email_verified_at: object
    phone: str | None
    phone_key: str | None
    phone_verified_at: object
    display_name: str | None
    display_key: str | None
    given_name: str | None
    given_key: str | None
    family_name: str | None
    family_key: str | None
    locale: str | None
    personal_number: str | None
    picture: str | None
    status: str
    attributes: dict[str, object]
    facets: dict[str, dict[str, object]]
    tags: list[str]
    grams: list[int]


_WRITTEN = (
    "username, username_key, email, email_key, email_unique, email_verified_at, phone, phone_key, phone_verified_at,"
    " display_name, display_key, given_name, given_key, family_name, family_key, locale, personal_number, picture,"
    " status, attributes, facets, tags, grams"
)
_INSERT = (
    "done AS (INSERT INTO users (realm_id, id, created_at, updated_at, created_by, updated_by, created_from,"
    " updated_from, "
    + _WRITTEN
    + ") VALUES ($1, $2, $3, $3, $4, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
    " $20, $21, $22, $23, $24, $25, $26, $27, $28) RETURNING " + COLUMNS + ")"
)
_OF_PENDING = (
    *("username", "username_key", "email", "email_key", "email_unique", "given_name", "given_key", "family_name"),
    *("family_key", "locale"),
)


def find(tx: Tx, user_id: UserId) -> Awaitable[User]:
    return tx.one(
        User,
        "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND id = $2 AND deleted_at IS NULL",
        tx.realm_id,
        user_id,
        missing=UserNotFound,
    )


async def find_any(tx: Tx, user_id: UserId) -> User:
    """Deleted people too, erased ones not."""
    return await tx.one(
        User,
        "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND id = $2 AND erased_at IS NULL",
        tx.realm_id,
        user_id,
        missing=UserNotFound,
    )


async def find_any_named(tx: Tx, username_key: str) -> User:
    """Deleted people too, erased ones not."""
    return await tx.one(
        User,
        "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND username_key = $2 AND erased_at IS NULL",
        tx.realm_id,
        username_key,
        missing=UserNotFound,
    )


async def lock(tx: Tx, user_id: UserId) -> User:
    return await tx.one(
        User,
        "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND id = $2 AND erased_at IS NULL FOR UPDATE",
        tx.realm_id,
        user_id,
        missing=UserNotFound,
    )


# Whoever has the text as a username is meant, otherwise whoever is alone in having it as address or number.
_MEANT_BY_NAME = """
named AS ((SELECT id, true AS is_sure FROM users WHERE realm_id = $1 AND username_key = $2 AND deleted_at IS NULL)
    UNION ALL (SELECT id, false FROM users WHERE realm_id = $1 AND email_key = $2 AND username_key <> $2
        AND deleted_at IS NULL LIMIT 2)
    UNION ALL (SELECT id, false FROM users WHERE realm_id = $1 AND phone_key = $3 AND phone_key <> ''
        AND username_key <> $2 AND deleted_at IS NULL LIMIT 2)),
meant AS (SELECT id FROM named WHERE is_sure OR (SELECT count(*) FROM named) = 1),
"""
_MEANT_BY_ID = "meant AS (SELECT id FROM users WHERE realm_id = $1 AND id = $2 AND deleted_at IS NULL),"
_PERSON = " person AS (SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND id = (SELECT id FROM meant))"


def named(tx: Tx, key: str, phone_key: str) -> Part:
    """Whose username or e-mail address is `key`, or phone number `phone_key`; see `with_id`."""
    return Part(_MEANT_BY_NAME + _PERSON, (tx.realm_id, key, phone_key))


def with_id(tx: Tx, user_id: UserId | None) -> Part:
    """The person as `person`, and for parts behind it the id as `meant`; nobody is no row in either."""
    return Part(_MEANT_BY_ID + _PERSON, (tx.realm_id, user_id))


def meant(user_id: UserId | None) -> Part:
    return Part("meant AS (SELECT $1::uuid AS id)", (user_id,))


async def are_few(tx: Tx, condition: LiteralString, args: Sequence[object], most: int) -> bool:
    """Whether the condition holds for no more than `most` people; $1 is the realm. It looks at that many at most."""
    found = await tx.value(
        "SELECT count(*) FROM (SELECT FROM users WHERE "
        + condition
        + " LIMIT "
        + numbered("$", 2 + len(args))
        + ") few",
        tx.realm_id,
        *args,
        most + 1,
    )
    return found <= most


async def insert(tx: Tx, user_id: UserId, row: Row, trail: Part) -> User:
    """One statement with the trail."""
    own = (tx.realm_id, user_id, tx.now, tx.actor.user_id, tx.actor.origin.device_id)
    statement, args = joint.done(Part(_INSERT, (*own, *msgspec.structs.astuple(row))), trail)
    return await tx.one(User, statement, *args, missing=UserNotFound, conflicts=_UNIQUE)


async def insert_pending(tx: Tx, rows: Sequence[tuple[UserId, Row]]) -> set[UserId]:
    """Accounts that are pending; those whose name or address somebody has are left out. Whose row went in."""
    made = await tx.rows(
        "INSERT INTO users (realm_id, id, created_at, updated_at, created_by, updated_by, created_from, updated_from,"
        " status, username, username_key, email, email_key, email_unique, given_name, given_key, family_name,"
        " family_key, locale, grams) SELECT $1, t.id, $2, $2, $3, $3, $4, $4, 'pending', t.username, t.username_key,"
        " t.email, t.email_key, t.email_unique, t.given_name, t.given_key, t.family_name, t.family_key, t.locale,"
        " t.grams::integer[] FROM unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::boolean[],"
        " $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[]) AS t (id, username,"
        " username_key, email, email_key, email_unique, given_name, given_key, family_name, family_key, locale, grams)"
        " ON CONFLICT DO NOTHING RETURNING id",
        tx.realm_id,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        [user_id for user_id, _ in rows],
        *([getattr(row, name) for _, row in rows] for name in _OF_PENDING),
        ["{" + ",".join(map(str, row.grams)) + "}" for _, row in rows],
    )
    return {UserId(user_id) for (user_id,) in made}


async def addressed(tx: Tx, email_keys: Sequence[str]) -> list[User]:
    """Everybody with one of these addresses, deleted people too; looked up by index, one by one."""
    return await tx.all(
        User,
        "SELECT u.* FROM unnest($2::text[]) AS t (key), LATERAL (SELECT " + COLUMNS + " FROM users"
        " WHERE realm_id = $1 AND email_key = t.key ORDER BY id LIMIT 3) u",
        tx.realm_id,
        list(email_keys),
    )


async def with_ids(tx: Tx, user_ids: Sequence[UserId]) -> list[User]:
    return await tx.all(
        User,
        "SELECT " + COLUMNS + " FROM users WHERE realm_id = $1 AND id = ANY($2) AND deleted_at IS NULL",
        tx.realm_id,
        list(user_ids),
    )


async def update(tx: Tx, user_id: UserId, row: Row) -> User:
    return await tx.one(
        User,
        "UPDATE users SET version = version + 1, updated_at = $3, updated_by = $4, updated_from = $5, ("
        + _WRITTEN
        + ") = ROW($6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
        " $20, $21, $22, $23, $24, $25, $26, $27, $28) WHERE realm_id = $1 AND id = $2 RETURNING " + COLUMNS,
        tx.realm_id,
        user_id,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        *msgspec.structs.astuple(row),
        missing=UserNotFound,
        conflicts=_UNIQUE,
    )


async def lock_some(tx: Tx, where: Filter, fields: Fields, *, but: Sequence[UserId], limit: int) -> list[UserId]:
    """People who match a checked filter, locked; called again it goes on with those that have not been deleted."""
    condition, values = sql.compile_where(where, fields, 4, realm_id=tx.realm_id)
    rows = await tx.rows(
        "SELECT id FROM users WHERE realm_id = $1 AND deleted_at IS NULL AND id <> ALL($2) AND "
        + condition
        + " ORDER BY id LIMIT $3 FOR UPDATE",
        tx.realm_id,
        list(but),
        limit,
        *values,
    )
    return [UserId(user_id) for (user_id,) in rows]


async def hold_value(tx: Tx, name: str) -> None:
    """Until the end of the transaction nobody else holds what is called so."""
    await tx.value(
        "SELECT pg_advisory_xact_lock(hashtextextended('value' || $1::uuid::text || $2::text, 0))", tx.realm_id, name
    )


async def is_any(tx: Tx, where: Filter, fields: Fields, *, but: UserId | None) -> bool:
    """Whether somebody else matches a checked filter; deleted people count until they are erased."""
    condition, values = sql.compile_where(where, fields, 3, realm_id=tx.realm_id)
    return await tx.value(
        "SELECT EXISTS (SELECT FROM users WHERE realm_id = $1 AND id IS DISTINCT FROM $2 AND erased_at IS NULL AND "
        + condition
        + ")",
        tx.realm_id,
        but,
        *values,
    )


async def mark_deleted(tx: Tx, user_ids: Sequence[UserId]) -> None:
    await tx.run(
        "UPDATE users SET deleted_at = $3, deleted_by = $4, deleted_from = $5, version = version + 1,"
        " access_version = access_version + 1, updated_at = $3, updated_by = $4, updated_from = $5"
        " WHERE realm_id = $1 AND id = ANY($2) AND deleted_at IS NULL",
        tx.realm_id,
        list(user_ids),
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
    )


async def mark_restored(tx: Tx, user_id: UserId) -> User:
    return await tx.one(
        User,
        "UPDATE users SET deleted_at = NULL, deleted_by = NULL, deleted_from = NULL, version = version + 1,"
        " access_version = access_version + 1, updated_at = $3, updated_by = $4, updated_from = $5"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + COLUMNS,
        tx.realm_id,
        user_id,
        tx.now,
        tx.actor.user_id,
        tx.actor.origin.device_id,
        missing=UserNotFound,
    )


async def end_sessions(tx: Tx, user_ids: Sequence[UserId], reason: str) -> None:
    await tx.run(
        "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE realm_id = $1 AND user_id = ANY($2)"
        " AND ended_at IS NULL",
        tx.realm_id,
        list(user_ids),
        tx.now,
        reason,
    )


async def erase(tx: Tx, user_id: UserId) -> None:
    """Nothing personal stays: a stone with the bare id, so that the id is never given out again."""
    await tx.run(
        "UPDATE users SET username = id::text, username_key = id::text, last_sign_in_at = NULL,"
        " email = NULL, email_key = NULL,"
        " email_verified_at = NULL, phone = NULL, phone_key = NULL, phone_verified_at = NULL, display_name = NULL,"
        " display_key = NULL, given_name = NULL, given_key = NULL, family_name = NULL, family_key = NULL,"
        " locale = NULL, personal_number = NULL, picture = NULL, status = 'disabled', attributes = '{}',"
        " facets = '{}', tags = '{}', grams = '{}', version = version + 1, access_version = access_version + 1,"
        " updated_at = $3, updated_by = $4, deleted_at = coalesce(deleted_at, $3), erased_at = $3"
        " WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        user_id,
        tx.now,
        tx.actor.user_id,
    )
    for statement in (
        (
            "DELETE FROM label_attachments WHERE realm_id = $1 AND (subject_id = $2 OR subject_id IN"
            " (SELECT id FROM credentials WHERE realm_id = $1 AND user_id = $2))"
        ),
        "DELETE FROM assignments WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM memberships WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM org_owners WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM credentials WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM sessions WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM proofs WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM messages WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM orders WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM push_registrations WHERE realm_id = $1 AND user_id = $2",
        "DELETE FROM access_lists WHERE realm_id = $1 AND object = $2::uuid::text",
    ):
        await tx.run(statement, tx.realm_id, user_id)


async def due_for_erasure(tx: Tx, days: int, limit: int) -> list[UUID]:
    rows = await tx.rows(
        "SELECT id FROM users WHERE realm_id = $1 AND deleted_at < $2::timestamptz - make_interval(days => $3)"
        " AND erased_at IS NULL ORDER BY deleted_at LIMIT $4 FOR UPDATE SKIP LOCKED",
        tx.realm_id,
        tx.now,
        days,
        limit,
    )
    return [user_id for (user_id,) in rows]
