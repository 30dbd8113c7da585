"""Rows whose time is over, taken away in portions, so that no transaction is long and no lock waits for many."""

from collections.abc import Awaitable, Callable
from typing import LiteralString

from roster.storage.runtime import Runtime
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


async def trim_all(runtime: Runtime, delete: Callable[[Tx, int], Awaitable[int]], portion: int) -> int:
    """Have rows of all realms deleted until less than a portion is found at once; the number removed.

    `delete` takes away as many as it is told, in a transaction of its own, and says how many they were.
    """
    removed = 0
    while True:
        async with runtime.lease() as tx, tx.transaction():
            done = await delete(tx, portion)
        removed += done
        if done < portion:
            return removed
