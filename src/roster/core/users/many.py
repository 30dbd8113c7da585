"""Many people at once: finding them, and making accounts that nobody uses yet. Parts of use cases that have checked
the actor.
"""

from collections.abc import Sequence
from uuid import UUID

from roster.core.audit import service as audit
from roster.core.audit.service import Changes
from roster.core.realms import service as realms
from roster.core.users import store
from roster.core.users.drafting import Drafting
from roster.core.users.models import User, UserDraft
from roster.core.users.store import Row
from roster.kit.errors import Problem
from roster.kit.ids import UserId, uuid7
from roster.storage.tx import Tx


async def with_ids(tx: Tx, user_ids: Sequence[UserId]) -> dict[UserId, User]:
    """Those of these people that there are."""
    return {user.id: user for user in await store.with_ids(tx, user_ids)} if user_ids else {}


async def addressed(tx: Tx, email_keys: Sequence[str]) -> list[User]:
    """Everybody with one of these folded addresses; deleted people, who hold theirs, too."""
    return await store.addressed(tx, email_keys) if email_keys else []


async def create_pending(tx: Tx, drafts: Sequence[UserDraft]) -> list[UserId | Problem | None]:
    """Pending accounts with name, address, names of the person and language; of the draft nothing else counts.

    For each draft its id, the first problem with it, or None when somebody has its name or address.
    """
    settings = (await realms.current(tx)).settings
    found: list[UserId | Problem | None] = []
    rows: list[tuple[UserId, Row]] = []
    for draft in drafts:
        drafting = Drafting(tx.realm_id, settings)
        row = drafting.row(draft, tx.now)
        if drafting.problems:
            found.append(drafting.problems[0])
            continue
        rows.append((UserId(uuid7()), row))
        found.append(rows[-1][0])
    # In one order everywhere, so that two who make the same people wait for each other and not in a circle.
    made = await store.insert_pending(tx, sorted(rows, key=lambda each: each[1].username_key))
    named = {user_id: row.username for user_id, row in rows if user_id in made}
    changes: dict[UUID, Changes] = {user_id: {"username": [None, name]} for user_id, name in named.items()}
    await audit.record_each(tx, "user.created", "user", changes)
    return [each if isinstance(each, Problem) or each in made else None for each in found]
