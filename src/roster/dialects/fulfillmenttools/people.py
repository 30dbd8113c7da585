"""From an id in a path to the person, and what people look like with all that belongs to them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from roster.core.access import summaries
from roster.core.attributes import service as attributes
from roster.core.credentials import identities as external
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, View
from roster.dialects.fulfillmenttools.mapping import people as mapping
from roster.dialects.fulfillmenttools.wire import users as wire
from roster.kit import ids
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, NotFound
from roster.kit.ids import UserId
from roster.kit.pages import InvalidCursor
from roster.storage.tx import Tx


async def named(tx: Tx, text: str) -> User:
    """The person whose id stands in a path, as far as the caller may see them. Raises as `hidden` does."""
    with hidden(tx.actor):
        return await users.get(tx, identifier(text))


def identifier(text: str) -> UserId:
    """An id from a path; a text that is none is the id of nobody. Raises UserNotFound."""
    found = ids.parse(text)
    if found is None:
        raise UserNotFound
    return UserId(found)


@contextmanager
def hidden(actor: Actor) -> Iterator[None]:
    """Nobody learns who is outside of their own context (notes, section 13).

    Those who see everybody are told of an id that it is unknown; all others get one answer for that and for somebody
    whom they may not see.
    """
    try:
        yield
    except NotFound:
        if actor.may("users.read"):
            raise UserNotFound from None
        raise Forbidden("This user is outside of your context.") from None


async def shown(tx: Tx, found: Sequence[User]) -> list[wire.User]:
    """People as the wire shows them; what belongs to them is read once for all."""
    known = [user.id for user in found if user.view is View.FULL]
    roles = await summaries.of_people(tx, known)
    identities = await external.of_people(tx, known)
    unseen = await unseen_attributes(tx)
    return [
        mapping.user_out(user, roles.get(user.id, ()), identities.get(user.id, ()), hidden=unseen) for user in found
    ]


async def one(tx: Tx, user: User) -> wire.User:
    """One of them."""
    return (await shown(tx, [user]))[0]


async def unseen_attributes(tx: Tx) -> frozenset[str]:
    """Names of the realm's custom fields that nobody sees."""
    return await attributes.unseen(tx)


def row(text: str | None) -> UUID | None:
    """The id that a list goes on behind. Raises InvalidCursor."""
    found = None if text is None else ids.parse(text)
    if text is not None and found is None:
        raise InvalidCursor.of("startAfterId", "invalid_cursor", "There is no such user in this list.")
    return found
