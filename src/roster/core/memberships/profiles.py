"""What an organisation changes of the people who belong to it: their names, never what opens their accounts."""

from roster.core.memberships import store
from roster.core.memberships.errors import NotAMember
from roster.core.orgs import rights
from roster.core.orgs import service as orgs
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.ids import OrgId, UserId
from roster.storage.tx import Tx


async def change(tx: Tx, org_id: OrgId, user_id: UserId, change: UserChange) -> User:
    """Change names and language of a member who has accepted. Needs `members.write` in the organisation.

    That they may do more elsewhere does not matter, as nothing opens by it. Raises OrgNotFound, NotAMember, Forbidden,
    InvalidInput.
    """
    org = await orgs.lock(tx, org_id)
    await rights.require(tx, "members.write", org)
    if (await store.find(tx, org_id, user_id)).state != "active":
        raise NotAMember
    return await users.rename(tx, user_id, change)
