"""Rows whose time is over, taken away in portions, so that no transaction is long and no lock waits for many."""

from typing import LiteralString

from roster.storage.tx import Tx

_PORTION: LiteralString = "1000"


async def trim(tx: Tx, table: LiteralString, over: LiteralString, *args: object) -> int:
    """Delete a portion of the realm's rows for which the condition `over` holds; the number, 0 when none is left.

    `$1` of the condition is the realm, `$2` the first of the arguments. What another transaction holds is left to the
    next time.
    """
    return await tx.run(
        "DELETE FROM " + table + " WHERE ctid = ANY (ARRAY("
        "SELECT ctid FROM " + table + " WHERE realm_id = $1 AND (" + over + ")"
        " LIMIT " + _PORTION + " FOR UPDATE SKIP LOCKED))",
        tx.realm_id,
        *args,
    )
