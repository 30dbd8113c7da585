"""From integers to what they stand for, and what entities look like with all that belongs to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import UnsetType

from roster.core.access import numbers as roles
from roster.core.access.numbers import Given
from roster.core.devices import numbers as devices
from roster.core.history import service as history
from roster.core.labels import service as labels
from roster.core.labels.models import Subject
from roster.core.realms import service as realms
from roster.core.users import numbers as people
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User, View
from roster.dialects.onslip360 import auth, catalogue, replies, wire
from roster.dialects.onslip360.mapping import people as mapping
from roster.dialects.onslip360.mapping.base import Numbers
from roster.kit.errors import Forbidden
from roster.storage.tx import Tx


class Changed(Protocol):
    """What knows who changed it last, and on which device."""

    @property
    def id(self) -> UUID:
        """Its own identifier."""
        ...

    @property
    def updated_by(self) -> UUID | None:
        """The person."""
        ...

    @property
    def updated_from(self) -> UUID | None:
        """The device."""
        ...


class Numbered(Protocol):
    """What has an identifier, a number and a version."""

    @property
    def id(self) -> UUID:
        """Its identifier."""
        ...

    @property
    def number(self) -> int:
        """What stands for it here."""
        ...

    @property
    def version(self) -> int:
        """How often it was changed."""
        ...


async def readable(tx: Tx, number: int) -> User:
    """A user, for those who may read users, and for everybody their own.

    Raises Forbidden to others, whether there is such a user or not; UserNotFound.
    """
    try:
        found = await people.get(tx, number)
    except UserNotFound:
        auth.require(tx, "show-users")
        raise
    if not tx.actor.is_user(found.id):
        auth.require(tx, "show-users")
    return found


async def writable(tx: Tx, number: int, *, personal: bool = False) -> User:
    """A user, for those who may edit users; with `personal` also for the user, if they may edit themselves.

    Raises Forbidden to others, whether there is such a user or not; UserNotFound.
    """
    if not auth.holds(tx, "edit-users"):
        own = await _own(tx, number) if personal and auth.holds(tx, "edit-personal-info") else None
        if own is None:
            raise Forbidden("The permission edit-users is needed.")
        return own
    return await people.get(tx, number)


async def _own(tx: Tx, number: int) -> User | None:
    try:
        found = await people.get(tx, number)
    except UserNotFound:
        return None
    return found if tx.actor.is_user(found.id) else None


async def held(tx: Tx, user: User) -> Sequence[Given]:
    """The roles of a user."""
    return (await roles.roles_of(tx, [user.id])).get(user.id, ())


async def shown(tx: Tx, found: Sequence[User]) -> list[object]:
    """Users as the wire shows them, with what belongs to them read once for all."""
    given = await roles.roles_of(tx, [user.id for user in found if user.view is View.FULL])
    numbers = await numbers_of(tx, found)
    return [mapping.user_out(user, (own := given.get(user.id, ())), numbers, demon=is_demon(tx, own)) for user in found]


async def numbers_of(tx: Tx, found: Sequence[Changed]) -> Numbers:
    """The integers that stand for who changed these entities, on which devices."""
    return Numbers(
        people=await people.of(tx, (each.updated_by for each in found)),
        devices=await devices.of(tx, (each.updated_from for each in found)),
        labels=await labels.numbers_of(tx, [each.id for each in found]),
    )


async def user_at(tx: Tx, user: User, at: datetime) -> tuple[object, str]:
    """A user as they were, as the wire shows them, with the tag of that state. Raises NotThere, PastUnknown."""
    then = await history.user_at(tx, user, at)
    given = await history.names_at(tx, user.id, at)
    worn = await labels.numbers_for(tx, await history.labels_at(tx, user.id, at))
    numbers = msgspec.structs.replace(await numbers_of(tx, [then]), labels={user.id: worn})
    tagged = replies.tag("u", then.number, then.version + then.access_version, worn)
    return mapping.user_out(then, given, numbers, demon=is_demon(tx, given)), tagged


async def report(tx: Tx, noun: str, subject_id: UUID, asked: wire.Inspection) -> wire.Report:
    """The revisions of an entity as the wire shows them."""
    found = await history.revisions(tx, noun, subject_id)
    by = await people.of(tx, (each.by for each in found))
    on = await devices.of(tx, (each.device_id for each in found))
    return wire.Report(asked.type, [mapping.revision_out(each, by, on) for each in found])


async def label(tx: Tx, kind: Subject, subject_id: UUID, numbers: Sequence[int] | UnsetType | None) -> None:
    """Attach the labels that a request names, and no others; nothing when it says nothing. Raises InvalidInput."""
    if not isinstance(numbers, UnsetType):
        await labels.attach(tx, kind, subject_id, await labels.numbered(tx, numbers or ()))


async def one(tx: Tx, user: User) -> object:
    """A user as the wire shows them."""
    return (await shown(tx, [user]))[0]


def is_demon(tx: Tx, given: Sequence[Given]) -> bool:
    """Whether these roles make somebody run all realms: those of an administrator of the main one do."""
    return tx.actor.realm_slug == realms.MAIN and any(catalogue.system_role(each) == "admin" for each in given)


async def tag(tx: Tx, user: User) -> str:
    """The entity tag of a user, another one too when only roles or labels have changed."""
    return await tag_of(tx, "u", user, user.version + user.access_version)


async def tag_of(tx: Tx, letter: str, entity: Numbered, revision: int | None = None) -> str:
    """The entity tag of something that may have labels."""
    worn = (await labels.numbers_of(tx, [entity.id])).get(entity.id, [])
    return replies.tag(letter, entity.number, entity.version if revision is None else revision, worn)
