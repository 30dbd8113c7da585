"""SQL of memberships."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from roster.core.memberships.errors import AlreadyMember, NotAMember
from roster.core.memberships.fields import HIDDEN
from roster.core.memberships.models import Membership
from roster.core.orgs.models import Facets
from roster.kit.errors import NotFound
from roster.kit.ids import OrgId, RoleId, UserId, uuid7
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = "id, org_id, user_id, state, external_id, promised, facets, version, created_at, created_by, joined_at"
_SHOWN = (
    "m.id, m.org_id, m.user_id, m.state, m.external_id, m.promised, m.facets, m.version, m.created_at, m.created_by,"
    " m.joined_at"
)
_PERSON = "u.id, u.number, u.username, h.email, h.phone, h.display_name, h.given_name, h.family_name, h.locale,"
_PERSON_REST = " h.picture, u.status, coalesce(h.facets, '{}'), u.created_at"
_REST_OF_PERSON = (
    " LEFT JOIN LATERAL (SELECT u.email, u.phone, u.display_name, u.given_name, u.family_name, u.locale, u.picture,"
    " u.facets WHERE NOT " + HIDDEN + ") h ON TRUE"
)
MEMBERS = Listing(
    columns=_SHOWN + ", " + _PERSON + _PERSON_REST,
    tables="memberships m CROSS JOIN LATERAL"
    " (SELECT * FROM users WHERE realm_id = m.realm_id AND id = m.user_id OFFSET 0) u" + _REST_OF_PERSON,
    condition="m.realm_id = $1 AND m.org_id = $2 AND m.person_deleted_at IS NULL",
    name="members",
    tiebreak="m.id",
)
"""A membership beside its person, in the order of their structs. People are looked up one by one, in the order of the
list, whatever the planner thinks: it takes all organisations for equally large.
"""
BY_KEPT = msgspec.structs.replace(MEMBERS, counted="memberships m")
"""The same for searches by what the membership has itself: nobody is looked up to be counted."""
FROM_PEOPLE = msgspec.structs.replace(
    MEMBERS,
    tables="users u CROSS JOIN LATERAL"
    " (SELECT * FROM memberships WHERE realm_id = u.realm_id AND user_id = u.id OFFSET 0) m" + _REST_OF_PERSON,
    condition="u.realm_id = $1 AND m.org_id = $2 AND m.person_deleted_at IS NULL",
)
"""The same for searches that few people of the realm fulfil, whose memberships are then looked up one by one."""
_AS_MEMBER: LiteralString = (
    " LIMIT 1) u, LATERAL (SELECT * FROM memberships WHERE realm_id = $1 AND org_id = $2 AND user_id = u.id LIMIT 1) m"
    + _REST_OF_PERSON
)
_PERSON_FIRST: LiteralString = (
    "SELECT " + MEMBERS.columns + " FROM (SELECT * FROM users WHERE realm_id = $1 AND deleted_at IS NULL AND "
)
"""One member: the person, and then the membership, whatever the planner thinks of the size of the organisation."""


async def size(tx: Tx, org_id: OrgId) -> int:
    """How many members the organisation has, deleted people among them."""
    return await tx.value(
        "SELECT coalesce((SELECT members FROM org_sizes WHERE realm_id = $1 AND org_id = $2), 0)", tx.realm_id, org_id
    )


async def count(tx: Tx, org_id: OrgId) -> int:
    """How many members the list has. Only deleted people are counted one by one; few of a realm are."""
    return await size(tx, org_id) - await tx.value(
        "SELECT count(*) FROM users u JOIN memberships m ON m.realm_id = u.realm_id AND m.user_id = u.id"
        " AND m.org_id = $2 WHERE u.realm_id = $1 AND u.deleted_at IS NOT NULL",
        tx.realm_id,
        org_id,
    )


async def find(tx: Tx, org_id: OrgId, user_id: UserId) -> Membership:
    return await tx.one(
        Membership,
        "SELECT " + _COLUMNS + " FROM memberships WHERE realm_id = $1 AND org_id = $2 AND user_id = $3",
        tx.realm_id,
        org_id,
        user_id,
        missing=NotAMember,
    )


async def member(tx: Tx, org_id: OrgId, user_id: UserId) -> list[tuple[Any, ...]]:
    """The row of one member, as those of `MEMBERS` are, or none."""
    return await tx.rows(_PERSON_FIRST + "id = $3" + _AS_MEMBER, tx.realm_id, org_id, user_id)


async def numbered(tx: Tx, org_id: OrgId, number: int) -> list[tuple[Any, ...]]:
    """The same by the person's number."""
    return await tx.rows(_PERSON_FIRST + "number = $3" + _AS_MEMBER, tx.realm_id, org_id, number)


async def of_user(tx: Tx, user_id: UserId) -> list[Membership]:
    return await tx.all(
        Membership,
        "SELECT " + _COLUMNS + " FROM memberships WHERE realm_id = $1 AND user_id = $2 ORDER BY id",
        tx.realm_id,
        user_id,
    )


async def of_users(tx: Tx, org_id: OrgId, user_ids: Sequence[UserId]) -> list[Membership]:
    return await tx.all(
        Membership,
        "SELECT " + _COLUMNS + " FROM memberships WHERE realm_id = $1 AND org_id = $2 AND user_id = ANY($3)",
        tx.realm_id,
        org_id,
        list(user_ids),
    )


async def joined(tx: Tx, user_id: UserId, org_ids: Sequence[OrgId]) -> set[OrgId]:
    rows = await tx.rows(
        "SELECT org_id FROM memberships WHERE realm_id = $1 AND user_id = $2 AND org_id = ANY($3)",
        tx.realm_id,
        user_id,
        list(org_ids),
    )
    return {OrgId(org_id) for (org_id,) in rows}


async def insert(tx: Tx, org_id: OrgId, user_id: UserId) -> Membership:
    """An active member."""
    return await tx.one(
        Membership,
        "INSERT INTO memberships (realm_id, id, org_id, user_id, state, created_at, created_by, joined_at)"
        " SELECT $1, $2, $3, u.id, 'active', $5, $6, $5"
        " FROM users u WHERE u.realm_id = $1 AND u.id = $4 AND u.deleted_at IS NULL RETURNING " + _COLUMNS,
        tx.realm_id,
        uuid7(),
        org_id,
        user_id,
        tx.now,
        tx.actor.user_id,
        missing=NotFound,
        conflicts={"memberships_once": AlreadyMember},
    )


async def insert_many(
    tx: Tx, org_id: OrgId, user_ids: Sequence[UserId], promised: Sequence[Sequence[RoleId]]
) -> list[Membership]:
    """Pending members; who belongs to the organisation already, or does not exist, is left out.

    LATERAL with LIMIT has each person looked up by index, whatever the planner thinks of the size of the table.
    """
    return await tx.all(
        Membership,
        "INSERT INTO memberships (realm_id, id, org_id, user_id, state, promised, created_at, created_by)"
        " SELECT $1, t.id, $2, u.id, 'pending', string_to_array(t.promised, ',')::uuid[], $6, $7"
        " FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS t (id, user_id, promised), LATERAL (SELECT id FROM users"
        " WHERE realm_id = $1 AND id = t.user_id AND deleted_at IS NULL LIMIT 1) u"
        " ON CONFLICT DO NOTHING RETURNING " + _COLUMNS,
        tx.realm_id,
        org_id,
        [uuid7() for _ in user_ids],
        list(user_ids),
        [",".join(map(str, each)) for each in promised],
        tx.now,
        tx.actor.user_id,
    )


async def describe(tx: Tx, told: Mapping[UUID, tuple[str | None, Facets]]) -> None:
    await tx.run(
        "UPDATE memberships m SET external_id = t.external_id, facets = t.facets"
        " FROM unnest($2::uuid[], $3::text[], $4::jsonb[]) AS t (id, external_id, facets)"
        " WHERE m.realm_id = $1 AND m.id = t.id",
        tx.realm_id,
        list(told),
        [external_id for external_id, _ in told.values()],
        [facets for _, facets in told.values()],
    )


async def update(tx: Tx, membership: Membership) -> Membership:
    return await tx.one(
        Membership,
        "UPDATE memberships SET external_id = $3, facets = $4, promised = $5, version = version + 1"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        tx.realm_id,
        membership.id,
        membership.external_id,
        membership.facets,
        membership.promised,
        missing=NotAMember,
    )


async def activate(tx: Tx, membership_id: UUID) -> bool:
    """Whether it was pending before."""
    changed = await tx.run(
        "UPDATE memberships SET state = 'active', joined_at = $3, promised = '{}', version = version + 1"
        " WHERE realm_id = $1 AND id = $2 AND state = 'pending'",
        tx.realm_id,
        membership_id,
        tx.now,
    )
    return changed == 1


async def delete(tx: Tx, membership_id: UUID) -> None:
    await tx.run("DELETE FROM memberships WHERE realm_id = $1 AND id = $2", tx.realm_id, membership_id)


async def has_joined_any(tx: Tx, user_id: UserId) -> bool:
    return await tx.value(
        "SELECT EXISTS (SELECT FROM memberships WHERE realm_id = $1 AND user_id = $2 AND state = 'active')",
        tx.realm_id,
        user_id,
    )


async def share_an_organisation(tx: Tx, user_id: UserId, other_id: UserId) -> bool:
    """Whether both are active members of one organisation."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM memberships a JOIN memberships b ON b.realm_id = a.realm_id AND b.org_id = a.org_id"
        " WHERE a.realm_id = $1 AND a.user_id = $2 AND b.user_id = $3 AND a.state = 'active' AND b.state = 'active')",
        tx.realm_id,
        user_id,
        other_id,
    )


async def is_kept_within(tx: Tx, user_id: UserId, org_ids: Sequence[OrgId]) -> bool:
    """Whether somebody without address and credentials has joined one of these organisations, and no other.

    An organisation that has only invited them keeps nobody: anybody may found one. With a personal number they may
    sign in by an electronic identification.
    """
    return await tx.value(
        "SELECT EXISTS (SELECT FROM users u WHERE u.realm_id = $1 AND u.id = $2 AND u.deleted_at IS NULL"
        " AND u.email IS NULL AND u.personal_number IS NULL"
        " AND NOT EXISTS (SELECT FROM credentials c WHERE c.realm_id = $1 AND c.user_id = $2)"
        " AND (SELECT bool_and(m.org_id = ANY($3)) FROM memberships m"
        " WHERE m.realm_id = $1 AND m.user_id = $2 AND m.state = 'active'))",
        tx.realm_id,
        user_id,
        list(org_ids),
    )
