"""How many rows hold some trigrams, and what many names begin with, as PostgreSQL found in its last sample of a table.

Its planner takes the trigrams of a text for independent, and so expects next to nothing where all are common.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from roster.storage.memory import Memory
from roster.storage.tx import Tx

_ID: Final = 36  # letters, in front of a beginning
_REMEMBERED_FOR: Final = timedelta(minutes=10)
_SAMPLED: Final = (
    "SELECT c.reltuples, s.most_common_elems::text::integer[], s.most_common_elem_freqs"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stats s"
    " ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'grams' AND NOT s.inherited"
    " WHERE c.oid = to_regclass($1) AND c.reltuples > 0 AND s.most_common_elems IS NOT NULL"
)
_BEGUN: Final = (
    "SELECT s.most_common_elems::text::text[], s.most_common_elem_freqs"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'beginnings'"
    " WHERE i.indrelid = to_regclass($1) AND s.most_common_elems IS NOT NULL"
)


class Frequencies(msgspec.Struct, frozen=True):
    """The number of rows in a table, the share of them that holds each of the common trigrams, and beginnings of names.

    Of these how many rows there are with each, by the id of their realm.
    """

    rows: float = 0.0
    shares: Mapping[int, float] = {}
    begun: Mapping[str, Mapping[str, float]] = {}

    def rarest(self, grams: Sequence[int]) -> float:
        """How many rows hold the rarest of these; 0 when it is not common, or nothing is known."""
        return self.rows * min((self.shares.get(gram, 0.0) for gram in grams), default=0.0)

    def beginnings(self, realm_id: UUID) -> Mapping[str, float]:
        """What many names of the realm begin with, and how many do."""
        return self.begun.get(str(realm_id), {})


_KNOWN: Final = Memory[str, tuple[datetime, Frequencies]]("frequencies of trigrams", 10)


async def of(tx: Tx, table: str) -> Frequencies:
    """Those of `grams` and `beginnings`, remembered for a while: they only decide which way to an answer is taken."""
    known = _KNOWN.recall(tx.runtime, table)
    if known is None or known[0] < tx.now:
        known = _KNOWN.keep(tx.runtime, table, (tx.now + _REMEMBERED_FOR, await _sampled(tx, table)))
    return known[1]


async def _sampled(tx: Tx, table: str) -> Frequencies:
    """Behind the shares stand three figures about all of them, which belong to no trigram."""
    for rows, grams, shares in await tx.rows(_SAMPLED, table):
        begun: dict[str, dict[str, float]] = {}
        for names, shares_of in await tx.rows(_BEGUN, table):
            for name, share in zip(names, shares_of, strict=False):
                begun.setdefault(name[:_ID], {})[name[_ID:]] = share * rows
        return Frequencies(rows, dict(zip(grams, shares, strict=False)), begun)
    return Frequencies()
