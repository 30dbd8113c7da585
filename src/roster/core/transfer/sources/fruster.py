"""Exports of the Fruster platform: users and profiles, a document a line, as `mongoexport` writes them.

Lines of profiles, which have no address, password or roles, come before those of users in one file; each is joined
with the user of the same id. What becomes of what: names, `personalNumber` and `metadata.created` are the directory's,
`deactivated` is a status, `emailVerified` too when it is false, all other fields are custom fields. Passwords keep
working. Tokens of messages and second factors are not taken over.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from roster.core.credentials import forms
from roster.core.transfer.errors import MalformedSource
from roster.core.transfer.sources import extended
from roster.core.transfer.sources.lines import Lines
from roster.core.transfer.sources.person import LONGEST, Person, Read, checked, refused, unstorable
from roster.kit.errors import Problem

_BOM: Final = b"\xef\xbb\xbf"
_MOST_PROFILES: Final = 1 << 30
"""Bytes of profiles that wait for their users."""
_SECRET: Final = ("password", "salt", "hashDate")
_LEFT: Final = frozenset(
    {"_id", "__v", "scopes", "metadata", "emailVerificationToken", "setPasswordToken", "twoFactorMethods", *_SECRET}
)
_OF_USERS: Final = frozenset({"email", "password", "roles", "emailVerified", "salt"})
_TEXTS: Final = {
    "userName": "username",
    "email": "email",
    "firstName": "given_name",
    "lastName": "family_name",
    "personalNumber": "personal_number",
}
_ROLES: Final = {"super-admin": "admin", "admin": "wellbee:admin", "user": "wellbee:user"}
"""What the directory calls roles whose names mean something else in it; `super-admin` may do everything there too."""
_STRONGER_SINCE: Final = datetime(2017, 6, 26, tzinfo=UTC)
_UNSUPPORTED: Final = Problem(
    "password", "unsupported_hash", "The password was left out: its hash is of no known form."
)
_PUBLISHED: Final = Problem(
    "password", "published_password", "The password was left out: it is the default of Fruster's first administrator."
)
_DEFAULT: Final = b"Frosties2019"
_SECOND_FACTOR: Final = Problem(
    "twoFactorMethods", "second_factor_left_out", "The second factor was left out: it has to be turned on again."
)

Document = dict[str, Any]
_INSTANT = Annotated[datetime, Meta(tz=True)]


class FrusterSource:
    """Rows are lines, counted from 1; profiles say something with the user they belong to."""

    def __init__(self, after: int = 0) -> None:
        """Rows up to `after` are counted, and only profiles among them read."""
        self.roles: dict[str, str] = {}
        self._after = after
        self._row = 0
        self._lines = Lines(LONGEST)
        self._profiles: dict[str, tuple[int, Document]] = {}
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Read]:
        """See `Source`."""
        return self._rows(self._lines.feed(data))

    def finish(self) -> Iterator[Read]:
        """See `Source`."""
        yield from self._rows(self._lines.finish())
        for row, _ in self._profiles.values():
            if row > self._after:
                yield refused(row, "id", "profile_alone", "No user with this id comes after this profile.")
        self._profiles.clear()

    def _rows(self, lines: Iterable[bytes | None]) -> Iterator[Read]:
        for line in lines:
            self._row += 1
            text = None if line is None else line.strip().removeprefix(_BOM)
            if text == b"":
                continue
            found = refused(self._row, "", "too_long", _TOO_LONG) if text is None else self._read(text)
            if found is not None and self._row > self._after:
                yield found

    def _read(self, text: bytes) -> Read | None:
        """The person of a line of a user; None for one of a profile, which is remembered."""
        try:
            document = extended.read(text)
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError, TypeError, OSError):
            return refused(self._row, "", "malformed", "The row is no document as mongoexport writes it.")
        problem = unstorable(document)
        if problem is not None:
            return Read(self._row, None, (problem,))
        if _OF_USERS.isdisjoint(document):
            self._remember(document, len(text))
            return None
        _, profile = self._profiles.pop(str(document.get("id")), (0, cast("Document", {})))
        return checked(self._row, lambda: _person(document, profile))

    def _remember(self, document: Document, size: int) -> None:
        self._size += size
        if self._size > _MOST_PROFILES:
            raise MalformedSource.because("The file holds more profiles than can be joined; split it.")
        self._profiles[str(document.get("id"))] = (self._row, document)


_TOO_LONG: Final = f"A row has at most {LONGEST // 1024} KiB."


def _person(user: Document, profile: Document) -> tuple[Person, tuple[Problem, ...]]:
    notes: list[Problem] = [_SECOND_FACTOR] if user.get("twoFactorMethods") else []
    whole = {**profile, **user}
    made = _hash(user)
    if made is None and user.get("password"):
        notes.append(_UNSUPPORTED)
    if made is not None and _is_published(made):
        made = None
        notes.append(_PUBLISHED)
    values: Document = {
        "id": user.get("id"),
        **{field: whole[name] or None for name, field in _TEXTS.items() if name in whole},
        "status": "disabled" if whole.get("deactivated") else "active",
        "created_at": _created(user),
        "roles": _roles(user),
        "password_hash": made,
        "attributes": _attributes(whole),
        **_verification(user.get("emailVerified")),
    }
    if not values.get("username"):
        values.pop("username", None)
    return msgspec.convert(values, Person), tuple(notes)


def _roles(user: Document) -> list[object]:
    given = cast("list[object]", user.get("roles") or [])
    return [_ROLES.get(each, each) if isinstance(each, str) else each for each in given]


def _verification(flag: object) -> Document:
    """Whoever has no flag was never asked."""
    if flag is True:
        return {"email_verified": True}
    return {"facets": {"wellbee": {"verifying": True}}} if flag is False else {}


def _attributes(whole: Document) -> Document:
    apart = {*_LEFT, *_TEXTS, "id", "roles", "emailVerified", "deactivated"}
    return {name: value for name, value in whole.items() if name not in apart and value is not None}


def _created(user: Document) -> str | None:
    metadata = user.get("metadata")
    created = cast("Document", metadata).get("created") if isinstance(metadata, dict) else None
    return created if isinstance(created, str) else None


def _hash(user: Document) -> str | None:
    made, salt, user_id = user.get("password"), user.get("salt"), user.get("id")
    if not (isinstance(made, str) and isinstance(salt, str) and isinstance(user_id, str)):
        return None
    date = user.get("hashDate")
    is_old = not isinstance(date, str) or msgspec.convert(date, _INSTANT) < _STRONGER_SINCE
    return forms.fruster(user_id, salt, made, is_old=is_old)


def _is_published(encoded: str) -> bool:
    """These hashes are quick, so each can be asked."""
    check = forms.read(encoded)
    return check is not None and check(_DEFAULT)
