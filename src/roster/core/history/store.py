"""SQL of what a past is worked out from besides the trail of one subject."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from roster.core.history.models import Held
from roster.kit.ids import CategoryId, LabelId, RoleId, UserId
from roster.storage.tx import Tx


class About(msgspec.Struct, frozen=True):
    """What an entry says about roles."""

    action: str
    at: datetime
    subject_kind: str
    subject_id: UUID | None
    changes: dict[str, object]


async def category_number(tx: Tx, category_id: CategoryId) -> int:
    return await tx.value(
        "SELECT number FROM label_categories WHERE realm_id = $1 AND id = $2", tx.realm_id, category_id
    )


async def live_labels(tx: Tx, label_ids: Sequence[LabelId]) -> set[LabelId]:
    rows = await tx.rows(
        "SELECT id FROM labels WHERE realm_id = $1 AND id = ANY($2) AND deleted_at IS NULL",
        tx.realm_id,
        list(label_ids),
    )
    return {LabelId(label_id) for (label_id,) in rows}


async def role_names(tx: Tx) -> dict[RoleId, str]:
    rows = await tx.rows("SELECT id, name FROM roles WHERE realm_id = $1 AND org_id IS NULL", tx.realm_id)
    return {RoleId(role_id): name for role_id, name in rows}


async def held_by(tx: Tx, user_id: UserId) -> list[Held]:
    return await tx.all(
        Held,
        "SELECT role_id, contexts FROM assignments WHERE realm_id = $1 AND user_id = $2 AND org_id IS NULL",
        tx.realm_id,
        user_id,
    )


async def present_roles(tx: Tx, role_ids: Iterable[RoleId]) -> set[RoleId]:
    rows = await tx.rows("SELECT id FROM roles WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(role_ids))
    return {RoleId(role_id) for (role_id,) in rows}


async def about_roles(tx: Tx, user_id: UserId, at: datetime, limit: int) -> list[About]:
    """What was done to the person's roles since, and to the roles themselves, newest first."""
    return await tx.all(
        About,
        "SELECT action, at, subject_kind, subject_id, changes FROM ("
        "(SELECT at, id, action, subject_kind, subject_id, changes FROM audit_entries WHERE realm_id = $1"
        " AND subject_id = $2 AND at > $3 AND action IN ('role.assigned', 'role.unassigned', 'role.widened')"
        " ORDER BY at DESC, id DESC LIMIT $4) UNION ALL "
        "(SELECT at, id, action, subject_kind, subject_id, changes FROM audit_entries WHERE realm_id = $1"
        " AND subject_kind = 'role' AND at > $3"
        " AND action IN ('role.created', 'role.changed', 'role.deleted', 'role.members_changed')"
        " ORDER BY at DESC, id DESC LIMIT $4)) found ORDER BY at DESC, id DESC",
        tx.realm_id,
        user_id,
        at,
        limit,
    )


_DELETIONS = (
    "SELECT action, at, subject_kind, subject_id, changes FROM audit_entries WHERE realm_id = $1"
    " AND subject_kind = 'role' AND action = 'role.deleted'"
)


async def deletions_of_roles(tx: Tx, role_ids: Iterable[RoleId]) -> list[About]:
    return await tx.all(About, _DELETIONS + " AND subject_id = ANY($2)", tx.realm_id, list(role_ids))


async def deletion_of_role(tx: Tx, number: int) -> About | None:
    return await tx.maybe(
        About, _DELETIONS + " AND (changes -> 'number' ->> 0)::bigint = $2 LIMIT 1", tx.realm_id, number
    )
