"""People by what a request calls them, and as what an answer shows of them."""

from collections.abc import Sequence

import msgspec

from roster.core.mfa import service as mfa
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.dialects.wellbee import documents, roles, shapes
from roster.dialects.wellbee.documents import Document, Held
from roster.kit import ids
from roster.kit.ids import UserId
from roster.storage.tx import Tx


def user_id(text: str, otherwise: UserNotFound) -> UserId:
    """The id that a text is; raises `otherwise` for what nobody can be called."""
    found = ids.parse(text)
    if found is None:
        raise otherwise
    return UserId(found)


async def person(tx: Tx, text: str, otherwise: UserNotFound) -> User:
    """The person with this id, as far as the actor may see them; raises `otherwise` when there is none."""
    try:
        return await users.get(tx, user_id(text, otherwise))
    except UserNotFound:
        raise otherwise from None


async def shown(tx: Tx, people: Sequence[User], *, expand: bool = False) -> list[Document]:
    """Users as they are answered with."""
    shape, held = await shapes.seen(tx), await roles.held(tx, people)
    methods = await mfa.methods_of(tx, [each.id for each in people])
    return [
        documents.user(each, _with(held.get(each.id), methods.get(each.id)), shape, expand=expand) for each in people
    ]


def _with(held: Held | None, methods: Sequence[str] | None) -> Held:
    held = held or Held()
    return msgspec.structs.replace(held, methods=methods) if methods else held


async def one(tx: Tx, person: User, *, expand: bool = False) -> Document:
    """One of them."""
    return (await shown(tx, [person], expand=expand))[0]
