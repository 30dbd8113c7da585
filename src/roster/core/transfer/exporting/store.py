"""SQL of exports."""

from roster.core.transfer.exporting.record import Record, Secrets
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_COLUMNS = (
    "id, number, username, email, email_verified_at, phone, phone_verified_at, display_name, given_name, family_name,"
    " locale, personal_number, picture, status, tags, attributes, facets, created_at, updated_at, version,"
    " (SELECT coalesce(jsonb_agg(jsonb_build_object('role', r.name, 'contexts', a.contexts, 'is_owner', a.is_owner)"
    " ORDER BY r.name_key, a.contexts), '[]') FROM assignments a CROSS JOIN LATERAL"
    " (SELECT * FROM roles WHERE realm_id = a.realm_id AND id = a.role_id OFFSET 0) r"
    " WHERE a.realm_id = users.realm_id AND a.user_id = users.id AND a.org_id IS NULL)"
)
"""Each assignment's role is looked up by itself, whatever the planner thinks: it would try all roles for everybody."""
PEOPLE = Listing(columns=_COLUMNS, tables="users", condition="realm_id = $1 AND deleted_at IS NULL")
_MOST_NAMES = 500


async def attribute_names(tx: Tx) -> list[str]:
    """Names of custom fields that anybody has, for the columns of a table."""
    rows = await tx.rows(
        "SELECT DISTINCT key FROM users, jsonb_object_keys(attributes) AS key"
        " WHERE realm_id = $1 AND deleted_at IS NULL AND attributes <> '{}' ORDER BY key LIMIT $2",
        tx.realm_id,
        _MOST_NAMES,
    )
    return [name for (name,) in rows]


async def secrets_of(tx: Tx, people: list[Record]) -> list[Secrets]:
    """Password hashes, and sealed seeds of second factors."""
    return await tx.all(
        Secrets,
        "SELECT user_id, id, kind, hash, CASE WHEN kind = 'totp' THEN sealed END FROM credentials"
        " WHERE realm_id = $1 AND user_id = ANY($2) AND kind IN ('password', 'totp') AND state = 'active'",
        tx.realm_id,
        [each.id for each in people],
    )
