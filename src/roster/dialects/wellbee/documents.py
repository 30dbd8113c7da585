"""People as this API shows them: documents, whose custom fields stand among the others (notes, section 14)."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from roster.core.users.models import User
from roster.dialects.wellbee.catalogue import NAME
from roster.dialects.wellbee.shapes import Shape
from roster.kit import clock
from roster.kit.text import fold

Document = dict[str, object]

TEXTS: Final[Mapping[str, str]] = {
    "email": "email",
    "firstName": "given_name",
    "lastName": "family_name",
    "userName": "username",
    "personalNumber": "personal_number",
}
"""Fields that the directory has columns for. All others are custom fields, but for `deactivated`, which is a status."""
NAMES: Final = ("firstName", "middleName", "lastName")
VERIFYING: Final = "verifying"
"""What this dialect remembers of somebody whose address waits to be verified."""


class Held(msgspec.Struct, frozen=True):
    """The roles of a person by the names they have here, and the scopes that these give together.

    `methods` are what they are asked for besides a password.
    """

    roles: Sequence[str] = ()
    scopes: Sequence[str] = ()
    methods: Sequence[str] = ()


def user(person: User, held: Held, shape: Shape, *, expand: bool = False) -> Document:
    """The user that a person is; with `expand` the profile is in it, if there is anything in that."""
    shown = whole(person, held, shape)
    if not shape.is_split:
        return shown
    found = {name: value for name, value in shown.items() if not shape.in_profile(name)}
    if expand and (inside := _profile(person, shown, shape)) is not None:
        found["profile"] = inside
    return found


def profile(person: User, shape: Shape) -> Document:
    """The profile of a person, even with nothing in it."""
    return _profile(person, whole(person, Held(), shape), shape) or {"id": str(person.id)}


def whole(person: User, held: Held, shape: Shape) -> Document:
    """Everything about a person that may be shown, user and profile together."""
    known: Document = {
        "id": str(person.id),
        "email": shown_email(person),
        "firstName": person.given_name,
        "middleName": person.attributes.get("middleName"),
        "lastName": person.family_name,
        "userName": own_name(person),
        "personalNumber": person.personal_number,
        "emailVerified": is_verified(person),
        "deactivated": True if person.status == "disabled" else None,
    }
    if shape.is_lower:
        known |= {name: _capital(known[name]) for name in NAMES}
    known = {name: value for name, value in known.items() if value is not None}
    custom = {name: value for name, value in person.attributes.items() if name not in known}
    rights: Document = {"roles": list(held.roles), "scopes": list(held.scopes)}
    if held.methods:
        rights["twoFactorMethods"] = list(held.methods)
    shown = {**custom, **known, **rights, "metadata": _metadata(person)}
    return {name: _bare(value, shape) for name, value in shown.items() if name not in shape.private}


def own_name(person: User) -> str | None:
    """The user name, unless it is the address, as with all who have chosen none."""
    is_address = person.email is not None and fold(person.username) == fold(person.email)
    return None if is_address else person.username


def shown_email(person: User) -> str | None:
    """The address, in lower case as everywhere."""
    return None if person.email is None else person.email.lower()


def is_verified(person: User) -> bool | None:
    """None for those who were never asked to verify their address."""
    if person.email_verified_at is not None:
        return True
    return False if remembered(person).get(VERIFYING) else None


def remembered(person: User) -> Mapping[str, object]:
    """What only this dialect knows of a person."""
    return person.facets.get(NAME, {})


def _profile(person: User, shown: Document, shape: Shape) -> Document | None:
    inside = {name: value for name, value in shown.items() if shape.in_profile(name)}
    return {"id": str(person.id), **inside, "metadata": _metadata(person)} if inside else None


def _metadata(person: User) -> Document:
    return {"created": clock.instant(person.created_at), "updated": clock.instant(person.updated_at)}


def _bare(value: object, shape: Shape) -> object:
    """Without private members, however deep they are."""
    if isinstance(value, dict):
        members = cast("Document", value)
        return {name: _bare(member, shape) for name, member in members.items() if name not in shape.private}
    if isinstance(value, list):
        return [_bare(each, shape) for each in cast("list[object]", value)]
    return value


def _capital(name: object) -> object:
    return name[:1].upper() + name[1:] if isinstance(name, str) else name
