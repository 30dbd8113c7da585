"""What people may choose as a secret (NIST SP 800-63B-4, 3.1.1.2): length and a list, no composition, no truncation."""

from datetime import datetime
from functools import cache
from importlib import resources
from itertools import pairwise

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


def check_pin(pin: str) -> None:
    """Raise InvalidInput for a PIN that is not 4 to 12 digits, or is one that everybody would try first."""
    if not 4 <= len(pin) <= 12 or not pin.isascii() or not pin.isdigit():
        raise InvalidInput.of("pin", "invalid_pin", "A PIN has 4 to 12 digits.")
    steps = {int(right) - int(left) for left, right in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise InvalidInput.of("pin", "too_common", "This is one of the first PINs that people try.")


def check_text(text: str, field: str, longest: int = 200) -> None:
    """Raise InvalidInput for a label or an identifier that is too long or holds control signs."""
    if len(text) > longest:
        raise InvalidInput.of(field, "too_long", f"Use at most {longest} characters.")
    if not text.isprintable():
        raise InvalidInput.of(field, "invalid_text", "This text holds signs that cannot be shown.")


def check_expiry(at: datetime | None) -> None:
    """Raise InvalidInput for a time without an offset, which nobody could place."""
    if at is not None and at.tzinfo is None:
        raise InvalidInput.of("expires_at", "no_offset", "Say from which offset to UTC this time is.")


@cache
def _common() -> frozenset[str]:
    text = resources.files(__package__ or "").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line.casefold() for line in text.split("\n") if line)
