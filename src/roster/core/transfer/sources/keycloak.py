"""Realm exports of Keycloak, as one JSON document with its people in `users`, also the parts of a split export.

What becomes of what: `id` is kept in `facets.keycloak`, groups become tags, realm roles and client roles
(`client:role`) become roles, attributes custom fields (with `_` for dots, and lists of one value as that value) except
`locale` and `phoneNumber`, `enabled` the status. Service accounts are no people and are left out. Temporary things
(required actions, consents, sessions, links to other providers) are not taken over.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.transfer.errors import MalformedSource
from roster.core.transfer.sources import hashes
from roster.core.transfer.sources.hashes import KeycloakCredential
from roster.core.transfer.sources.members import Members, Part
from roster.core.transfer.sources.person import LONGEST, Given, Person, Read, checked, refused, unstorable
from roster.core.users import normal
from roster.kit.errors import Problem

_LONGEST_MEMBER: Final = 8 << 20
"""Bytes of the list of roles: fifty thousand of them."""


class _User(msgspec.Struct, frozen=True, rename="camel"):
    id: str | None = None
    username: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    enabled: bool = True
    email_verified: bool = False
    created_timestamp: int | None = None
    attributes: dict[str, str | list[str | None] | None] | None = None
    credentials: list[KeycloakCredential] | None = None
    realm_roles: list[str] | None = None
    client_roles: dict[str, list[str]] | None = None
    groups: list[str] | None = None
    service_account_client_id: str | None = None


class _Role(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None


class _Roles(msgspec.Struct, frozen=True):
    realm: list[_Role] = []
    client: dict[str, list[_Role]] = {}


_USER: Final = msgspec.json.Decoder(_User)
_ROLES: Final = msgspec.json.Decoder(_Roles)


class KeycloakSource:
    """Rows are the elements of `users`, counted from 1."""

    def __init__(self, after: int = 0) -> None:
        """Rows up to `after` are counted, not read."""
        self.roles: dict[str, str] = {}
        self._after = after
        self._row = 0
        self._members = Members(lists={"users"}, wanted={"roles"}, longest=LONGEST, longest_member=_LONGEST_MEMBER)

    def feed(self, data: bytes) -> Iterator[Read]:
        """See `Source`."""
        for part in self._members.feed(data):
            if part.is_element:
                yield from self._user(part)
            elif part.raw is not None:
                self._learn_roles(part.raw)

    def finish(self) -> Iterator[Read]:
        """See `Source`."""
        self._members.finish()
        return iter(())

    def _user(self, part: Part) -> Iterator[Read]:
        self._row += 1
        if self._row <= self._after:
            return
        if part.raw is None:
            yield refused(self._row, "", "too_long", f"A row has at most {LONGEST // 1024} KiB.")
            return
        yield _read(self._row, part.raw)

    def _learn_roles(self, raw: bytes) -> None:
        try:
            found = _ROLES.decode(raw)
        except (ValueError, RecursionError) as error:
            raise MalformedSource.because("The roles of the realm cannot be read.") from error
        for role in found.realm:
            self.roles[role.name] = _described(role)
        for client, roles in found.client.items():
            self.roles.update({f"{client}:{role.name}": _described(role) for role in roles})


def _described(role: _Role) -> str:
    """Descriptions of Keycloak's own roles are names of texts in its theme."""
    text = role.description or ""
    return "" if text.startswith("${") else text


def _read(row: int, raw: bytes) -> Read:
    def made() -> tuple[Person, tuple[Problem, ...]]:
        return _person(_USER.decode(raw))

    if b"\\u0000" in raw and (problem := _unstorable(raw)) is not None:
        return Read(row, None, (problem,))
    return checked(row, made)


def _unstorable(raw: bytes) -> Problem | None:
    try:
        return unstorable(msgspec.json.decode(raw))
    except (ValueError, RecursionError):
        return None


def _person(user: _User) -> tuple[Person, tuple[Problem, ...]]:
    if user.service_account_client_id:
        raise msgspec.ValidationError("This is the account of a service, not a person. - at `$.serviceAccountClientId`")
    fields, notes = _attributes(user.attributes or {})
    secrets, more = hashes.of_keycloak(user.credentials or [])
    values: dict[str, Any] = {
        "username": _text(user.username),
        "email": _text(user.email),
        "given_name": _text(user.first_name),
        "family_name": _text(user.last_name),
        "status": "active" if user.enabled else "disabled",
        "email_verified": user.email_verified,
        "created_at": _moment(user.created_timestamp),
        "facets": {"keycloak": {"id": user.id}} if user.id else UNSET,
        "tags": user.groups or UNSET,
        "roles": _roles(user),
        **fields,
        **secrets,
    }
    named = {name: value for name, value in values.items() if value is not UNSET}
    return msgspec.convert(named, Person), (*notes, *more)


def _text(text: str | None) -> str | UnsetType:
    return text or UNSET


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _roles(user: _User) -> list[str | Given]:
    clients = user.client_roles or {}
    return [*(user.realm_roles or []), *(f"{client}:{role}" for client, roles in clients.items() for role in roles)]


def _attributes(found: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The fields of a person that attributes stand for, the others as custom fields, and what was left out."""
    fields: dict[str, Any] = {}
    attributes: dict[str, object] = {}
    notes: list[Problem] = []
    for name, value in found.items():
        single = _single(value)
        if single is None or single == []:
            continue
        known = _known(name, single) if isinstance(single, str) else None
        if known is not None:
            fields[known] = single
        elif not name or len(name) > 64:
            notes.append(Problem("attributes", "invalid_name", "An attribute was left out: its name is too long."))
        else:
            attributes[name.replace(".", "_")] = single
    if attributes:
        fields["attributes"] = attributes
    return fields, notes


def _single(value: Any) -> Any:
    """Keycloak keeps every value in a list."""
    values = cast("list[Any]", value if isinstance(value, list) else [value])
    return values[0] if len(values) == 1 else values


def _known(name: str, value: str) -> str | None:
    """The field that an attribute of Keycloak's own stands for, when its value will do there."""
    if name == "locale" and not isinstance(normal.locale(value), Problem):
        return "locale"
    if name == "phoneNumber" and len(value) <= 64 and not isinstance(normal.phone(value, "ZZ"), Problem):
        return "phone"
    return None
