"""What many people have at a glance: their roles, where each holds, and which facilities it reaches."""

from collections.abc import Sequence

import msgspec

from roster.core.access import contexts, grouped, summaries_store
from roster.kit.ids import UserId
from roster.storage.tx import Tx


class Summary(msgspec.Struct, frozen=True):
    """One role of a person; `facilities` are those that it reaches now, None for all."""

    role: str
    contexts: dict[str, list[str]]
    facilities: list[str] | None


async def unlimited(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[str]]:
    """The names of roles that were given to these people without limits; the caller has checked who may see them."""
    found: dict[UserId, list[str]] = {user_id: [] for user_id in user_ids}
    for user_id, role in await summaries_store.unlimited_of(tx, user_ids) if user_ids else []:
        found[UserId(user_id)].append(role)
    return found


async def of_people(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, list[Summary]]:
    """The roles of these people, in the order in which they were given; the caller has checked who may see them."""
    found: dict[UserId, list[Summary]] = {user_id: [] for user_id in user_ids}
    rows = await summaries_store.held_by(tx, user_ids) if user_ids else []
    members = await grouped.of(tx, *(named for each in rows for named in (each.ceiling, each.contexts)))
    for each in rows:
        limits = contexts.effective(each.ceiling, each.contexts, members.groups, members.trees)
        reached = contexts.facilities(limits, members.groups)
        summary = Summary(each.role, each.contexts, None if reached is None else sorted(reached))
        found[UserId(each.user_id)].append(summary)
    return found
