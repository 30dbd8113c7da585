"""Normal forms of names and addresses: what is stored, what is compared, what is refused."""

import re
from functools import lru_cache
from typing import Final

import email_validator
import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

from roster.kit import ids, secrets
from roster.kit.errors import Problem
from roster.kit.text import fold

RESERVED: Final = frozenset({"me", "count", "anonymous", "system", "password", "self", "null", "undefined"})
"""Words that stand for something else in paths."""

_LONGEST_ADDRESS: Final = 254
_PLAIN_LOCAL: Final = re.compile(r"(?=.{1,64}$)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
"""Local parts that are their own normal form."""
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+")
_INTERNATIONAL: Final = re.compile(r"\+([1-9][0-9]{6,14})")
_FORBIDDEN_SIGNS: Final = frozenset('/\\?#%"<>|*:;,')


def username(text: str) -> tuple[str, str] | Problem:
    """A username as shown and as compared.

    It is no identifier of another sort (UUID, phone number), no reserved word, and fits into a path.
    """
    shown = text.strip()
    key = fold(shown)
    if not key or not shown.isprintable() or not _FORBIDDEN_SIGNS.isdisjoint(shown):
        return Problem("username", "invalid_username", "A name is not empty and holds no control or path signs.")
    if key in RESERVED or ids.parse(key) or key.startswith(("+", ".", "~")):
        return Problem("username", "reserved_username", "This name is reserved.")
    return shown, key


def email(text: str) -> tuple[str, str] | Problem:
    """An e-mail address in normal form (RFC 5321, 6531; no look-up) and as compared: folded as a whole."""
    local, at, domain = text.strip().rpartition("@")
    if _PLAIN_LOCAL.fullmatch(local) and len(domain) < _LONGEST_ADDRESS - len(local):
        normal = _domain(domain)
        shown = None if normal is None else local + at + normal
    else:
        shown = _validated(text.strip())
    if shown is None:
        return Problem("email", "invalid_email", "This is not an e-mail address.")
    return shown, fold(shown)


def is_same_mailbox(one: str | None, other: str | None) -> bool:
    """Whether two addresses in normal form, or none, are one mailbox: only letter case may differ.

    What is compared as the same elsewhere, such as `faß.de` and `fass.de`, may be two owners'.
    """
    return (one or "").lower() == (other or "").lower()


def name_for(address: str) -> str:
    """A username for somebody who is known by an address only: the address itself, wherever it can be a name."""
    if isinstance(username(address), tuple):
        return address
    plain = _NOT_IN_NAMES.sub("", address.partition("@")[0]).strip("._-")[:64]
    return f"{plain or 'person'}-{secrets.token(6).lower()}"


def _validated(address: str) -> str | None:
    try:
        found = email_validator.validate_email(
            address, check_deliverability=False, allow_smtputf8=True, test_environment=True
        )
    except email_validator.EmailNotValidError:
        return None
    return found.normalized


@lru_cache(4096)
def _domain(domain: str) -> str | None:
    """The normal form of a domain, remembered: many addresses share few, and looking at one takes a while."""
    normal = _validated("a@" + domain)
    return None if normal is None else normal[2:]


def phone(text: str, region: str) -> tuple[str, str] | Problem:
    """A phone number as written and, for comparing, in E.164 (or its digits when it cannot be understood)."""
    shown = text.strip()
    if _is_e164(shown):
        return shown, shown
    digits = "".join(sign for sign in shown if sign.isdigit())
    if not digits or not all(sign.isdigit() or sign in "+-./() \u00a0\u2013x" for sign in shown):
        return Problem("phone", "invalid_phone", "This is not a phone number.")
    return shown, phone_key(shown, region)


def _is_e164(text: str) -> bool:
    """Whether an international number without any separators is its own normal form: nothing is to be cut off it.

    That is so unless what follows the country's code looks like a prefix for calls inside that country.
    """
    found = _INTERNATIONAL.fullmatch(text)
    if found is None:
        return False
    for length in (1, 2, 3):
        code, rest = int(found[1][:length]), found[1][length:]
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            prefix = _national_prefix(code)
            return prefix is not None and prefix.match(rest) is None
    return False


@lru_cache(1000)
def _national_prefix(code: int) -> re.Pattern[str] | None:
    region = phonenumbers.region_code_for_country_code(code)
    known = (
        PhoneMetadata.metadata_for_nongeo_region(code, None)
        if region == "001"
        else PhoneMetadata.metadata_for_region(region, None)
    )
    return re.compile(known.national_prefix_for_parsing or "(?!)") if known else None


def phone_key(text: str, region: str) -> str:
    """What two spellings of one number have in common."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return "".join(sign for sign in text if sign.isdigit())
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(1024)
def locale(text: str) -> str | Problem:
    """A language tag (BCP 47) in its usual spelling."""
    parts = text.strip().replace("_", "-").split("-")
    if not parts[0].isalpha() or not all(part.isalnum() and len(part) <= 8 for part in parts):
        return Problem("locale", "invalid_locale", "This is not a language tag.")
    return "-".join([parts[0].lower(), *(part.upper() if len(part) == 2 else part for part in parts[1:])])
