"""Access entries of roles: services and methods, kept with the role and turned into its permissions. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from roster.core.access.models import Role, RoleChange
from roster.core.access.vocabulary import Vocabulary
from roster.dialects.groupalarm import catalogue, wire_rbac
from roster.dialects.groupalarm.errors import EntryNotFound
from roster.dialects.groupalarm.mapping import NAME
from roster.kit.errors import InvalidInput

_MOST: Final = 100


class Entry(msgspec.Struct, frozen=True):
    """One entry, as it is kept."""

    id: int
    endpoints: list[str]
    methods: list[str]


class Kept(msgspec.Struct, frozen=True):
    """What is kept with a role; `last` is the highest number that an entry ever had."""

    access: list[Entry] = []
    last: int = 0
    assign: bool = False


def kept(role: Role, known: Vocabulary) -> Kept:
    """The entries of a role; of one that was made, or given other keys, elsewhere one for each service it reaches."""
    stored = msgspec.convert(role.facets.get(NAME, {}), Kept)
    if stored.last and _given(stored) == catalogue.own(role.permissions):
        return stored
    granted = catalogue.granted(known.expand(role.permissions))
    found = [Entry(number, [name], each) for number, (name, each) in enumerate(granted.items(), stored.last + 1)]
    return msgspec.structs.replace(stored, access=found, last=stored.last + len(found))


def added(before: Kept, body: wire_rbac.RoleAccessWrite) -> Kept:
    """With one entry more, which is the last. Raises InvalidInput."""
    if len(before.access) >= _MOST:
        raise InvalidInput.of("role_access", "too_many", f"A role has at most {_MOST} entries.")
    number = before.last + 1
    return msgspec.structs.replace(before, access=[*before.access, _entry(number, body)], last=number)


def replaced(before: Kept, number: int, body: wire_rbac.RoleAccessWrite) -> Kept:
    """With another content of an entry. Raises EntryNotFound, InvalidInput."""
    find(before, number)
    after = [_entry(number, body) if each.id == number else each for each in before.access]
    return msgspec.structs.replace(before, access=after)


def without(before: Kept, number: int) -> Kept:
    """Without an entry. Raises EntryNotFound."""
    find(before, number)
    return msgspec.structs.replace(before, access=[each for each in before.access if each.id != number])


def find(found: Kept, number: int) -> Entry:
    """The entry with this number. Raises EntryNotFound."""
    entry = next((each for each in found.access if each.id == number), None)
    if entry is None:
        raise EntryNotFound
    return entry


def change(role: Role, before: Kept, after: Kept) -> RoleChange:
    """The change of the role that the entries mean.

    Permissions that are none of theirs stay, but for what those mean that are left out: a role that was made elsewhere
    would go on giving it.
    """
    given = _given(after)
    gone = {meaning for key in _given(before) - given for meaning in catalogue.meanings(key)}
    stays = (each for each in catalogue.others(role.permissions) if each not in gone)
    return RoleChange(permissions=sorted({*stays, *given}), facets={NAME: msgspec.to_builtins(after)})


def out(role: Role, found: Sequence[Entry]) -> list[wire_rbac.RoleAccess]:
    """Entries as the wire shows them."""
    return [wire_rbac.RoleAccess(each.endpoints, each.id, each.methods, role.number) for each in found]


def _given(found: Kept) -> set[str]:
    return set[str]().union(*(catalogue.permissions(each.endpoints, each.methods) for each in found.access))


def _entry(number: int, body: wire_rbac.RoleAccessWrite) -> Entry:
    methods = [each.upper() for each in body.methods]
    for service in body.endpoints:
        if service not in catalogue.SERVICES:
            raise InvalidInput.of("endpoints", "unknown_service", f"There is no service {service!r}.")
    if not all(catalogue.knows(body.endpoints[0], each) for each in methods):
        raise InvalidInput.of("methods", "unknown_method", "A method is GET, POST, PUT, PATCH or DELETE.")
    return Entry(number, list(dict.fromkeys(body.endpoints)), list(dict.fromkeys(methods)))
