"""Who is in the groups of facilities, and the trees of organisations, that contexts name."""

from collections.abc import Iterable

import msgspec

from roster.core.access.contexts import GROUP, NO_GROUPS, TREE, Contexts, Groups
from roster.core.orgs import service as orgs
from roster.core.places import service as places
from roster.storage.tx import Tx


class Grouped(msgspec.Struct, frozen=True):
    """Facilities by group; ids of organisations by the one above them, which is among them."""

    groups: Groups = NO_GROUPS
    trees: Groups = NO_GROUPS


NOTHING = Grouped()


async def of(tx: Tx, *named: Contexts, version: int | None = None) -> Grouped:
    """Most contexts name neither groups nor trees, so most of the time nothing needs to be known about these.

    `version` is the realm's access version under which this is remembered, as `places.groups` and `orgs.below` say.
    """
    roots = _named(named, TREE)
    by_group = any(GROUP in each for each in named)
    if not roots and not by_group:
        return NOTHING
    return Grouped(
        await places.groups(tx, version) if by_group else NO_GROUPS,
        await orgs.below(tx, roots, version) if roots else NO_GROUPS,
    )


def _named(named: Iterable[Contexts], kind: str) -> set[str]:
    return {value for each in named for value in each.get(kind, ())}
