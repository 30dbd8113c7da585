"""Merging what a file says about people who exist already."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from roster.core.access import bulk, vocabulary
from roster.core.access import service as access
from roster.core.attributes import service as attributes
from roster.core.audit import service as audit
from roster.core.realms import service as realms
from roster.core.transfer.merging import store
from roster.core.transfer.merging.batch import Batch, Entry
from roster.core.transfer.merging.staging import columns
from roster.core.transfer.sources.person import Person
from roster.core.users import normal, personal
from roster.core.users.drafting import Drafting, Row, merged
from roster.core.users.models import User
from roster.kit.errors import Problem
from roster.kit.ids import UserId
from roster.kit.patch import UNSET, is_set
from roster.storage.tx import Tx

_SLICE: Final = 50
"""People between two turns of the event loop, which has requests to answer meanwhile."""
_COMPARED: Final = (
    "username",
    "email",
    "email_verified_at",
    "phone",
    "phone_verified_at",
    "display_name",
    "given_name",
    "family_name",
    "locale",
    "personal_number",
    "picture",
    "status",
    "attributes",
    "facets",
    "tags",
)
ABOVE: Final = Problem("", "escalation", "This person may do something that you may not.")
_OWN: Final = Problem("status", "own_account", "You cannot disable your own account.")
_OWN_WAY: Final = Problem("", "own_account", "You cannot change what you sign in with yourself by an import.")
_LAST: Final = Problem("status", "last_administrator", "The last administrator of a realm must stay.")


class Changed(msgspec.Struct, frozen=True):
    """A person whose row changes."""

    user: User
    row: Row
    differences: dict[str, list[object]]

    @property
    def is_shut_out(self) -> bool:
        """Whether the person may not sign in any more, be it for good or until they are confirmed."""
        return self.row.status not in ("active", self.user.status)

    def values(self) -> tuple[object, ...]:
        """What `store.update_people` takes."""
        return (self.user.id, *columns(self.row))


async def drop_betters(tx: Tx, people: Mapping[UserId, Entry], batch: Batch) -> set[UserId]:
    """Refuse the rows about people who may do more than the actor; whoever they are."""
    if tx.actor.may("*"):
        return set()
    known = vocabulary.of(tx.runtime)
    held = await store.permissions_of(tx, list(people))
    above = {user_id for user_id, permissions in held if not all(map(tx.actor.may, known.expand(permissions)))}
    above |= await bulk.raised_by_lists(tx, people.keys() - above)
    for user_id in above:
        batch.refuse(people[user_id].row, ABOVE)
    return above


def objection(tx: Tx, user_id: UserId, takes: Collection[str]) -> Problem | None:
    """Why the actor may not do to somebody who exists what takes these permissions, as it would by hand.

    What people sign in with themselves they change after a recent sign-in only, so never by an import.
    """
    if "credentials.write" in takes and tx.actor.is_user(user_id):
        return _OWN_WAY
    lacking = [each for each in takes if not tx.actor.may(each)]
    if lacking:
        return Problem("", "forbidden", f"To change this about people who exist takes {', '.join(sorted(lacking))}.")
    return None


async def changes(tx: Tx, users: Sequence[User], people: Mapping[UserId, Entry], batch: Batch) -> list[Changed]:
    """What becomes of these people, without those who stay as they are and those whose row is refused."""
    realm = await realms.current(tx)
    known = await attributes.current(tx)
    guard = await _Guard.of(tx, users, people)
    found: list[Changed] = []
    for place, user in enumerate(users):
        if place % _SLICE == 0:
            await asyncio.sleep(0)
        entry = people[user.id]
        if _is_known(user, entry.person):
            continue
        drafting = Drafting(tx.realm_id, realm.settings)
        row = _row(drafting, user, entry.person, tx.now)
        if is_set(entry.person.attributes):
            drafting.problems += attributes.check(row.attributes, known, changed=entry.person.attributes, by_self=False)
        differences = audit.differences(user, row, _COMPARED)
        problems = drafting.problems or guard.objections(user, row)
        if problems:
            batch.refuse(entry.row, *problems)
        elif differences and (problem := objection(tx, user.id, _takes(tx, user, row))) is not None:
            batch.refuse(entry.row, problem)
        elif differences:
            found.append(Changed(user, row, differences))
    return found


def _takes(tx: Tx, user: User, row: Row) -> list[str]:
    """The permissions for a change, as `users.change` asks for them."""
    opens = not normal.is_same_mailbox(row.email, user.email)
    if personal.is_key(tx):
        opens = opens or row.personal_number != user.personal_number
    return ["users.write", "credentials.write"] if opens else ["users.write"]


def _is_known(user: User, person: Person) -> bool:
    """Whether the file says nothing new about the person: most rows of a second import, so this is quick."""
    for name, value in zip(_NAMED, msgspec.structs.astuple(person), strict=True):
        if value is UNSET or name in _APART:
            continue
        if name in _FLAGS:
            if value is not (getattr(user, _FLAGS[name]) is not None):
                return False
        elif name in _MERGED:
            before = getattr(user, name)
            if any(before.get(key) != part for key, part in value.items()):
                return False
        elif getattr(user, name) != (sorted(set(value)) if name == "tags" else value):
            return False
    return True


_NAMED: Final = Person.__struct_fields__
_APART: Final = frozenset(_NAMED) - frozenset(_COMPARED) - {"email_verified", "phone_verified"}
_FLAGS: Final = {"email_verified": "email_verified_at", "phone_verified": "phone_verified_at"}
_MERGED: Final = frozenset({"attributes", "facets"})


class _Guard:
    """Nobody disables themselves, and a realm keeps an administrator."""

    def __init__(self, myself: Callable[[UserId], bool], administrators: set[UserId]) -> None:
        self._is_myself = myself
        self._administrators = administrators

    @classmethod
    async def of(cls, tx: Tx, users: Sequence[User], people: Mapping[UserId, Entry]) -> "_Guard":
        shut_out = [user for user in users if user.status == "active" and _is_leaving(people[user.id].person)]
        return cls(tx.actor.is_user, await access.administrators(tx) if shut_out else set())

    def objections(self, user: User, row: Row) -> list[Problem]:
        if user.status != "active" or row.status == "active":
            return []
        if self._is_myself(user.id):
            return [_OWN]
        if self._administrators == {user.id}:
            return [_LAST]
        self._administrators.discard(user.id)
        return []


def _is_leaving(person: Person) -> bool:
    return is_set(person.status) and person.status != "active"


def _row(drafting: Drafting, user: User, person: Person, now: datetime) -> Row:
    row = drafting.row(merged(user, person), now)
    email = _Address(user.email, user.email_verified_at, row.email)
    phone = _Address(user.phone, user.phone_verified_at, row.phone)
    return msgspec.structs.replace(
        row,
        email_verified_at=email.verified_at(person.email_verified_at, person.email_verified, now),
        phone_verified_at=phone.verified_at(person.phone_verified_at, person.phone_verified, now),
    )


class _Address(msgspec.Struct, frozen=True):
    """An address before and after, and when the one before was verified."""

    before: str | None
    at: datetime | None
    after: str | None

    def verified_at(self, given: object, flag: object, now: datetime) -> datetime | None:
        """As the file says, else as it was while the address stays the same."""
        if self.after is None or flag is False:
            return None
        if isinstance(given, datetime):
            return given
        kept = self.at if normal.is_same_mailbox(self.before, self.after) else None
        return kept or now if flag is True else kept
