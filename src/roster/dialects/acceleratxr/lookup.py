"""From what stands in a path to the person, and what a person looks like with all that belongs to them."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from roster.core.access import service as access
from roster.core.credentials import identities
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, View
from roster.dialects.acceleratxr import auth, mapping, wire
from roster.dialects.acceleratxr.errors import UidMismatch
from roster.kit.errors import Forbidden
from roster.kit.ids import UserId
from roster.storage.tx import Tx


async def person(tx: Tx, text: str) -> User:
    """Whom a uid, a name, an address, a number or `me` names, as far as the actor may see them.

    Raises UserNotFound, WhoIsMe; Forbidden for people the actor may not see, and for everybody who is not there when
    the actor may see nobody.
    """
    found = await named(tx, text)
    if found is None:
        raise UserNotFound if tx.actor.may("users.read_basic") or tx.actor.may("users.read") else Forbidden
    try:
        return await users.seen(tx, found)
    except UserNotFound:
        raise Forbidden from None


async def named(tx: Tx, text: str) -> User | None:
    """The same without looking at what the actor may see; the caller gives nothing of it away."""
    if text.lower() == auth.ME:
        return await users.tx_maybe(tx, auth.me(tx.actor))
    return await users.find_by_identifier(tx, mapping.identifier(text))


async def owner(tx: Tx, text: str) -> UserId:
    """The person whose secrets a path is about. The holder of a recovery token knows nobody but themselves.

    Raises as `person` does.
    """
    if tx.actor.proof is None:
        return (await person(tx, text)).id
    found = await named(tx, text)
    if found is None or found.id != tx.actor.acting_for:
        raise Forbidden
    return found.id


def require_uid(sent: str | UnsetType, expected: UserId | None) -> None:
    """Raise UidMismatch when the body speaks of another object than the path."""
    if sent is not UNSET and (expected is None or mapping.read_uid(str(sent)) != expected):
        raise UidMismatch


async def shown(tx: Tx, found: Sequence[User]) -> list[wire.User]:
    """People as the wire shows them, with roles and external ids read once for all."""
    known = [user.id for user in found if user.view is View.FULL]
    roles, external = await _belongings(tx, known)
    return [mapping.user_out(user, roles.get(user.id, ()), external.get(user.id, ())) for user in found]


async def claims(tx: Tx, user: User) -> Mapping[str, object]:
    """What the access tokens of this dialect say besides."""
    roles, external = await _belongings(tx, [user.id])
    return {"profile": mapping.profile(user, roles.get(user.id, ()), external.get(user.id, ()))}


async def _belongings(tx: Tx, user_ids: Sequence[UserId]) -> tuple[dict[UserId, list[str]], dict[UserId, list[str]]]:
    external = await identities.of_people(tx, user_ids)
    return await access.role_names_of(tx, user_ids), {
        user_id: [mapping.external_id(provider, subject) for provider, subject in each]
        for user_id, each in external.items()
    }
