"""From what was said about a person to what is stored: normal forms, derived columns, and every problem found."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from roster.core.realms.models import RealmSettings
from roster.core.users import normal
from roster.core.users.models import User, UserChange, UserDraft
from roster.core.users.store import Row
from roster.kit.errors import InvalidInput, Problem
from roster.kit.patch import is_set, present
from roster.kit.text import fold, grams


class Drafting:
    """Collects the problems of one draft or change, so that all are told at once."""

    def __init__(self, realm_id: UUID, settings: RealmSettings) -> None:
        self._realm_id = realm_id
        self._settings = settings
        self.problems: list[Problem] = []

    def row(self, draft: UserDraft, now: datetime) -> Row:
        """The row of a new person. Problems are collected; call `finish` before using it."""
        username, username_key = self._pair(normal.username(draft.username))
        email, email_key = self._email(draft.email, username, username_key)
        phone, phone_key = (
            self._pair(normal.phone(draft.phone, self._settings.default_region)) if draft.phone else (None, None)
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
            display_key=_key(draft.display_name),
            given_name=draft.given_name,
            given_key=_key(draft.given_name),
            family_name=draft.family_name,
            family_key=_key(draft.family_name),
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

    def _pair(self, found: tuple[str, str] | Problem) -> tuple[str | None, str | None]:
        if isinstance(found, Problem):
            self.problems.append(found)
            return None, None
        return found

    def _email(self, text: str | None, username: str | None, username_key: str | None) -> tuple[str | None, str | None]:
        """A username that looks like an address is one's own address, so that nobody answers to somebody else's."""
        if not text and username and "@" in username:
            text = username
        if not text:
            if self._settings.email_required:
                self.problems.append(Problem("email", "required", "An e-mail address is required."))
            return None, None
        email, key = self._pair(normal.email(text))
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
        return grams(self._realm_id, *(text for text in texts if text))


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


def _key(text: str | None) -> str | None:
    return None if text is None else fold(text)
