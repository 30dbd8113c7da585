"""From what was said about a person to what is stored: normal forms, derived columns, and every problem found."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from roster.core.realms.models import RealmSettings
from roster.core.users import normal
from roster.core.users.models import User, UserChange, UserDraft
from roster.core.users.store import Row
from roster.kit.errors import InvalidInput, Problem
from roster.kit.patch import is_set, present
from roster.kit.text import fold, grams, pairs

_LONGEST: Final = {
    "username": 200,
    "email": 320,
    "phone": 64,
    "display_name": 200,
    "given_name": 200,
    "family_name": 200,
    "locale": 35,
    "personal_number": 64,
    "picture": 2000,
}
"""Characters. Front doors may say less; here it holds for all of them, and before anything is computed of a text."""
_LONGEST_KEY: Final = 1000
"""Bytes of a folded text: folding makes up to eighteen characters of one, and an index takes 2700 bytes."""
_MOST_TAGS: Final = 100
_LARGEST_FACETS: Final = 65_536
EXACT: Final = ("given_name", "family_name", "personal_number")
"""Fields that are found by the whole of their value too, letter by letter, as custom fields are."""
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What nobody sees (Unicode, Default_Ignorable_Code_Point): with it one name could look like another."""


class Drafting:
    """Collects the problems of one draft or change, so that all are told at once."""

    def __init__(self, realm_id: UUID, settings: RealmSettings) -> None:
        self._realm_id = realm_id
        self._settings = settings
        self.problems: list[Problem] = []

    def row(self, draft: UserDraft, now: datetime) -> Row:
        """The row of a new person. Problems are collected; call `finish` before using it."""
        draft = self._bounded(draft)
        username, username_key = self._pair("username", normal.username(draft.username))
        if _INVISIBLE.search(draft.username):
            self.problems.append(Problem("username", "invalid_username", "A name holds no invisible characters."))
        email, email_key = self._email(draft.email, username, username_key)
        phone, phone_key = (
            self._pair("phone", normal.phone(draft.phone, self._settings.default_region))
            if draft.phone
            else (None, None)
        )
        return Row(
            username=username or "",
            username_key=username_key or "",
            email=email,
            email_key=email_key,
            email_unique=self._settings.email_unique,
            email_verified_at=now if draft.email_verified and email else None,
            phone=phone,
            phone_key=phone_key,
            phone_verified_at=now if draft.phone_verified and phone else None,
            display_name=draft.display_name,
            display_key=self._key("display_name", draft.display_name),
            given_name=draft.given_name,
            given_key=self._key("given_name", draft.given_name),
            family_name=draft.family_name,
            family_key=self._key("family_name", draft.family_name),
            locale=self._locale(draft.locale),
            personal_number=draft.personal_number,
            picture=draft.picture,
            status=draft.status,
            attributes={name: value for name, value in draft.attributes.items() if value is not None},
            facets=draft.facets,
            tags=sorted(set(draft.tags)),
            grams=self._grams(username, email, phone, draft),
        )

    def finish(self) -> None:
        """Raise InvalidInput when anything was wrong."""
        if self.problems:
            raise InvalidInput(self.problems)

    def _bounded(self, draft: UserDraft) -> UserDraft:
        """The draft without what is too long, so that nothing more is done with it."""
        cut: dict[str, object] = {}
        for name, longest in _LONGEST.items():
            text = getattr(draft, name)
            if text is not None and len(text) > longest:
                self.problems.append(Problem(name, "too_long", f"Use at most {longest} characters."))
                cut[name] = text[:longest]
        if len(draft.tags) > _MOST_TAGS or any(len(tag) > 200 for tag in draft.tags):
            text = f"There are at most {_MOST_TAGS} tags of 200 characters."
            self.problems.append(Problem("tags", "too_large", text))
            cut["tags"] = []
        if draft.facets and len(msgspec.json.encode(draft.facets)) > _LARGEST_FACETS:
            self.problems.append(Problem("facets", "too_large", "Facets take at most 64 KiB together."))
        return msgspec.structs.replace(draft, **cut) if cut else draft

    def _pair(self, name: str, found: tuple[str, str] | Problem) -> tuple[str | None, str | None]:
        problem = found if isinstance(found, Problem) else _too_wide(name, found[1])
        if problem is not None:
            self.problems.append(problem)
        return (None, None) if isinstance(found, Problem) or problem else found

    def _key(self, name: str, text: str | None) -> str | None:
        key = None if text is None else fold(text)
        problem = _too_wide(name, key or "")
        if problem is not None:
            self.problems.append(problem)
        return key

    def _email(self, text: str | None, username: str | None, username_key: str | None) -> tuple[str | None, str | None]:
        """A username that looks like an address is one's own address, so that nobody answers to somebody else's."""
        if not text and username_key and "@" in username_key:
            text = username
        if not text:
            if self._settings.email_required:
                self.problems.append(Problem("email", "required", "An e-mail address is required."))
            return None, None
        email, key = self._pair("email", normal.email(text))
        if key and username_key and "@" in username_key and username_key != key:
            text = "A name with @ in it must be the person's own e-mail address."
            self.problems.append(Problem("username", "foreign_address", text))
        return email, key

    def _locale(self, text: str | None) -> str | None:
        found = normal.locale(text) if text else None
        if isinstance(found, Problem):
            self.problems.append(found)
            return None
        return found

    def _grams(self, username: str | None, email: str | None, phone: str | None, draft: UserDraft) -> list[int]:
        texts = (username, email, phone, draft.display_name, draft.given_name, draft.family_name)
        exact = {name: getattr(draft, name) for name in EXACT}
        return sorted(
            {
                *grams(self._realm_id, *filter(None, texts)),
                *pairs(self._realm_id, exact),
                *pairs(self._realm_id, draft.attributes),
            }
        )


def merged(user: User, change: UserChange) -> UserDraft:
    """The whole person as they will be: stored values with the named ones replaced."""
    stored = {name: getattr(user, name) for name in UserDraft.__struct_fields__ if name in User.__struct_fields__}
    named = {name: value for name, value in present(change).items() if name in stored}
    if is_set(change.attributes):
        named["attributes"] = _over(user.attributes, change.attributes)
    if is_set(change.facets):
        named["facets"] = _over(user.facets, change.facets)
    return UserDraft(**{**stored, **named})


def _over(before: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**before, **change}.items() if value is not None}


def _too_wide(name: str, key: str) -> Problem | None:
    if len(key) * 4 <= _LONGEST_KEY or len(key.encode(errors="replace")) <= _LONGEST_KEY:
        return None
    return Problem(name, "too_long", "This text has too many characters that stand for several others.")
