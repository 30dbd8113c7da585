"""What can go wrong, in the directory's own words.

An error has a stable `code`, a text that may be shown to anyone, and details that are safe to show too.
No error knows an HTTP status: each front door has one table from these classes to its own answers.
A feature adds its own subclasses in its `errors.py`; the families below say how a front door that has no special
answer for a subclass treats it.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with one input: where (dotted path), a stable code, and a sentence."""

    field: str
    code: str
    text: str


class RosterError(Exception):
    """Base of all expected errors; `text` is safe for the caller's eyes, the cause is only for the log."""

    code: ClassVar[str] = "error"
    text: ClassVar[str] = "The request could not be carried out."

    def __init__(self, text: str | None = None, *, details: Mapping[str, object] | None = None) -> None:
        self.message = text or self.text
        self.details: Mapping[str, object] = details or {}
        super().__init__(self.message)


class InvalidInput(RosterError):
    """The input breaks a rule; every problem found is listed."""

    code = "invalid_input"
    text = "The input is not valid."

    def __init__(self, problems: Iterable[Problem] = (), text: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__(text or (self.problems[0].text if self.problems else None))

    @classmethod
    def of(cls, field: str, code: str, text: str) -> "InvalidInput":
        """One problem with one field."""
        return cls([Problem(field, code, text)])


class NotFound(RosterError):
    """Nothing there, or nothing the caller may know of; both must look the same."""

    code = "not_found"
    text = "There is nothing with this identifier."


class Conflict(RosterError):
    """The present state does not allow it."""

    code = "conflict"
    text = "The present state does not allow this."


class Taken(Conflict):
    """A name that must be unique is in use; `field` says which."""

    code = "taken"
    text = "This value is already in use."
    field: ClassVar[str] = ""


class StaleVersion(Conflict):
    """The caller's copy is not the stored one."""

    code = "stale_version"
    text = "The version is not the stored one."

    def __init__(self, *, stored: int, sent: int) -> None:
        self.stored = stored
        self.sent = sent
        super().__init__(details={"stored_version": stored, "sent_version": sent})


def require_version(stored: int, seen: int | None) -> None:
    """Raise StaleVersion when the caller has seen another version than the stored one; None has seen none."""
    if seen is not None and seen != stored:
        raise StaleVersion(stored=stored, sent=seen)


class Unauthenticated(RosterError):
    """Who asks must be known, and is not."""

    code = "unauthenticated"
    text = "Authentication is required."


class InvalidToken(Unauthenticated):
    """A credential was sent and is not (or no longer) good; the reason is not told."""

    code = "invalid_token"
    text = "The token is not valid."


class BadCredentials(Unauthenticated):
    """Sign-in failed. One answer for unknown, disabled, deleted people and wrong secrets."""

    code = "bad_credentials"
    text = "The name or the secret is wrong."


class Forbidden(RosterError):
    """Known, but not allowed."""

    code = "forbidden"
    text = "You do not have the permission for this."


class StepUpRequired(Forbidden):
    """Allowed only after a recent sign-in."""

    code = "step_up_required"
    text = "Please sign in again to do this."


class TooMany(RosterError):
    """A limit is used up; `retry_after` is in seconds."""

    code = "too_many_requests"
    text = "Too many attempts. Please try again later."

    def __init__(self, retry_after: int, text: str | None = None) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__(text, details={"retry_after": self.retry_after})


class TooLarge(RosterError):
    """More input than the operation takes."""

    code = "too_large"
    text = "The input is too large."


class Unavailable(RosterError):
    """Cannot be done at the moment; `retry_after` is in seconds."""

    code = "unavailable"
    text = "The service is busy. Please try again in a moment."

    def __init__(self, retry_after: int = 1, text: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(text, details={"retry_after": retry_after})


class Internal(RosterError):
    """A fault of ours. What happened is in the log only."""

    code = "internal"
    text = "Something went wrong."
