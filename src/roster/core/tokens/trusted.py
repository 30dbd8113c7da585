"""People without a credential: for front doors where one of our own programs says in whose name it asks.

What they may do is what the directory says now, whatever that program believes.
"""

from uuid import UUID

from roster.core.access import service as access
from roster.core.realms import service as realms
from roster.core.tokens import trusted_store
from roster.kit import actor as actors
from roster.kit.actor import Actor, Kind, Origin
from roster.kit.errors import InvalidToken
from roster.kit.ids import UserId
from roster.storage.tx import Tx


async def person(tx: Tx, realm_slug: str, user_id: UUID, origin: Origin) -> Actor:
    """That person, without a session, so that nothing counts as a recent sign-in.

    Also leaves the actor in `tx.actor`. Raises InvalidToken unless realm and person are in order at this moment.
    """
    found = await trusted_store.person(tx, realm_slug, user_id)
    if found is None:
        raise InvalidToken
    tx.actor = actors.anonymous(found.realm_id, realm_slug, origin)
    known = UserId(user_id)
    tx.actor = Actor(
        Kind.USER,
        found.realm_id,
        realm_slug,
        origin,
        home_id=found.realm_id,
        user_id=known,
        name=found.username,
        grants=await access.grants_of(tx, known, (found.access_version, found.realm_access_version)),
        realm_version=found.realm_version,
        access_version=found.realm_access_version,
        platform=realm_slug == realms.MAIN,
        locale=found.locale,
        is_confirmed=found.confirmed,
    )
    return tx.actor
