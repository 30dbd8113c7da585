"""What a realm has stored, to see that nothing changed."""

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime

_TABLES = (
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'realm_id'"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped ORDER BY c.relname"
)
UNIMPORTANT = frozenset({"counters"})
"""What refusals write, too."""


async def snapshot(runtime: Runtime, realm: Realm, *, but: frozenset[str] = UNIMPORTANT) -> dict[str, str]:
    """A digest of all rows of the realm, by table; one question for all tables, which are many."""
    async with runtime.lease() as tx:
        names = [name for (name,) in await tx.rows(_TABLES) if name not in but]
        digests = [_digest(name, "realm_id") for name in names] + [_digest("realms", "id")]
        return dict(await tx.rows(" UNION ALL ".join(digests), realm.id))  # type: ignore[arg-type]


def _digest(name: str, key: str) -> str:
    rows = f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t WHERE {key} = $1"
    return f"SELECT '{name}', ({rows})"
