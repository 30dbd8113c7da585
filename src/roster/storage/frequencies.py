"""How many rows hold some trigrams, as PostgreSQL found in its last sample of the table.

Its planner takes the trigrams of a text for independent, and so expects next to nothing where all are common.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from roster.storage.memory import Memory
from roster.storage.tx import Tx

_REMEMBERED_FOR: Final = timedelta(minutes=10)
_SAMPLED: Final = (
    "SELECT c.reltuples, s.most_common_elems::text::integer[], s.most_common_elem_freqs"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stats s"
    " ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'grams' AND NOT s.inherited"
    " WHERE c.oid = to_regclass($1) AND c.reltuples > 0 AND s.most_common_elems IS NOT NULL"
)


class Frequencies(msgspec.Struct, frozen=True):
    """The number of rows in a table, and the share of them that holds each of the common trigrams."""

    rows: float = 0.0
    shares: Mapping[int, float] = {}

    def rarest(self, grams: Sequence[int]) -> float:
        """How many rows hold the rarest of these; 0 when it is not common, or nothing is known."""
        return self.rows * min((self.shares.get(gram, 0.0) for gram in grams), default=0.0)


_KNOWN: Final = Memory[str, tuple[datetime, Frequencies]]("frequencies of trigrams", 10)


async def of(tx: Tx, table: str) -> Frequencies:
    """Those of the column `grams`, remembered for a while: they only decide which way to an answer is taken."""
    known = _KNOWN.recall(tx.runtime, table)
    if known is None or known[0] < tx.now:
        known = _KNOWN.keep(tx.runtime, table, (tx.now + _REMEMBERED_FOR, await _sampled(tx, table)))
    return known[1]


async def _sampled(tx: Tx, table: str) -> Frequencies:
    """Behind the shares stand three figures about all of them, which belong to no trigram."""
    for rows, grams, shares in await tx.rows(_SAMPLED, table):
        return Frequencies(rows, dict(zip(grams, shares, strict=False)))
    return Frequencies()
