"""SQL of organisations and their owners."""

from collections.abc import Sequence
from uuid import UUID

from roster.core.orgs.errors import OrgNotFound, OrgNumberTaken
from roster.core.orgs.models import Org, OrgDraft, Owner
from roster.kit.ids import OrgId, UserId, uuid7
from roster.kit.text import fold
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, parent_id, path, name, description, language, timezone, enforces_mfa, invitation_text, facets,"
    " version, created_at, created_by, updated_at, updated_by"
)
ALL = Listing(columns=_COLUMNS, tables="orgs", condition="realm_id = $1 AND ($2::uuid IS NULL OR parent_id = $2)")
OWN = Listing(
    columns=_COLUMNS,
    tables="orgs",
    condition="realm_id = $1 AND ($2::uuid IS NULL OR parent_id = $2) AND (id = ANY($4::uuid[])"
    " OR path && ARRAY(SELECT o.org_id FROM org_owners o WHERE o.realm_id = $1 AND o.user_id = $3)"
    " OR id IN (SELECT m.org_id FROM memberships m WHERE m.realm_id = $1 AND m.user_id = $3 AND m.state = 'active'))",
    decides=True,
)
"""Those that a person ($3) is a member of or owns, with all below what they own, and those named ($4)."""


async def find(tx: Tx, org_id: OrgId) -> Org:
    return await tx.one(
        Org,
        "SELECT " + _COLUMNS + " FROM orgs WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        org_id,
        missing=OrgNotFound,
    )


async def find_by_number(tx: Tx, number: int) -> Org:
    return await tx.one(
        Org,
        "SELECT " + _COLUMNS + " FROM orgs WHERE realm_id = $1 AND number = $2",
        tx.realm_id,
        number,
        missing=OrgNotFound,
    )


async def lock(tx: Tx, org_id: OrgId) -> Org:
    return await tx.one(
        Org,
        "SELECT " + _COLUMNS + " FROM orgs WHERE realm_id = $1 AND id = $2 FOR UPDATE",
        tx.realm_id,
        org_id,
        missing=OrgNotFound,
    )


async def some(tx: Tx, org_ids: Sequence[OrgId]) -> list[Org]:
    return await tx.all(
        Org, "SELECT " + _COLUMNS + " FROM orgs WHERE realm_id = $1 AND id = ANY($2)", tx.realm_id, list(org_ids)
    )


async def insert(tx: Tx, draft: OrgDraft, above: Sequence[OrgId]) -> Org:
    org_id = uuid7()
    return await tx.one(
        Org,
        "INSERT INTO orgs (realm_id, id, parent_id, path, name, name_key, description, language, timezone,"
        " enforces_mfa, facets, created_at, created_by, updated_at, updated_by, number)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $13,"
        " coalesce($14, free_org_number($1))) RETURNING " + _COLUMNS,
        tx.realm_id,
        org_id,
        draft.parent_id,
        [*above, org_id],
        draft.name,
        fold(draft.name),
        draft.description,
        draft.language,
        draft.timezone,
        draft.enforces_mfa,
        draft.facets,
        tx.now,
        tx.actor.user_id,
        draft.number,
        missing=OrgNotFound,
        conflicts={"orgs_parent": OrgNotFound, "orgs_number_key": OrgNumberTaken},
    )


async def update(tx: Tx, org: Org) -> Org:
    return await tx.one(
        Org,
        "UPDATE orgs SET name = $3, name_key = $4, description = $5, language = $6, timezone = $7, enforces_mfa = $8,"
        " invitation_text = $9, facets = $10, version = version + 1, updated_at = $11, updated_by = $12"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _COLUMNS,
        tx.realm_id,
        org.id,
        org.name,
        fold(org.name),
        org.description,
        org.language,
        org.timezone,
        org.enforces_mfa,
        org.invitation_text,
        org.facets,
        tx.now,
        tx.actor.user_id,
        missing=OrgNotFound,
    )


async def delete(tx: Tx, org_id: OrgId) -> None:
    await tx.run("DELETE FROM orgs WHERE realm_id = $1 AND id = $2", tx.realm_id, org_id)


async def has_parts(tx: Tx, org_id: OrgId) -> bool:
    return await tx.value(
        "SELECT EXISTS (SELECT FROM orgs WHERE realm_id = $1 AND parent_id = $2)", tx.realm_id, org_id
    )


async def with_parts(tx: Tx, org_ids: Sequence[OrgId]) -> set[OrgId]:
    rows = await tx.rows(
        "SELECT DISTINCT parent_id FROM orgs WHERE realm_id = $1 AND parent_id = ANY($2)", tx.realm_id, list(org_ids)
    )
    return {OrgId(org_id) for (org_id,) in rows}


# owners


async def owners(tx: Tx, org_ids: Sequence[OrgId]) -> list[Owner]:
    return await tx.all(
        Owner,
        "SELECT o.org_id, u.id, u.number, u.username, u.display_name, o.created_at FROM org_owners o"
        " JOIN users u ON u.realm_id = o.realm_id AND u.id = o.user_id"
        " WHERE o.realm_id = $1 AND o.org_id = ANY($2) AND u.deleted_at IS NULL ORDER BY o.created_at, u.id",
        tx.realm_id,
        list(org_ids),
    )


async def owns_any(tx: Tx, org_ids: Sequence[OrgId], user_id: UUID) -> bool:
    return await tx.value(
        "SELECT EXISTS (SELECT FROM org_owners WHERE realm_id = $1 AND org_id = ANY($2) AND user_id = $3)",
        tx.realm_id,
        list(org_ids),
        user_id,
    )


async def owned(tx: Tx, user_id: UserId) -> list[OrgId]:
    rows = await tx.rows(
        "SELECT org_id FROM org_owners WHERE realm_id = $1 AND user_id = $2 ORDER BY org_id", tx.realm_id, user_id
    )
    return [OrgId(org_id) for (org_id,) in rows]


async def add_owner(tx: Tx, org_id: OrgId, user_id: UserId) -> bool:
    """Whether they were none before."""
    added = await tx.run(
        "INSERT INTO org_owners (realm_id, org_id, user_id, created_at, created_by)"
        " SELECT $1, $2, u.id, $4, $5 FROM users u WHERE u.realm_id = $1 AND u.id = $3 AND u.deleted_at IS NULL"
        " ON CONFLICT DO NOTHING",
        tx.realm_id,
        org_id,
        user_id,
        tx.now,
        tx.actor.user_id,
    )
    return added == 1


async def remove_owner(tx: Tx, org_id: OrgId, user_id: UserId) -> bool:
    """Whether they were one before."""
    removed = await tx.run(
        "DELETE FROM org_owners WHERE realm_id = $1 AND org_id = $2 AND user_id = $3", tx.realm_id, org_id, user_id
    )
    return removed == 1


async def is_member(tx: Tx, org_id: OrgId, user_id: UUID) -> bool:
    return await tx.value(
        "SELECT EXISTS (SELECT FROM memberships WHERE realm_id = $1 AND org_id = $2 AND user_id = $3"
        " AND state = 'active')",
        tx.realm_id,
        org_id,
        user_id,
    )


async def must_have_second_factor(tx: Tx, user_id: UserId) -> bool:
    """Whether an organisation that the person belongs to keeps people without one out."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM memberships m JOIN orgs o ON o.realm_id = m.realm_id AND o.id = m.org_id"
        " WHERE m.realm_id = $1 AND m.user_id = $2 AND m.state = 'active' AND o.enforces_mfa)",
        tx.realm_id,
        user_id,
    )


async def has_second_factor(tx: Tx, user_id: UserId) -> bool:
    return await tx.value(
        "SELECT EXISTS (SELECT FROM credentials WHERE realm_id = $1 AND user_id = $2"
        " AND kind IN ('totp', 'sms', 'bankid')"
        " AND state = 'active')",
        tx.realm_id,
        user_id,
    )


async def trees(tx: Tx, roots: Sequence[OrgId]) -> list[tuple[OrgId, list[OrgId]]]:
    """Each of these organisations with all of those below it, and itself."""
    rows = await tx.rows(
        "SELECT r.id, array_agg(o.id) FROM unnest($2::uuid[]) AS r (id)"
        " JOIN orgs o ON o.realm_id = $1 AND o.path @> ARRAY[r.id] GROUP BY r.id",
        tx.realm_id,
        list(roots),
    )
    return [(OrgId(root), below) for root, below in rows]


async def count_below(tx: Tx, root: OrgId) -> int:
    """The organisations of a tree, its root among them."""
    return await tx.value(
        "SELECT count(*) FROM orgs WHERE realm_id = $1 AND path @> ARRAY[$2::uuid]", tx.realm_id, root
    )


async def measure(tx: Tx, org: Org) -> tuple[int, int]:
    """Height and size of the tree that begins at this organisation."""
    rows = await tx.rows(
        "SELECT max(cardinality(path)), count(*) FROM orgs WHERE realm_id = $1 AND path @> ARRAY[$2::uuid]",
        tx.realm_id,
        org.id,
    )
    deepest, size = rows[0]
    return deepest - len(org.path) + 1, size


async def lock_trees(tx: Tx) -> None:
    """One change of a realm's trees at a time; sign-ins and people do not wait for it."""
    await tx.run("SELECT FROM realms WHERE id = $1 FOR NO KEY UPDATE", tx.realm_id)


async def move(tx: Tx, org: Org, above: Sequence[OrgId]) -> None:
    """The ways to all organisations below change with it."""
    await tx.run(
        "UPDATE orgs SET path = $3::uuid[] || path[$4:] WHERE realm_id = $1 AND path @> ARRAY[$2::uuid]",
        tx.realm_id,
        org.id,
        list(above),
        len(org.path),
    )
    await tx.run(
        "UPDATE orgs SET parent_id = $3, version = version + 1, updated_at = $4, updated_by = $5"
        " WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        org.id,
        above[-1] if above else None,
        tx.now,
        tx.actor.user_id,
    )


async def raise_access_version(tx: Tx) -> None:
    """What roles reach depends on the tree."""
    await tx.run("UPDATE realms SET access_version = access_version + 1 WHERE id = $1", tx.realm_id)
