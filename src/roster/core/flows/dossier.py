"""Everything known about one person, for that person (GDPR, articles 15 and 20)."""

import msgspec

from roster.core.access import service as access
from roster.core.access.models import Assignment
from roster.core.audit import service as audit
from roster.core.audit.models import Entry
from roster.core.credentials import service as credentials
from roster.core.credentials.models import Credential
from roster.core.memberships import service as memberships
from roster.core.memberships.models import Membership
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.core.push import service as push
from roster.core.push.models import Registration
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Session
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.kit import actor as actors
from roster.kit.ids import UserId
from roster.storage.tx import Tx

_ENTRIES = 10_000


class Dossier(msgspec.Struct, frozen=True):
    """A person with all that belongs to them; of the trail the newest entries about them."""

    user: User
    assignments: list[Assignment]
    memberships: list[Membership]
    owned: list[Org]
    credentials: list[Credential]
    sessions: list[Session]
    registrations: list[Registration]
    entries: list[Entry]


async def gather(tx: Tx, user_id: UserId) -> Dossier:
    """Collect it, of deleted people too. Needs `users.erase`, or being that person. Raises UserNotFound, Escalation."""
    if not tx.actor.is_user(user_id):
        await access.require_over(tx, "users.erase", user_id, otherwise=UserNotFound)
        await access.require_not_above(tx, user_id)
    with tx.acting(actors.system(tx.realm_id, tx.actor.realm_slug, "dossier")):
        return Dossier(
            user=await users.get_deleted(tx, user_id),
            assignments=await access.assignments_of(tx, user_id),
            memberships=await memberships.of_user(tx, user_id),
            owned=await orgs.owned_by(tx, user_id),
            credentials=await credentials.list_of(tx, user_id),
            sessions=await sessions.list_of(tx, user_id),
            registrations=await push.list_of(tx, user_id),
            entries=await audit.of_subject(tx, user_id, _ENTRIES),
        )
