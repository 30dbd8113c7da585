"""SQL of permission lists."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from roster.core.access.models import AccessList, Rights
from roster.storage.tx import Tx


class _List(msgspec.Struct, frozen=True):
    name: str
    parent: str | None
    records: list[dict[str, object]]
    version: int
    created_at: datetime
    updated_at: datetime

    def access_list(self) -> AccessList:
        records = msgspec.convert(self.records, list[Rights])
        return AccessList(self.name, self.parent, records, self.version, self.created_at, self.updated_at)


_LIST = "object, parent, records, version, created_at, updated_at"


async def look_up_list(tx: Tx, name: str) -> AccessList | None:
    row = await tx.maybe(
        _List, "SELECT " + _LIST + " FROM access_lists WHERE realm_id = $1 AND object = $2", tx.realm_id, name
    )
    return row and row.access_list()


async def put_list(
    tx: Tx, name: str, parent: str | None, records: Sequence[Rights], version: int | None
) -> AccessList | None:
    """None when the stored version is another than `version`.

    The first stored version is 1: version 0 is the list that holds before anybody has stored one.
    """
    row = await tx.maybe(
        _List,
        "INSERT INTO access_lists AS l (realm_id, object, parent, records, version, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, 1, $5, $5) ON CONFLICT (realm_id, object) DO UPDATE"
        " SET parent = excluded.parent, records = excluded.records, version = l.version + 1,"
        " updated_at = excluded.updated_at WHERE $6::integer IS NULL OR l.version = $6 RETURNING " + _LIST,
        tx.realm_id,
        name,
        parent,
        msgspec.to_builtins(records),
        tx.now,
        version,
    )
    return row and row.access_list()


async def rename_in_lists(tx: Tx, name: str, other: str | None) -> None:
    """Records about the role of this name are about `other` from now on; without another name they go."""
    await tx.run(
        "UPDATE access_lists SET version = version + 1, updated_at = $4, records ="
        " (SELECT coalesce(jsonb_agg(CASE WHEN r->>'userOrRoleId' = $2"
        " THEN r || jsonb_build_object('userOrRoleId', $3::text) ELSE r END ORDER BY n), '[]')"
        " FROM jsonb_array_elements(records) WITH ORDINALITY AS t (r, n)"
        " WHERE r->>'userOrRoleId' <> $2 OR $3::text IS NOT NULL)"
        " WHERE realm_id = $1 AND records @> jsonb_build_array(jsonb_build_object('userOrRoleId', $2::text))",
        tx.realm_id,
        name,
        other,
        tx.now,
    )


async def given_in_lists(tx: Tx, names: Sequence[str], *, but: str = "") -> list[str]:
    """To whom records that give something give it: those about one of the names, and all expressions.

    Records of the object `but` are left out.
    """
    rows = await tx.rows(
        "SELECT DISTINCT r->>'userOrRoleId' FROM access_lists, jsonb_array_elements(records) AS r WHERE realm_id = $1"
        " AND 'true' IN (r->>'create', r->>'read', r->>'update', r->>'delete', r->>'special', r->>'full')"
        " AND object <> $3"
        r" AND (r->>'userOrRoleId' = ANY($2) OR r->>'userOrRoleId' ~ '[][\\^$.|?*+(){}]')",
        tx.realm_id,
        list(names),
        but,
    )
    return [who for (who,) in rows]


async def all_lists(tx: Tx) -> list[AccessList]:
    rows = await tx.all(_List, "SELECT " + _LIST + " FROM access_lists WHERE realm_id = $1", tx.realm_id)
    return [row.access_list() for row in rows]


async def has_lists(tx: Tx) -> bool:
    return await tx.value("SELECT EXISTS (SELECT FROM access_lists WHERE realm_id = $1)", tx.realm_id)


async def delete_lists(tx: Tx, names: Sequence[str]) -> None:
    await tx.run("DELETE FROM access_lists WHERE realm_id = $1 AND object = ANY($2)", tx.realm_id, list(names))
