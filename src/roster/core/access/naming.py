"""What a role may be called."""

from typing import Final

from roster.kit import ids
from roster.kit.errors import InvalidInput, Problem
from roster.kit.text import fold

_RESERVED: Final = frozenset({"anonymous", "me", "count"})
_LONGEST: Final = 200
_LONGEST_KEY: Final = 1000
_LONGEST_DESCRIPTION: Final = 2000


def check(name: str, description: str = "") -> None:
    """Raise InvalidInput when a role may not be called or described so."""
    problem = problem_of(name)
    if problem is not None:
        raise InvalidInput([problem])
    if len(description) > _LONGEST_DESCRIPTION:
        raise InvalidInput.of("description", "too_long", f"Use at most {_LONGEST_DESCRIPTION} characters.")


def problem_of(name: str) -> Problem | None:
    """What is wrong with the name of a role.

    Permission lists name people by their ids, roles by their names, and strangers as `anonymous`: a role that is called
    like somebody would get what was meant for them. In lists of names commas stand between them.
    """
    key = fold(name[:_LONGEST])
    if not key.strip() or "," in name or not name.isprintable():
        return Problem("name", "invalid_name", "A role's name is not empty and holds no comma and no control signs.")
    if len(name) > _LONGEST or len(key.encode(errors="replace")) > _LONGEST_KEY:
        return Problem("name", "too_long", f"Use at most {_LONGEST} characters.")
    if key.strip() in _RESERVED or ids.parse(key.strip()):
        return Problem("name", "reserved_name", "This name stands for something else.")
    return None
