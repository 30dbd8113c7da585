"""The ways to a page of a list: along its order, by the letters that names begin with, or by gathering all that match.

An index knows who has a text in it, another one the order; none knows both. Which way is short depends on how many
match and how they lie in the order: most of that is known before, from what PostgreSQL samples, or after a first look.
"""

from collections.abc import Collection, Sequence
from math import inf
from typing import Any, Final, NamedTuple

from roster.kit.filters import Compare, Fields
from roster.kit.pages import Walk
from roster.storage import frequencies, sql
from roster.storage.frequencies import Frequencies
from roster.storage.sql import Listing
from roster.storage.tx import Tx

_NEAR: Final = 10_000
"""Entries of an index that a glance looks at: three milliseconds' worth."""
_BRIEF: Final = 2_500
"""Entries to look at first where something is known to match."""
_TELLING: Final = 2
"""So many among them tell how many lie further on."""
_LITTLE: Final = 2_500
"""To gather so many takes as long as to look for a letter's, of whom there are few then."""
_SOME: Final = 6_000
"""To gather so many takes no longer than to look for them first, if what they have goes with the order."""
_MANY: Final = 30_000
_FAR: Final = 100_000
"""They take no longer than it takes to gather so many rows."""
_CROWD: Final = 1_000
"""To look for so many with one beginning by themselves takes no longer than to gather them."""
_CROWDS: Final = 8
"""Of a letter; each makes the statement longer."""
_LETTERS: Final = 3
"""To look for those of so many letters, one after another, takes no longer than to gather all."""
_TO_THE_END: Final = 1 << 62

Rows = list[tuple[Any, ...]]


class Ways(NamedTuple):
    """To one page. `args` are the arguments of the listing's condition, the realm first."""

    tx: Tx
    listing: Listing
    fields: Fields
    walk: Walk
    args: tuple[object, ...]

    async def page(self) -> Rows:
        """Its rows and one more, if there is one."""
        near = sql.has_glance(self.listing, self.fields, self.walk)
        if near:
            rows, is_all = await self._glances()
            if is_all or self._is_full(rows):
                return rows
        return await self._rows(gather=near)

    async def _glances(self) -> tuple[Rows, bool]:
        """What lies along the order, as far as it is worth looking, and whether that is all that there is.

        What no index finds is looked for to the end: to gather it is to read every row, of other realms too. Where
        little matches, gathering it is no more than a glance. Where very many match, they are looked for far away at
        once: what is alike lies together, and may begin late. Where some were found, and the rest is likely to be there
        before as many entries as there are rows to gather, that is looked for.
        """
        where, fields = self.walk.where, self.fields
        if self.listing.whole and sql.is_vague(where, fields):
            return await self._glance(_TO_THE_END), True
        common = await frequencies.of(self.tx, self.listing.tables)
        many = sql.about(where, fields, self.tx.realm_id, common.rarest)
        evenly = self._evenly(common.rows, many)
        if 0 < many < (_LITTLE if self._is_apart() else _SOME) and evenly > _BRIEF:
            return [], False
        if 0 < many < inf and fields[self.walk.sorts[0].field].beginnings:
            return await self._by_letters(common, many, evenly)
        if _MANY <= many < inf:
            return await self._glance(_FAR), False
        return await self._as_it_began(many), False

    async def _as_it_began(self, many: float) -> Rows:
        near = _BRIEF if 0 < many < inf else _NEAR
        rows = await self._glance(near)
        if len(rows) < _TELLING and near < _NEAR:
            near, rows = _NEAR, await self._glance(_NEAR)
        likely = self._likely(len(rows), near)
        if not self._is_full(rows) and many < inf and likely <= min(many, _FAR):
            rows = await self._glance(2 * likely)
        return rows

    async def _by_letters(self, common: Frequencies, many: float, evenly: int) -> tuple[Rows, bool]:
        """Those whose names begin with the next letter come before all others, and are mostly a small part.

        Where very many match, that is still too many, unless those are apart who are a crowd: who begin with the same
        few letters, what is looked for among them. When a crowd comes soon, the letters before it are tried too.
        """
        begun = common.beginnings(self.tx.realm_id)
        crowds = sql.crowds(self.walk.where, self.fields, begun, least=_CROWD)
        letter = await self._letter()
        if many >= _MANY and not any(each.startswith(letter) for each in crowds):
            return await self._glance(_FAR), False
        if 2 * evenly <= _BRIEF and self._is_full(rows := await self._glance(_BRIEF)):
            return rows, False
        found: Rows = []
        for left in reversed(range(self._tries(letter, crowds, begun))):
            if not letter:
                return found, True
            those = [each for each in crowds if each.startswith(letter)][:_CROWDS]
            found += await self._rows(letter=letter, crowds=those)
            if self._is_full(found) or not left:
                break
            letter = await self._letter(beyond=letter)
        return found[: self.walk.page.limit + 1], False

    def _tries(self, letter: str, crowds: Sequence[str], begun: Collection[str]) -> int:
        """How many letters to look for: to that of the next crowd, if it is near."""
        if not crowds or self.walk.page.offset:
            return 1
        is_descending = self.walk.sorts[0].descending != self.walk.backwards
        letters = sorted((each for each in begun if len(each) == 1), reverse=is_descending)
        ahead = letters[letters.index(letter) :][:_LETTERS] if letter in letters else []
        near = (at for at, each in enumerate(ahead, 1) if any(crowd.startswith(each) for crowd in crowds))
        return next(near, 1)

    async def _glance(self, steps: int) -> Rows:
        query, values = sql.compile_glance(
            self.listing, self.fields, self.walk, args=self.args, realm_id=self.tx.realm_id, steps=steps
        )
        return await self.tx.rows(query, *values)

    async def _letter(self, *, beyond: str = "") -> str:
        """What the next one begins with, be it one that matches or not; nothing when nobody comes."""
        query, values = sql.compile_letter(self.listing, self.fields, self.walk, args=self.args, beyond=beyond)
        return next((letter for (letter,) in await self.tx.rows(query, *values)), "")

    async def _rows(self, *, gather: bool = True, letter: str = "", crowds: Sequence[str] = ()) -> Rows:
        query, values = sql.compile_page(
            self.listing,
            self.fields,
            self.walk,
            args=self.args,
            realm_id=self.tx.realm_id,
            gather=gather,
            letter=letter,
            crowds=crowds,
        )
        return await self.tx.rows(query, *values)

    def _is_full(self, rows: Rows) -> bool:
        return len(rows) > self.walk.page.limit

    def _is_apart(self) -> bool:
        """Whether it asks for what has nothing to do with names, and so lies evenly in their order."""
        where = self.walk.where
        return isinstance(where, Compare) and bool(self.fields[where.field].member)

    def _evenly(self, rows: float, many: float) -> int:
        """After how many entries the page is full, when so many of the rows match and lie evenly among them."""
        page = self.walk.page
        return int((page.offset + page.limit + 1) * rows / many) if 0 < many < inf else _TO_THE_END

    def _likely(self, found: int, steps: int) -> int:
        """After how many entries the page is full, when what a first glance has found goes on like that."""
        page = self.walk.page
        wanted, found = page.offset + page.limit + 1, page.offset + found if found else 0
        return steps * wanted // found if found else _TO_THE_END
