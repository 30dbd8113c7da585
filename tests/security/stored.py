"""What a realm has stored, to see that nothing changed."""

from typing import cast
from uuid import UUID

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime

_TABLES = (
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'realm_id'"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped ORDER BY c.relname"
)
UNIMPORTANT = frozenset({"counters"})
"""What refusals write, too."""


async def snapshot(runtime: Runtime, realm: Realm, *, but: frozenset[str] = UNIMPORTANT) -> dict[str, str]:
    """A digest of all rows of the realm, by table."""
    async with runtime.lease() as tx:
        names = [name for (name,) in await tx.rows(_TABLES) if name not in but]
        found = {name: await _digest(tx, name, realm.id) for name in names}
        found["realms"] = cast("str", await tx.value("SELECT md5(r::text) FROM realms r WHERE id = $1", realm.id))
        return found


async def _digest(tx: object, name: str, realm_id: UUID) -> str:
    query = f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t WHERE realm_id = $1"
    return await tx.value(query, realm_id)  # type: ignore[attr-defined]
