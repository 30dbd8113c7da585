"""What people may choose as a secret (NIST SP 800-63B-4, 3.1.1.2): length and a list, no composition, no truncation."""

from functools import cache
from importlib import resources

from roster.core.credentials.hashing import LONGEST
from roster.kit.errors import InvalidInput


def check(secret: str, min_length: int, *, field: str = "password") -> None:
    """Raise InvalidInput when a realm that asks for `min_length` characters does not take this secret."""
    if len(secret) < min_length:
        raise InvalidInput.of(field, "too_short", f"Use at least {min_length} characters.")
    if len(secret) > LONGEST:
        raise InvalidInput.of(field, "too_long", f"Use at most {LONGEST} characters.")
    if any("\ud800" <= sign <= "\udfff" for sign in secret):
        raise InvalidInput.of(field, "invalid_text", "This text is not valid Unicode.")
    if secret.casefold() in _common():
        raise InvalidInput.of(field, "too_common", "This is one of the first secrets that attackers try.")


@cache
def _common() -> frozenset[str]:
    text = resources.files(__package__ or "").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line.casefold() for line in text.split("\n") if line)
