"""What may be said about an organisation."""

from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from roster.core.orgs.models import Facets, Org, OrgDraft
from roster.kit import values
from roster.kit.errors import InvalidInput, Problem

_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 10_000
_LONGEST_LANGUAGE: Final = 100
_LARGEST_FACETS: Final = 64 * 1024
_LARGEST_NUMBER: Final = 2**53 - 1


def check(org: Org | OrgDraft, invitation_text: str | None = None) -> None:
    """Raise InvalidInput with every problem."""
    problems: list[Problem] = []
    if not org.name.strip() or not org.name.isprintable() or len(org.name) > _LONGEST_NAME:
        problems.append(Problem("name", "invalid_name", f"A name has 1 to {_LONGEST_NAME} characters."))
    problems += _text_problems("description", org.description) + _text_problems("invitation_text", invitation_text)
    if org.language is not None and not (org.language.isprintable() and 0 < len(org.language) <= _LONGEST_LANGUAGE):
        problems.append(Problem("language", "invalid_locale", "A language is a tag like en or sv-SE."))
    if org.timezone is not None and not _is_timezone(org.timezone):
        problems.append(Problem("timezone", "unknown_timezone", "There is no such time zone in the IANA data base."))
    problems += facet_problems(org.facets)
    if org.number is not None and not 0 < org.number <= _LARGEST_NUMBER:
        problems.append(Problem("number", "out_of_range", f"A number is 1 to {_LARGEST_NUMBER}."))
    if problems:
        raise InvalidInput(problems)


def facet_problems(facets: Facets) -> list[Problem]:
    """What is wrong with what front doors keep."""
    if facets and len(msgspec.json.encode(facets)) > _LARGEST_FACETS:
        return [Problem("facets", "too_large", "Facets take at most 64 KiB together.")]
    return []


def _text_problems(field: str, text: str | None) -> list[Problem]:
    if text is None or (len(text) <= _LONGEST_TEXT and values.storable(text)):
        return []
    return [Problem(field, "invalid_text", f"Use at most {_LONGEST_TEXT} characters, and no NUL.")]


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
