"""SQL of the labels that members carry."""

from collections.abc import Sequence
from uuid import UUID

from roster.core.memberships.models import Carrier
from roster.kit.ids import LabelId, UserId
from roster.storage.tx import Tx

Pairs = Sequence[tuple[UUID, LabelId]]
"""Memberships and labels."""


async def carried(tx: Tx, membership_ids: Sequence[UUID]) -> dict[UUID, list[LabelId]]:
    """Labels by membership, in the order of their numbers; deleted ones are left out."""
    rows = await tx.rows(
        "SELECT c.membership_id, c.label_id FROM member_labels c, LATERAL (SELECT number FROM labels"
        " WHERE realm_id = $1 AND id = c.label_id AND deleted_at IS NULL LIMIT 1) l"
        " WHERE c.realm_id = $1 AND c.membership_id = ANY($2) ORDER BY l.number",
        tx.realm_id,
        list(membership_ids),
    )
    found: dict[UUID, list[LabelId]] = {}
    for membership_id, label_id in rows:
        found.setdefault(membership_id, []).append(LabelId(label_id))
    return found


async def carriers(
    tx: Tx, label_ids: Sequence[LabelId], own_only: Sequence[LabelId] = (), own_id: UserId | None = None
) -> list[Carrier]:
    """By label, in the order of their numbers; of some labels only this person.

    LATERAL with LIMIT has members and people looked up by index, whatever the planner thinks of the size of the tables.
    """
    return await tx.all(
        Carrier,
        "SELECT c.label_id, m.id, m.user_id, u.number FROM member_labels c,"
        " LATERAL (SELECT id, user_id FROM memberships WHERE realm_id = $1 AND id = c.membership_id LIMIT 1) m,"
        " LATERAL (SELECT number FROM users WHERE realm_id = $1 AND id = m.user_id AND deleted_at IS NULL LIMIT 1) u"
        " WHERE c.realm_id = $1 AND c.label_id = ANY($2) AND (c.label_id <> ALL($3) OR m.user_id = $4)"
        " ORDER BY u.number",
        tx.realm_id,
        list(label_ids),
        list(own_only),
        own_id,
    )


async def add(tx: Tx, pairs: Pairs) -> None:
    await tx.run(
        "INSERT INTO member_labels (realm_id, membership_id, label_id)"
        " SELECT $1, t.membership_id, t.label_id FROM unnest($2::uuid[], $3::uuid[]) AS t (membership_id, label_id)"
        " ON CONFLICT DO NOTHING",
        tx.realm_id,
        [membership_id for membership_id, _ in pairs],
        [label_id for _, label_id in pairs],
    )


async def remove(tx: Tx, pairs: Pairs) -> None:
    await tx.run(
        "DELETE FROM member_labels c USING unnest($2::uuid[], $3::uuid[]) AS t (membership_id, label_id)"
        " WHERE c.realm_id = $1 AND c.membership_id = t.membership_id AND c.label_id = t.label_id",
        tx.realm_id,
        [membership_id for membership_id, _ in pairs],
        [label_id for _, label_id in pairs],
    )
