"""A person as the row that Roster itself would store."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from bench.people import FACILITIES, Person, facility, people
from roster.core.access import reach
from roster.core.realms.models import RealmSettings
from roster.core.users.drafting import Drafting
from roster.core.users.models import UserDraft
from roster.core.users.store import Row
from roster.kit.text import fold, grams, pairs

COLUMNS = ("realm_id", "id", "created_at", "updated_at", *Row.__struct_fields__)

PLACED = (*COLUMNS, "places", "held")
ASSIGNED = ("realm_id", "id", "role_id", "user_id", "contexts", "created_at")

Values = tuple[object, ...]


def rows(realm_id: UUID, size: int, *, start: int = 0, count: int | None = None) -> Iterator[Values]:
    """Rows for COPY, in the order of COLUMNS."""
    return (values(realm_id, person) for person in people(size, start=start, count=count))


def placed(realm_id: UUID, size: int, role_id: UUID) -> Iterator[Values]:
    """Rows for COPY, in the order of PLACED, of people who have a role in one facility each."""
    marks = {name: [reach.mark(realm_id, "facility", name)] for name in FACILITIES}
    return ((*values(realm_id, each), marks[facility(each)], [role_id]) for each in people(size))


def assigned(realm_id: UUID, size: int, role_id: UUID) -> Iterator[Values]:
    """These roles, in the order of ASSIGNED. Their ids are those of the people, which nobody minds."""
    for each in people(size):
        person_id = id_of(each)
        yield realm_id, person_id, role_id, person_id, {"facility": [facility(each)]}, each.created_at


def values(realm_id: UUID, person: Person) -> Values:
    """The row of one person, in the order of COLUMNS."""
    row = _row(realm_id, person)
    return (realm_id, id_of(person), person.created_at, person.created_at, *msgspec.structs.astuple(row))


def id_of(person: Person) -> UUID:
    """A UUID version 7 of the time the person joined."""
    stamp = int(person.created_at.timestamp() * 1000)
    high = stamp << 16 | 0x7000 | person.noise & 0xFFF
    return UUID(int=high << 64 | 1 << 63 | person.noise >> 2)


def draft(person: Person) -> UserDraft:
    """The same person as a caller would describe them."""
    return UserDraft(
        username=person.username,
        email=person.email,
        phone=person.phone,
        display_name=person.display_name,
        given_name=person.given_name,
        family_name=person.family_name,
        locale=person.locale,
        status=person.status,  # type: ignore[arg-type]
        attributes=person.attributes,
        tags=person.tags,
        email_verified=person.verified,
    )


def require_same_rows(realm_id: UUID, sample: int = 200) -> None:
    """Raise AssertionError unless Roster would make the same rows from the same people."""
    for person in people(sample):
        drafting = Drafting(realm_id, RealmSettings())
        made = drafting.row(draft(person), person.created_at)
        if drafting.problems or made != _row(realm_id, person):
            raise AssertionError(f"Roster stores person {person.number} differently: {drafting.problems}")


def _row(realm_id: UUID, person: Person) -> Row:
    """As Drafting makes it, without its checks, which would take minutes for a million people."""
    verified: datetime | None = person.created_at if person.verified else None
    shown = (person.username, person.email, person.phone, person.display_name, person.given_name, person.family_name)
    named = {"given_name": person.given_name, "family_name": person.family_name}
    return Row(
        username=person.username,
        username_key=person.username,
        email=person.email,
        email_key=person.email,
        email_unique=True,
        email_verified_at=verified,
        phone=person.phone,
        phone_key=person.phone,
        phone_verified_at=None,
        display_name=person.display_name,
        display_key=fold(person.display_name),
        given_name=person.given_name,
        given_key=fold(person.given_name),
        family_name=person.family_name,
        family_key=fold(person.family_name),
        locale=person.locale,
        personal_number=None,
        picture=None,
        status=person.status,
        attributes=person.attributes,
        facets={},
        tags=person.tags,
        grams=sorted(
            {
                *grams(realm_id, *shown),
                *pairs(realm_id, named),
                *pairs(realm_id, person.attributes),
            }
        ),
    )
