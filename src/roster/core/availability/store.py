"""SQL of availability."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from roster.core.availability.errors import ChangeCollides, ChangeNotFound
from roster.core.availability.models import Absence, Counts, Due, Planned, Preference, TreeCounts, Weekly, WeeklyDraft
from roster.kit.ids import OrgId, RealmId, UserId, uuid7
from roster.storage.tx import Tx

_WEEKLY: Final = "id, number, user_id, org_id, available, active, day, second"
_PLANNED: Final = "id, number, user_id, org_id, available, due_at"
_CONFLICTS: Final = {"availability_changes_weekly": ChangeCollides, "availability_changes_once": ChangeCollides}
_SAID: Final = (
    "coalesce((SELECT a.available FROM availabilities a WHERE a.realm_id = m.realm_id AND a.user_id = m.user_id"
    " AND (a.org_id = m.org_id OR a.org_id IS NULL) ORDER BY a.org_id IS NULL LIMIT 1), true)"
)
"""What a member of an organisation prefers there."""
_HERE: Final = (
    "NOT EXISTS (SELECT FROM availability_absences b WHERE b.realm_id = m.realm_id AND b.user_id = m.user_id"
    " AND b.starts_at <= $2 AND b.ends_at > $2)"
)


async def of_user(tx: Tx, user_id: UserId) -> list[Preference]:
    return await tx.all(
        Preference,
        "SELECT org_id, available, changed_at FROM availabilities WHERE realm_id = $1 AND user_id = $2"
        " ORDER BY org_id NULLS FIRST",
        tx.realm_id,
        user_id,
    )


async def said_for_all(tx: Tx, user_id: UserId) -> bool:
    return await tx.value(
        "SELECT coalesce((SELECT available FROM availabilities WHERE realm_id = $1 AND user_id = $2"
        " AND org_id IS NULL), true)",
        tx.realm_id,
        user_id,
    )


async def put(tx: Tx, rows: Sequence[tuple[UserId, OrgId | None, bool, datetime]]) -> set[tuple[UserId, OrgId | None]]:
    """Person, organisation, available, and since when; what was said later stays. For whom it changed something."""
    changed = await tx.rows(
        "INSERT INTO availabilities AS a (realm_id, user_id, org_id, available, changed_at)"
        " SELECT $1, t.user_id, t.org_id, t.available, t.at"
        " FROM unnest($2::uuid[], $3::uuid[], $4::boolean[], $5::timestamptz[]) AS t (user_id, org_id, available, at)"
        " ON CONFLICT (realm_id, user_id, org_id) DO UPDATE SET available = excluded.available,"
        " changed_at = excluded.changed_at WHERE a.changed_at <= excluded.changed_at RETURNING a.user_id, a.org_id",
        tx.realm_id,
        *([row[at] for row in rows] for at in range(4)),
    )
    return {(UserId(user_id), OrgId(org_id) if org_id else None) for user_id, org_id in changed}


async def remove(tx: Tx, user_id: UserId, org_id: OrgId) -> bool:
    removed = await tx.run(
        "DELETE FROM availabilities WHERE realm_id = $1 AND user_id = $2 AND org_id = $3", tx.realm_id, user_id, org_id
    )
    return removed == 1


async def statuses(tx: Tx, org_id: OrgId, user_ids: Sequence[UserId]) -> list[tuple[UserId, bool, bool]]:
    """Of active members: what they prefer, and whether they are here."""
    rows = await tx.rows(
        "SELECT m.user_id, " + _SAID + ", " + _HERE + " FROM memberships m WHERE m.realm_id = $1 AND m.org_id = $3"
        " AND m.user_id = ANY($4) AND m.state = 'active'",
        tx.realm_id,
        tx.now,
        org_id,
        list(user_ids),
    )
    return [(UserId(user_id), said, here) for user_id, said, here in rows]


async def ready(tx: Tx, membership_ids: Collection[UUID]) -> set[UUID]:
    """Of active members, those who prefer to be called on and are here."""
    rows = await tx.rows(
        "SELECT m.id FROM memberships m WHERE m.realm_id = $1 AND m.id = ANY($3) AND m.state = 'active'"
        " AND " + _SAID + " AND " + _HERE,
        tx.realm_id,
        tx.now,
        list(membership_ids),
    )
    return {found for (found,) in rows}


async def counts(tx: Tx, org_ids: Sequence[OrgId]) -> dict[OrgId, TreeCounts]:
    """Everybody once in each: whoever is available in one organisation of a tree is.

    Joined rather than looked up one by one: what few people have said is read once for all members.
    """
    rows = await tx.rows(
        "SELECT r.id, count(*) FILTER (WHERE p.alone), count(*) FILTER (WHERE NOT p.alone),"
        " count(*) FILTER (WHERE p.whole), count(*) FILTER (WHERE NOT p.whole)"
        " FROM unnest($3::uuid[]) AS r (id) LEFT JOIN ("
        "SELECT t.root, m.user_id, bool_or(s.here) AS whole, bool_or(s.here) FILTER (WHERE o.id = t.root) AS alone"
        " FROM unnest($3::uuid[]) AS t (root) JOIN orgs o ON o.realm_id = $1 AND o.path @> ARRAY[t.root]"
        " JOIN memberships m ON m.realm_id = $1 AND m.org_id = o.id AND m.state = 'active'"
        " JOIN users u ON u.realm_id = $1 AND u.id = m.user_id AND u.deleted_at IS NULL"
        " LEFT JOIN availabilities a ON a.realm_id = $1 AND a.user_id = m.user_id AND a.org_id = o.id"
        " LEFT JOIN availabilities e ON e.realm_id = $1 AND e.user_id = m.user_id AND e.org_id IS NULL"
        " LEFT JOIN availability_absences b ON b.realm_id = $1 AND b.user_id = m.user_id"
        " AND b.starts_at <= $2 AND b.ends_at > $2,"
        " LATERAL (SELECT coalesce(a.available, e.available, true) AND b.user_id IS NULL AS here) s"
        " GROUP BY t.root, m.user_id) p ON p.root = r.id GROUP BY r.id",
        tx.realm_id,
        tx.now,
        list(org_ids),
    )
    return {OrgId(root): TreeCounts(Counts(*numbers[:2]), Counts(*numbers[2:])) for root, *numbers in rows}


async def weekly(tx: Tx, user_id: UserId, org_id: OrgId | None, *, offset: int, limit: int) -> tuple[list[Weekly], int]:
    found = await tx.all(
        Weekly,
        "SELECT " + _WEEKLY + " FROM availability_changes WHERE realm_id = $1 AND user_id = $2 AND day IS NOT NULL"
        " AND org_id IS NOT DISTINCT FROM $3 ORDER BY day, second, id OFFSET $4 LIMIT $5",
        tx.realm_id,
        user_id,
        org_id,
        offset,
        limit,
    )
    total = await tx.value(
        "SELECT count(*) FROM availability_changes WHERE realm_id = $1 AND user_id = $2 AND day IS NOT NULL"
        " AND org_id IS NOT DISTINCT FROM $3",
        tx.realm_id,
        user_id,
        org_id,
    )
    return found, total


async def planned(tx: Tx, user_id: UserId, *, offset: int, limit: int) -> tuple[list[Planned], int]:
    found = await tx.all(
        Planned,
        "SELECT " + _PLANNED + " FROM availability_changes WHERE realm_id = $1 AND user_id = $2 AND day IS NULL"
        " ORDER BY due_at, id OFFSET $3 LIMIT $4",
        tx.realm_id,
        user_id,
        offset,
        limit,
    )
    total = await tx.value(
        "SELECT count(*) FROM availability_changes WHERE realm_id = $1 AND user_id = $2 AND day IS NULL",
        tx.realm_id,
        user_id,
    )
    return found, total


async def lock_person(tx: Tx, user_id: UserId) -> None:
    """One change of a person's plans at a time, so that they can be counted."""
    await tx.run("SELECT FROM users WHERE realm_id = $1 AND id = $2 FOR NO KEY UPDATE", tx.realm_id, user_id)


async def count_changes(tx: Tx, user_id: UserId) -> int:
    return await tx.value(
        "SELECT count(*) FROM availability_changes WHERE realm_id = $1 AND user_id = $2", tx.realm_id, user_id
    )


async def insert_weekly(tx: Tx, user_id: UserId, draft: WeeklyDraft, due_at: datetime) -> Weekly:
    return await tx.one(
        Weekly,
        "INSERT INTO availability_changes (realm_id, id, user_id, org_id, available, active, day, second, due_at,"
        " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING " + _WEEKLY,
        tx.realm_id,
        uuid7(),
        user_id,
        draft.org_id,
        draft.available,
        draft.active,
        draft.day,
        draft.second,
        due_at,
        tx.now,
        missing=ChangeNotFound,
        conflicts=_CONFLICTS,
    )


async def update_weekly(tx: Tx, user_id: UserId, change_id: UUID, draft: WeeklyDraft, due_at: datetime) -> Weekly:
    return await tx.one(
        Weekly,
        "UPDATE availability_changes SET org_id = $4, available = $5, active = $6, day = $7, second = $8, due_at = $9"
        " WHERE realm_id = $1 AND user_id = $2 AND id = $3 AND day IS NOT NULL RETURNING " + _WEEKLY,
        tx.realm_id,
        user_id,
        change_id,
        draft.org_id,
        draft.available,
        draft.active,
        draft.day,
        draft.second,
        due_at,
        missing=ChangeNotFound,
        conflicts=_CONFLICTS,
    )


async def insert_planned(tx: Tx, user_id: UserId, org_id: OrgId | None, *, available: bool, at: datetime) -> Planned:
    return await tx.one(
        Planned,
        "INSERT INTO availability_changes (realm_id, id, user_id, org_id, available, due_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING " + _PLANNED,
        tx.realm_id,
        uuid7(),
        user_id,
        org_id,
        available,
        at,
        tx.now,
        missing=ChangeNotFound,
        conflicts=_CONFLICTS,
    )


async def find_numbered(tx: Tx, user_id: UserId, number: int) -> UUID | None:
    return await tx.value(
        "SELECT id FROM availability_changes WHERE realm_id = $1 AND user_id = $2 AND number = $3",
        tx.realm_id,
        user_id,
        number,
    )


async def delete(tx: Tx, user_id: UserId, change_id: UUID, *, weekly: bool) -> bool:
    deleted = await tx.run(
        "DELETE FROM availability_changes WHERE realm_id = $1 AND user_id = $2 AND id = $3 AND (day IS NOT NULL) = $4",
        tx.realm_id,
        user_id,
        change_id,
        weekly,
    )
    return deleted == 1


async def look_up_absence(tx: Tx, user_id: UserId) -> Absence | None:
    return await tx.maybe(
        Absence,
        "SELECT user_id, starts_at, ends_at FROM availability_absences WHERE realm_id = $1 AND user_id = $2"
        " AND ends_at > $3",
        tx.realm_id,
        user_id,
        tx.now,
    )


async def put_absence(tx: Tx, absence: Absence) -> None:
    await tx.run(
        "INSERT INTO availability_absences (realm_id, user_id, starts_at, ends_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (realm_id, user_id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at",
        tx.realm_id,
        absence.user_id,
        absence.starts_at,
        absence.ends_at,
    )


async def delete_absence(tx: Tx, user_id: UserId) -> bool:
    deleted = await tx.run(
        "DELETE FROM availability_absences WHERE realm_id = $1 AND user_id = $2", tx.realm_id, user_id
    )
    return deleted == 1


async def realms_with_due(tx: Tx, limit: int) -> list[RealmId]:
    rows = await tx.rows(
        "SELECT DISTINCT realm_id FROM availability_changes WHERE active AND due_at <= $1 LIMIT $2", tx.now, limit
    )
    return [RealmId(realm_id) for (realm_id,) in rows]


async def take_due(tx: Tx, limit: int) -> list[Due]:
    """Changes whose time has come and that no other server is carrying out."""
    return await tx.all(
        Due,
        "SELECT id, user_id, org_id, available, day, second, due_at FROM availability_changes WHERE realm_id = $1"
        " AND active AND due_at <= $2 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED",
        tx.realm_id,
        tx.now,
        limit,
    )


async def settle(tx: Tx, done: Sequence[UUID], again: Sequence[tuple[UUID, datetime]]) -> None:
    """What comes once is over; what comes weekly comes again."""
    await tx.run("DELETE FROM availability_changes WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(done))
    await tx.run(
        "UPDATE availability_changes c SET due_at = t.due_at"
        " FROM unnest($2::uuid[], $3::timestamptz[]) AS t (id, due_at)"
        " WHERE c.realm_id = $1 AND c.id = t.id",
        tx.realm_id,
        [change_id for change_id, _ in again],
        [at for _, at in again],
    )
