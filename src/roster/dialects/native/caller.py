"""Who asks, for operations about oneself."""

from roster.core.users.errors import UserNotFound
from roster.kit.actor import Actor
from roster.kit.ids import UserId


def own_id(actor: Actor) -> UserId:
    """The person who asks, in their own realm. Raises UserNotFound for an administrator acting elsewhere."""
    if actor.user_id is None or not actor.is_user(actor.user_id):
        raise UserNotFound
    return actor.user_id
